import type { JsonObject, JsonValue } from '../spi/index.js';
import { asNode } from './json-schema.js';
import { makeProblem } from './problem.js';
import { layerAt, type SectionScope } from './section.js';
import type { ConfigDocument } from './document.js';
import type { ConfigPath } from './config-path.js';
import { validateSection } from './validate.js';
import { didYouMean, type ConfigSchema } from '../spi/index.js';

const COMMON = {
  type: { type: 'string', description: 'The kind of check.' },
  name: { type: 'string', minLength: 1, description: 'Name in messages. Default: made from the other keys.' },
  on: {
    enum: ['load', 'table'],
    description:
      'Asked of the rows of this load, or of the table as it would be after the commit. Default: `load` for row_count, not_null and accepted_values, `table` for the others where the output has one.',
  },
  severity: { enum: ['error', 'warn'], default: 'error', description: '`error`: a failed check commits nothing. `warn`: the report says so.' },
} as const;
const COLUMNS = { type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string', minLength: 1 } } as const;

function schemaOf(properties: JsonObject, required: readonly string[]): ConfigSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['type', ...required],
    properties: { ...COMMON, ...properties },
  } as unknown as ConfigSchema;
}

/** The kinds of checks and their keys. */
export const CHECK_SCHEMAS: Readonly<Record<string, ConfigSchema>> = {
  row_count: schemaOf(
    {
      min: { type: 'integer', minimum: 0, description: 'Fewest rows.' },
      max: { type: 'integer', minimum: 0, description: 'Most rows.' },
    },
    [],
  ),
  not_null: schemaOf({ columns: { ...COLUMNS, description: 'Columns that must hold a value in every row.' } }, ['columns']),
  unique: schemaOf({ columns: { ...COLUMNS, description: 'Columns whose values together stand once.' } }, ['columns']),
  accepted_values: schemaOf(
    {
      column: { type: 'string', minLength: 1, description: 'The column.' },
      values: {
        type: 'array',
        minItems: 1,
        items: { type: ['string', 'number', 'boolean'] },
        description: 'All values it may have; NULL is left to not_null.',
      },
    },
    ['column', 'values'],
  ),
  freshness: schemaOf(
    {
      column: { type: 'string', minLength: 1, description: 'A column of times.' },
      max_age_secs: {
        type: 'number',
        exclusiveMinimum: 0,
        description: 'How old its newest value may be, in seconds before the run or its scheduled time.',
      },
    },
    ['column', 'max_age_secs'],
  ),
  sql: schemaOf(
    { query: { type: 'string', minLength: 1, description: 'A SELECT that must return no row; `{rows}` stands for the load or the table.' } },
    ['query'],
  ),
};

/** One validated check; its keys are those of its kind's schema. */
export interface CheckConfig {
  readonly type: string;
  readonly name: string;
  /** Undefined: of the table, or of the load where the output has none. */
  readonly on: 'load' | 'table' | undefined;
  readonly severity: 'error' | 'warn';
  readonly given: JsonObject;
  readonly place: { readonly file?: string; readonly line?: number; readonly column?: number; readonly path?: string };
}

const ON_TABLE = new Set(['unique', 'freshness', 'sql']);

/** Validates a `checks` list. Problems go to the scope. */
export async function readChecks(
  value: JsonValue | undefined,
  document: ConfigDocument,
  path: ConfigPath,
  scope: SectionScope,
): Promise<readonly CheckConfig[]> {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    scope.problems.push(
      makeProblem({
        code: 'CONFIG_WRONG_TYPE',
        text: 'expected a list of checks',
        where: document.locate(path),
        hint: 'such as checks: [{type: not_null, columns: [id]}]',
      }),
    );
    return [];
  }
  const checks: CheckConfig[] = [];
  for (const [i, entry] of (value as readonly JsonValue[]).entries()) {
    const at = [...path, i];
    const section = (asNode(entry) ?? {}) as JsonObject;
    const type = typeof section['type'] === 'string' ? section['type'] : '';
    const schema = Object.hasOwn(CHECK_SCHEMAS, type) ? CHECK_SCHEMAS[type] : undefined;
    if (!schema) {
      const kinds = Object.keys(CHECK_SCHEMAS);
      scope.problems.push(
        makeProblem({
          code: 'CHECK_TYPE',
          text: type === '' ? 'expected a check with the key "type"' : `unknown check type "${type}"${didYouMean(type, kinds)}`,
          where: document.locate([...at, 'type']),
          hint: `kinds of checks: ${kinds.join(', ')}`,
        }),
      );
      continue;
    }
    const { config, problems } = await validateSection(section, schema, {
      ...scope.references,
      locate: layerAt(section, document.locate, at).locate,
    });
    scope.problems.push(...problems);
    if (problems.length > 0) continue;
    if (type === 'row_count' && config['min'] === undefined && config['max'] === undefined) {
      scope.problems.push(
        makeProblem({
          code: 'CONFIG_MISSING_KEY',
          text: 'expected min or max',
          where: document.locate(at),
          hint: 'such as {type: row_count, min: 1}',
        }),
      );
      continue;
    }
    checks.push({
      type,
      name: typeof config['name'] === 'string' ? config['name'] : describe(type, config),
      on: (config['on'] as 'load' | 'table' | undefined) ?? (ON_TABLE.has(type) ? undefined : 'load'),
      severity: config['severity'] as 'error' | 'warn',
      given: config,
      place: document.locate(at),
    });
  }
  return checks;
}

function describe(type: string, config: JsonObject): string {
  const columns = (config['columns'] as readonly string[] | undefined) ?? (typeof config['column'] === 'string' ? [config['column']] : []);
  return columns.length === 0 ? type : `${type} ${columns.join(', ')}`;
}
