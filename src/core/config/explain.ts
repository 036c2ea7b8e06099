import type { ErrorObject } from 'ajv';
import { COLUMN_TYPE_NAMES, didYouMean, isSecretName, redactUrls } from '../spi/index.js';
import { parsePointer } from './config-path.js';
import type { ConfigPath } from './config-path.js';
import { asList, asNode, knownKeys, typesOf } from './json-schema.js';
import type { SchemaNode } from './json-schema.js';

export interface Explained {
  readonly code: 'CONFIG_UNKNOWN_KEY' | 'CONFIG_MISSING_KEY' | 'CONFIG_WRONG_TYPE' | 'CONFIG_VALUE';
  readonly path: ConfigPath;
  readonly part: 'key' | 'value';
  readonly text: string;
  readonly hint: string | undefined;
}

/** ajv's errors in a user's words. `extraKeys` are keys that are legal beside those of the schema's top level. */
export function explainErrors(errors: readonly ErrorObject[], data: unknown, extraKeys: readonly string[]): readonly Explained[] {
  return pickBranches(errors).flatMap((error) => {
    const path = parsePointer(error.instancePath, data);
    return explainOne(error, path, path.length === 0 ? extraKeys : []);
  });
}

/**
 * Of the errors that an `anyOf` or `oneOf` gives for all its branches, keeps those of the one branch that was meant;
 * where none can be told, only the combinator's own error stays.
 */
function pickBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = errors.filter((error) => error.keyword !== 'if');
  const combinators = kept
    .filter((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf')
    .sort((a, b) => b.schemaPath.length - a.schemaPath.length);
  for (const combinator of combinators) {
    const prefix = `${combinator.schemaPath}/`;
    const inside = kept.filter((error) => error.schemaPath.startsWith(prefix) && error.instancePath.startsWith(combinator.instancePath));
    if (inside.length === 0) continue;
    const branches = new Map<string, ErrorObject[]>();
    for (const error of inside) {
      const branch = error.schemaPath.slice(prefix.length).split('/', 1)[0] ?? '';
      branches.set(branch, [...(branches.get(branch) ?? []), error]);
    }
    const fitting = [...branches.values()].filter((branch) => branch.every((error) => !rulesBranchOut(error, combinator.instancePath)));
    const [only] = fitting;
    const drop = new Set(inside);
    if (fitting.length === 1 && only !== undefined) {
      for (const error of only) drop.delete(error);
      drop.add(combinator);
    }
    kept = kept.filter((error) => !drop.has(error));
    if (!drop.has(combinator)) branchErrors.set(combinator, inside);
  }
  return kept;
}

/** What the branches of a combinator said, for its own message. */
const branchErrors = new WeakMap<ErrorObject, readonly ErrorObject[]>();

/** Wrong kind of value, or another value of the key that picks the branch. */
function rulesBranchOut(error: ErrorObject, at: string): boolean {
  if (error.instancePath === at) return error.keyword === 'type' || error.keyword === 'const' || error.keyword === 'enum';
  const parent = error.instancePath.slice(0, error.instancePath.lastIndexOf('/'));
  return parent === at && (error.keyword === 'const' || (error.keyword === 'enum' && /\/(type|rule|mode)$/.test(error.instancePath)));
}

function explainOne(error: ErrorObject, path: ConfigPath, extraKeys: readonly string[]): readonly Explained[] {
  const schema = asNode(error.parentSchema) ?? {};
  const params = error.params as { [name: string]: unknown };
  const found = describeFound(error.data, path, schema);
  const wrong = (text: string, code: Explained['code'] = 'CONFIG_VALUE', hint?: string): Explained[] => [
    { code, path, part: 'value', text, hint: hint ?? describeHint(schema) },
  ];
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = String(params['additionalProperty']);
      const known = [...new Set([...knownKeys([schema]), ...extraKeys])];
      return [
        {
          code: 'CONFIG_UNKNOWN_KEY',
          path: [...path, key],
          part: 'key',
          text: `unknown key "${key}"${didYouMean(key, known)}`,
          hint: `known keys here: ${known.sort().join(', ')}`,
        },
      ];
    }
    case 'required': {
      const key = String(params['missingProperty']);
      return [
        {
          code: 'CONFIG_MISSING_KEY',
          path: [...path, key],
          part: 'key',
          text: `expected the key "${key}", which is missing`,
          hint: describeHint(asNode(asNode(schema['properties'])?.[key])) ?? `add ${key}: ...`,
        },
      ];
    }
    case 'dependencies':
    case 'dependentRequired':
      return wrong(`the key "${String(params['property'])}" needs ${String(params['deps'])} beside it`, 'CONFIG_MISSING_KEY');
    case 'type':
      return wrong(`expected ${describeTypes(typesOf(schema), schema)}, found ${found}`, 'CONFIG_WRONG_TYPE', quoteHint(schema, error.data));
    case 'enum':
      return wrong(explainChoice(asList(params['allowedValues']), error.data, found));
    case 'const':
      return wrong(explainChoice([params['allowedValue']], error.data, found));
    case 'pattern':
      return wrong(`expected ${String(schema['x-expected'] ?? `text like ${exampleOf(schema) ?? String(params['pattern'])}`)}, found ${found}`);
    case 'x-column-type':
      return wrong(
        `expected a column type, found ${found}${didYouMean(String(error.data), COLUMN_TYPE_NAMES)}`,
        'CONFIG_VALUE',
        `column types: ${COLUMN_TYPE_NAMES.join(', ')}`,
      );
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return wrong(`expected a number ${String(params['comparison'])} ${String(params['limit'])}, found ${found}`);
    case 'minLength':
      return wrong(params['limit'] === 1 ? 'expected text, found none' : `expected at least ${String(params['limit'])} characters, found ${found}`);
    case 'maxLength':
      return wrong(`expected at most ${String(params['limit'])} characters, found ${found}`);
    case 'minItems':
    case 'minProperties':
      return wrong(params['limit'] === 1 ? 'expected at least one entry, found none' : `expected at least ${String(params['limit'])} entries`);
    case 'maxItems':
    case 'maxProperties':
      return wrong(`expected at most ${String(params['limit'])} entries`);
    case 'uniqueItems':
      return wrong(`expected different entries; number ${Number(params['i']) + 1} and ${Number(params['j']) + 1} are the same`);
    case 'anyOf':
    case 'oneOf':
      return wrong(explainCombinator(error, schema, found, params), describesTypes(error) ? 'CONFIG_WRONG_TYPE' : 'CONFIG_VALUE');
    default:
      return wrong(`${error.message ?? `does not satisfy ${error.keyword}`}, found ${found}`);
  }
}

