import { ownValue, quoteIdentifier, type Column, type FormatContext, type Schema, type TextFormat } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';

/** The keys by which a text formatter says how times are written. */
export interface ColumnTextConfig {
  readonly default_timezone: string;
  readonly default_timestamp_format?: string;
  readonly column_options?: {
    readonly [column: string]: { readonly timestamp_format?: string; readonly format?: string; readonly timezone?: string };
  };
}

/** Schema of {@link ColumnTextConfig}. */
export const columnTextProperties = {
  default_timezone: { type: 'string', default: 'UTC', description: 'IANA zone in which timestamps are written.' },
  column_options: {
    type: 'object',
    description: 'How single columns are written, by name.',
    additionalProperties: {
      type: 'object',
      additionalProperties: false,
      properties: {
        timestamp_format: { type: 'string', description: 'Pattern of a timestamp, datetime or date, e.g. `%Y-%m-%d %H:%M:%S`.' },
        format: { type: 'string', description: 'The same; for binary columns `base64` (default) or `hex`.' },
        timezone: { type: 'string', description: 'IANA zone in which a timestamp is written.' },
      },
    },
  },
} as const;

/** A column and the SQL of its text; NULL stays NULL. */
export interface TextValue {
  readonly column: Column;
  readonly sql: string;
  /** The text has only letters, digits and `+-.:=/` and blanks. */
  readonly plain: boolean;
}

/** Texts of all columns; throws ConfigErrors about formats, zones and unknown columns. */
export function textValues(config: ColumnTextConfig, schema: Schema, ctx: FormatContext): readonly TextValue[] {
  const options = config.column_options ?? {};
  const unknown = Object.keys(options).find((name) => !schema.some((column) => column.name === name));
  if (unknown !== undefined)
    throw configProblem(ctx.place, 'column_options', {
      code: 'CONFIG_VALUE',
      message: `expected columns of this pipeline, found ${JSON.stringify(unknown)}`,
      hint: `the columns are ${schema.map((column) => column.name).join(', ')}`,
    });
  return schema.map((column) => {
    const text = formatOf(column, config);
    const problem = text === undefined ? undefined : ctx.text.problem(column.type, text);
    if (problem !== undefined)
      throw configProblem(ctx.place, ownValue(options, column.name) === undefined ? 'default_timestamp_format' : `column_options.${column.name}`, {
        code: 'CONFIG_VALUE',
        message: `column ${column.name}: ${problem}`,
        hint: 'docs/connectors/files.md lists what formats may hold',
      });
    return {
      column,
      sql: ctx.text.sql(quoteIdentifier(column.name), column.type, text),
      plain: column.type !== 'string' && column.type !== 'json' && isPlain(text?.format),
    };
  });
}

/** No directive but `%n` and `%t` writes anything else. */
function isPlain(format = ''): boolean {
  return /^[A-Za-z0-9+\-.:=/ %_^#]*$/.test(format) && !/%[-_0^#:]*[0-9]*[nt%]/.test(format);
}

function formatOf({ name, type }: Column, config: ColumnTextConfig): TextFormat | undefined {
  const own = ownValue(config.column_options, name);
  const format = own?.timestamp_format ?? own?.format ?? (type === 'timestamp' ? config.default_timestamp_format : undefined);
  const zone = own?.timezone ?? (type === 'timestamp' && config.default_timezone !== 'UTC' ? config.default_timezone : undefined);
  if (format === undefined && zone === undefined) return undefined;
  return { ...(format === undefined ? {} : { format }), ...(zone === undefined ? {} : { timezone: zone }) };
}
