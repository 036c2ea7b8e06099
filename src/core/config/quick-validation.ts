import { parseColumnType } from '../spi/index.js';
import { asList, asNode, typesOf } from './json-schema.js';
import type { SchemaNode } from './json-schema.js';

/**
 * Whether a value certainly satisfies a schema; its defaults are then filled in. `false` means that ajv has to decide, on
 * a value that this has not touched. Nearly every config is valid, and compiling the schemas of one small load takes ajv
 * longer than all else before its first row. A test compares the two over the schemas of all plugins.
 */
export function passesQuickly(schema: SchemaNode, value: unknown): boolean {
  return isCovered(schema) && satisfies(schema, value, true);
}

type Value = { [key: string]: unknown };

const ANNOTATIONS = ['title', 'description', 'default', 'examples', 'x-secret', 'x-advanced', 'x-connection', 'x-expected'];
const SIZES = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];
const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];
const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];

const covered = new WeakMap<SchemaNode, boolean>();

/** Whether a schema holds only what is known here. */
export function isCovered(schema: SchemaNode): boolean {
  let known = covered.get(schema);
  if (known === undefined) {
    known = !('default' in schema) && covers(schema, true);
    covered.set(schema, known);
  }
  return known;
}

/** `fills`: defaults have a meaning here; ajv refuses them in branches. */
function covers(schema: unknown, fills: boolean): boolean {
  if (typeof schema === 'boolean') return true;
  const node = asNode(schema);
  if (node === undefined || (!fills && 'default' in node)) return false;
  return Object.entries(node).every(([keyword, rule]) => {
    if (ANNOTATIONS.includes(keyword)) return true;
    if (SIZES.includes(keyword) || BOUNDS.includes(keyword)) return typeof rule === 'number';
    switch (keyword) {
      case 'type':
        return typesOf(node).length > 0 && typesOf(node).every((type) => TYPES.includes(type));
      case 'pattern':
        return typeof rule === 'string';
      case 'x-column-type':
        return rule === true;
      case 'const':
        return isScalar(rule);
      case 'enum':
        return asList(rule).length > 0 && asList(rule).every(isScalar);
      case 'required':
        return Array.isArray(rule) && rule.every((key) => typeof key === 'string');
      case 'uniqueItems':
        return rule === true && holdsScalars(asNode(node['items']));
      case 'anyOf':
      case 'oneOf':
        return asList(rule).length > 0 && asList(rule).every((branch) => covers(branch, false));
      case 'propertyNames':
        return covers(rule, false);
      case 'items':
      case 'additionalProperties':
        return covers(rule, fills);
      case 'properties':
        return asNode(rule) !== undefined && Object.values(rule as Value).every((property) => covers(property, fills));
      default:
        return false;
    }
  });
}

function holdsScalars(items: SchemaNode | undefined): boolean {
  return items !== undefined && ('enum' in items || ['string', 'integer'].includes(String(items['type'])));
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

function satisfies(schema: unknown, value: unknown, fills: boolean): boolean {
  if (typeof schema === 'boolean') return schema;
  const node = schema as SchemaNode;
  const types = typesOf(node);
  if (types.length > 0 && !types.some((type) => isOfType(type, value))) return false;
  // Before the defaults, as in ajv: branches see what was written.
  if (!satisfiesAnyType(node, value)) return false;
  if (typeof value === 'string') return satisfiesText(node, value);
  if (typeof value === 'number') return satisfiesNumber(node, value);
  if (Array.isArray(value)) return satisfiesList(node, value, fills);
  return typeof value !== 'object' || value === null || satisfiesMapping(node, value as Value, fills);
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'number') return Number.isFinite(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function satisfiesAnyType(node: SchemaNode, value: unknown): boolean {
  const passing = (branches: unknown): number => asList(branches).filter((branch) => satisfies(branch, value, false)).length;
  if ('const' in node && node['const'] !== value) return false;
  if ('enum' in node && !asList(node['enum']).includes(value)) return false;
  if ('anyOf' in node && passing(node['anyOf']) === 0) return false;
  return !('oneOf' in node) || passing(node['oneOf']) === 1;
}

function satisfiesText(node: SchemaNode, text: string): boolean {
  // Characters, not UTF-16 units.
  if (('minLength' in node || 'maxLength' in node) && !hasSize(node, 'Length', [...text].length)) return false;
  if (typeof node['pattern'] === 'string' && !new RegExp(node['pattern'], 'u').test(text)) return false;
  return !('x-column-type' in node) || parseColumnType(text) !== undefined;
}

function satisfiesNumber(node: SchemaNode, value: number): boolean {
  const bound = (keyword: string): number => node[keyword] as number;
  return (
    (!('minimum' in node) || value >= bound('minimum')) &&
    (!('maximum' in node) || value <= bound('maximum')) &&
    (!('exclusiveMinimum' in node) || value > bound('exclusiveMinimum')) &&
    (!('exclusiveMaximum' in node) || value < bound('exclusiveMaximum'))
  );
}

function satisfiesList(node: SchemaNode, list: readonly unknown[], fills: boolean): boolean {
  if (!hasSize(node, 'Items', list.length)) return false;
  if (node['uniqueItems'] === true && new Set(list).size < list.length) return false;
  return !('items' in node) || list.every((item) => satisfies(node['items'], item, fills));
}

function satisfiesMapping(node: SchemaNode, mapping: Value, fills: boolean): boolean {
  const properties = asNode(node['properties']) ?? {};
  if (fills) fillDefaults(properties, mapping);
  const keys = Object.keys(mapping);
  if (!hasSize(node, 'Properties', keys.length)) return false;
  if (!asList(node['required']).every((key) => mapping[key as string] !== undefined)) return false;
  if ('propertyNames' in node && !keys.every((key) => satisfies(node['propertyNames'], key, false))) return false;
  return keys.every((key) => {
    if (Object.hasOwn(properties, key)) return mapping[key] === undefined || satisfies(properties[key], mapping[key], fills);
    return !('additionalProperties' in node) || satisfies(node['additionalProperties'], mapping[key], fills);
  });
}

function fillDefaults(properties: SchemaNode, mapping: Value): void {
  for (const [key, property] of Object.entries(properties)) {
    const byDefault = asNode(property)?.['default'];
    if (byDefault !== undefined && mapping[key] === undefined) mapping[key] = structuredClone(byDefault);
  }
}

function hasSize(node: SchemaNode, of: 'Length' | 'Items' | 'Properties', size: number): boolean {
  const [least, most] = [node[`min${of}`], node[`max${of}`]];
  return (typeof least !== 'number' || size >= least) && (typeof most !== 'number' || size <= most);
}
