import type { JsonSchema } from './route.js';

/** Building blocks of request and answer schemas; what the database gets holds no NUL, which PostgreSQL cannot store. */
const TEXT = '^[^\\u0000]*$';

export const name = (description: string, maxLength = 255): JsonSchema => ({ type: 'string', minLength: 1, maxLength, pattern: TEXT, description });
export const id = (description: string): JsonSchema => ({ type: 'string', pattern: '^[A-Za-z0-9_.-]{1,100}$', description });
export const limit = (most: number, fallback: number): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  maximum: most,
  default: fallback,
  description: 'Most entries of the answer.',
});
export const oneOf = (values: readonly string[], description: string): JsonSchema => ({ type: 'string', enum: values, description });
/** Judged by `readTime`. */
export const time = (description: string): JsonSchema => ({
  type: 'string',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?Z$',
  description: `${description} ISO 8601, UTC, such as 2026-01-31T00:00:00Z.`,
});

export const text = (description: string): JsonSchema => ({ type: 'string', description });
export const count = (description: string): JsonSchema => ({ type: 'integer', description });
export const flag = (description: string): JsonSchema => ({ type: 'boolean', description });
export const orNull = (schema: JsonSchema): JsonSchema => ({ ...schema, type: [schema['type'], 'null'] });
export const list = (items: JsonSchema, description: string): JsonSchema => ({ type: 'array', items, description });
/** An answer: every property is there unless `optional` says otherwise. */
export const object = (properties: { readonly [name: string]: JsonSchema }, optional: readonly string[] = []): JsonSchema => ({
  type: 'object',
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
  properties,
});
/** Anything the store keeps. */
export const free = (description: string): JsonSchema => ({ description });

/** Values of `$name` parameters. */
export const PARAMS: JsonSchema = {
  type: 'object',
  maxProperties: 100,
  propertyNames: { maxLength: 100 },
  additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
  description: 'Values of the parameters that the statement names.',
};

export const JOB_STATUSES = ['queued', 'running', 'success', 'error', 'killed'] as const;
export const RESULT_FORMATS = ['jsonl', 'csv', 'json'] as const;
export type TextFormat = (typeof RESULT_FORMATS)[number];
export const FORMAT_TYPES: Readonly<Record<TextFormat | 'parquet', string>> = {
  jsonl: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
};
