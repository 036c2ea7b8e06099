import type { ConfigSchema } from '../spi/index.js';

/** Keys of one pipeline; what stands below in, filters and out is each plugin's own schema's business. */
const PIPELINE_PROPERTIES = {
  name: {
    type: 'string',
    pattern: '^[^\\u0000-\\u001f\\u007f]{1,200}$',
    'x-expected': 'a name of at most 200 characters',
    description: 'Names the pipeline in states and runs. Default: path of the file from the project root, without extension.',
  },
  in: { type: 'object', description: 'The input: type, and the keys of that plugin.' },
  filters: { type: 'array', items: { type: 'object' }, description: 'Filters, in order.' },
  out: {
    oneOf: [{ type: 'object' }, { type: 'array', minItems: 1, items: { type: 'object' } }],
    'x-expected': 'a mapping, or a list of them',
    description:
      'The output: type, and the keys of that plugin; `where`, a SQL condition, says which rows it takes. A list writes to several targets, each with the rows of its `where`.',
  },
  unmatched: {
    enum: ['reject', 'drop'],
    default: 'reject',
    description: 'With a list of outputs: what happens to rows that none of them takes.',
  },
  checks: {
    type: 'array',
    items: { type: 'object' },
    description:
      'Questions about the rows that are asked before the commit: row_count, not_null, unique, accepted_values, freshness, sql. See docs/checks.md.',
  },
  exec: { type: 'object', description: 'Limits and pace of the run.' },
} as const;

/** One entry of `pipelines:`. */
export const LISTED_PIPELINE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'in'],
  properties: PIPELINE_PROPERTIES,
} as const satisfies ConfigSchema;

/** A file with a single pipeline. */
export const SINGLE_PIPELINE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['in'],
  properties: {
    ...PIPELINE_PROPERTIES,
    preview_sample_rows: { type: 'integer', minimum: 1, maximum: 100000, default: 15, description: 'Rows that preview shows.' },
  },
} as const satisfies ConfigSchema;

/** A file with several pipelines that run together. */
export const PIPELINES_FILE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['pipelines'],
  properties: {
    pipelines: {
      type: 'array',
      minItems: 1,
      items: { type: 'object' },
      description: 'Pipelines that run together with one report; each has name, in, filters, out and exec.',
    },
    exec: PIPELINE_PROPERTIES.exec,
    preview_sample_rows: SINGLE_PIPELINE_SCHEMA.properties.preview_sample_rows,
  },
} as const satisfies ConfigSchema;