function explainCombinator(error: ErrorObject, schema: SchemaNode, found: string, params: { [name: string]: unknown }): string {
  if (typeof schema['x-expected'] === 'string') return `expected ${schema['x-expected']}, found ${found}`;
  const inside = branchErrors.get(error) ?? [];
  const branches = asList(schema[error.keyword]).map(asNode);
  const keys = branches.map((branch) => asList(branch?.['required']).map(String).join(' and '));
  if (keys.every((key) => key !== '') && inside.every((inner) => inner.keyword === 'required' && inner.instancePath === error.instancePath)) {
    const many = error.keyword === 'oneOf' && params['passingSchemas'] !== null;
    return `expected exactly one of the keys ${keys.join(', ')}, found ${many ? 'several' : 'none'}`;
  }
  const choices = inside.filter((inner) => inner.keyword === 'const' || inner.keyword === 'enum');
  const [choice] = choices;
  if (
    choice !== undefined &&
    choices.length === inside.filter((inner) => inner.keyword !== 'additionalProperties' && inner.keyword !== 'required').length
  ) {
    const allowed = choices.flatMap((inner) =>
      asList((inner.params as { allowedValues?: unknown }).allowedValues ?? [(inner.params as { allowedValue?: unknown }).allowedValue]),
    );
    const key = choice.instancePath.slice(error.instancePath.length + 1);
    return `${key === '' ? '' : `${key}: `}${explainChoice(allowed, choice.data, describeFound(choice.data, [key], {}))}`;
  }
  const types = [
    ...new Set(
      inside
        .filter((inner) => inner.keyword === 'type' && inner.instancePath === error.instancePath)
        .flatMap((inner) => typesOf(asNode(inner.parentSchema) ?? {})),
    ),
  ];
  return types.length > 0 ? `expected ${describeTypes(types, {})}, found ${found}` : `fits none of the ${branches.length} accepted forms: ${found}`;
}

function describesTypes(error: ErrorObject): boolean {
  return (branchErrors.get(error) ?? []).some((inner) => inner.keyword === 'type');
}

function explainChoice(allowed: readonly unknown[], data: unknown, found: string): string {
  const words = [...new Set(allowed.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))))];
  return `expected ${words.length > 1 ? 'one of ' : ''}${words.join(', ')}, found ${found}${typeof data === 'string' ? didYouMean(data, words) : ''}`;
}

const TYPE_WORDS: { readonly [type: string]: string } = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

function describeTypes(types: readonly string[], schema: SchemaNode): string {
  const choices = asList(schema['enum']);
  if (choices.length > 0) return `one of ${choices.map(String).join(', ')}`;
  return types.map((type) => TYPE_WORDS[type] ?? type).join(' or ');
}

/** What stands in the config, short and without secrets. */
function describeFound(data: unknown, path: ConfigPath, schema: SchemaNode): string {
  if (data === undefined) return 'nothing';
  if (data === null) return 'nothing (null)';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a mapping';
  const name = path.findLast((part) => typeof part === 'string');
  if (schema['x-secret'] === true || (typeof name === 'string' && isSecretName(name))) return 'another value';
  const text = redactUrls(String(data));
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return typeof data === 'string' ? JSON.stringify(short) : short;
}

function describeHint(schema: SchemaNode | undefined): string | undefined {
  const description = schema?.['description'];
  return typeof description === 'string' ? description.replace(/\s+/g, ' ') : undefined;
}

function quoteHint(schema: SchemaNode, data: unknown): string | undefined {
  const types = typesOf(schema);
  if (types.includes('string') && (typeof data === 'number' || typeof data === 'boolean')) return 'put quotes around the value to make it text';
  if (typeof data === 'string' && types.some((type) => type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d+)?$/.test(data))
    return 'remove the quotes';
  if (types.includes('array')) return 'write a list: [a, b], or one entry a line after "- "';
  const keys = types.includes('object') ? asList(schema['required']) : [];
  return keys.length > 0 && schema['description'] === undefined
    ? `write a mapping: {${keys.map((key) => `${String(key)}: …`).join(', ')}}`
    : undefined;
}

function exampleOf(schema: SchemaNode): string | undefined {
  const example = asList(schema['examples'])[0];
  return example === undefined ? undefined : JSON.stringify(example);
}
