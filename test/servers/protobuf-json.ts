import { createRequire } from 'node:module';

/** Protobuf definitions as JSON (the form of protobufjs), as far as the walker needs it. */
interface Definition {
  readonly nested?: { readonly [name: string]: Definition };
  readonly fields?: { readonly [name: string]: Field };
  readonly oneofs?: { readonly [name: string]: { readonly oneof: readonly string[] } };
  readonly values?: { readonly [name: string]: number };
  readonly methods?: { readonly [name: string]: Method };
}

interface Field {
  readonly type: string;
  readonly rule?: 'repeated';
  readonly keyType?: string;
}

interface Method {
  readonly requestType: string;
  readonly responseType: string;
  readonly options: { readonly [name: string]: unknown };
}

/** One REST method of a service: `POST /v1beta/{property=properties/*}:runReport`. */
export interface RestMethod {
  readonly name: string;
  readonly verb: string;
  readonly path: RegExp;
  readonly requestType: string;
  readonly responseType: string;
}

const SCALARS = new Set([
  'string',
  'bytes',
  'bool',
  'float',
  'double',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
]);

/**
 * Checks JSON against published protobuf definitions by walking both: unknown fields, types, enum words, lists and
 * oneofs are all named. (The `verify` of protobufjs passes unknown fields and stops at the first error.)
 */
export class ProtobufJson {
  readonly #root: Definition;
  readonly #package: string;

  constructor(root: Definition, packageName: string) {
    this.#root = root;
    this.#package = packageName;
  }

  /** Everything that is wrong with `value` as a message of this type; empty when nothing is. */
  problems(type: string, value: unknown): readonly string[] {
    const found: string[] = [];
    this.#message(`${this.#package}.${type}`, value, type, found);
    return found;
  }

  methods(service: string): readonly RestMethod[] {
    const { methods = {} } = this.#find(`${this.#package}.${service}`) ?? {};
    return Object.entries(methods).flatMap(([name, { options, requestType, responseType }]) =>
      ['get', 'post'].flatMap((verb) => {
        const template = options[`(google.api.http).${verb}`];
        if (typeof template !== 'string') return [];
        const path = template
          .replaceAll(/\{[^=}]*=([^}]*)\}/g, '$1')
          .replaceAll(/[.:]/g, '\\$&')
          .replaceAll('*', '[^/:]+');
        return [{ name, verb: verb.toUpperCase(), path: new RegExp(`^${path}$`), requestType, responseType }];
      }),
    );
  }

  #message(type: string, value: unknown, path: string, found: string[]): void {
    const definition = this.#find(type);
    if (!definition?.fields) throw new Error(`no message ${type} in the definitions`);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return void found.push(`${path}: expected an object`);
    for (const [key, inner] of Object.entries(value)) {
      const at = `${path}.${key}`;
      const field = definition.fields[key];
      if (!field) found.push(`${at}: unknown field`);
      else if (field.keyType !== undefined)
        for (const [name, item] of Object.entries(inner as object)) this.#value(field, type, item, `${at}[${name}]`, found);
      else if (field.rule !== 'repeated') this.#value(field, type, inner, at, found);
      else if (Array.isArray(inner)) inner.forEach((item, i) => this.#value(field, type, item, `${at}[${i}]`, found));
      else found.push(`${at}: expected a list`);
    }
    for (const [name, { oneof }] of Object.entries(definition.oneofs ?? {})) {
      const set = oneof.filter((key) => key in value);
      if (set.length > 1) found.push(`${path}: ${name} is one of ${set.join(' and ')}, not both`);
    }
  }

  #value(field: Field, scope: string, value: unknown, path: string, found: string[]): void {
    if (SCALARS.has(field.type)) {
      if (!isScalar(field.type, value)) found.push(`${path}: expected ${field.type}, found ${JSON.stringify(value)}`);
      return;
    }
    const type = this.#resolve(field.type, scope);
    const values = this.#find(type)?.values;
    if (!values) this.#message(type, value, path, found);
    else if (typeof value !== 'string' || !(value in values))
      found.push(`${path}: expected one of ${Object.keys(values).join(', ')}, found ${JSON.stringify(value)}`);
  }

  /** Protobuf's rule: the innermost scope that knows the name. */
  #resolve(name: string, scope: string): string {
    for (let parts = scope.split('.'); ; parts = parts.slice(0, -1)) {
      const full = [...parts, name].join('.');
      if (this.#find(full)) return full;
      if (parts.length === 0) throw new Error(`no type ${name} within ${scope}`);
    }
  }

  #find(name: string): Definition | undefined {
    let at: Definition | undefined = this.#root;
    for (const part of name.split('.')) at = at?.nested?.[part];
    return at;
  }
}

function isScalar(type: string, value: unknown): boolean {
  if (type === 'string' || type === 'bytes') return typeof value === 'string';
  if (type === 'bool') return typeof value === 'boolean';
  if (type === 'double' || type === 'float') return typeof value === 'number';
  // JSON has 64-bit integers as text; 32-bit ones are numbers.
  return type.endsWith('64') ? (typeof value === 'string' && /^-?\d+$/.test(value)) || Number.isSafeInteger(value) : Number.isSafeInteger(value);
}

/** The Data API as Google publishes it in its own client. */
export function openAnalyticsDefinitions(): ProtobufJson {
  const require = createRequire(import.meta.url);
  const root = require('@google-analytics/data/build/protos/protos.json') as Definition;
  return new ProtobufJson(root, 'google.analytics.data.v1beta');
}
