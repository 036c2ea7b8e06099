import { COLUMN_TYPE_NAMES, parseColumnType, type ColumnType, type ConfigPlace } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';

/** One column of `column_options`. */
export interface ColumnOption {
  readonly type?: string;
  readonly format?: string;
  readonly timezone?: string;
  readonly value_type?: string;
  readonly timestamp_format?: string;
}

/** Embulk's `value_type`, where it says more than the source's own type. */
const VALUE_TYPES: Readonly<Record<string, ColumnType>> = {
  long: 'long',
  double: 'double',
  float: 'double',
  boolean: 'boolean',
  string: 'string',
  json: 'json',
  date: 'date',
  array: 'json',
};

/** Refuses options of columns that the source has not. */
export function checkOptionNames(
  options: { readonly [column: string]: ColumnOption } | undefined,
  names: readonly string[],
  place: ConfigPlace,
): void {
  const unknown = Object.keys(options ?? {}).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw configProblem(place, `column_options.${unknown}`, {
    code: 'COLUMN_UNKNOWN',
    message: `expected a column of the source, found ${JSON.stringify(unknown)}`,
    hint: `columns: ${names.join(', ')}`,
  });
}

/** The type that an option asks for; undefined: the usual one. `path` is where it stands in the config. */
export function optionType(option: ColumnOption, place: ConfigPlace, path: string): ColumnType | undefined {
  if (option.type === undefined) return option.value_type === undefined ? undefined : VALUE_TYPES[option.value_type];
  const type = parseColumnType(option.type);
  if (type !== undefined) return type;
  throw configProblem(place, `${path}.type`, {
    code: 'UNKNOWN_COLUMN_TYPE',
    message: `expected a column type, found "${option.type}"`,
    hint: `use one of ${COLUMN_TYPE_NAMES.join(', ')}`,
  });
}

/** Config schema of one column's options. */
const columnOptionSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { type: 'string', 'x-column-type': true, description: 'Column type to read the value as, by the strict conversions of text.' },
    format: { type: 'string', description: 'Pattern of the text of a date, timestamp or datetime; `hex` or `base64` for binary.' },
    timezone: { type: 'string', description: 'Zone of a value without one that is read as a timestamp.' },
    value_type: {
      type: 'string',
      'x-advanced': true,
      description:
        'How Embulk fetches the value: `long`, `double`, `float`, `decimal`, `boolean`, `string`, `json`, `date`, `time`, `timestamp`, `array`. Taken as `type` where that is absent.',
    },
    timestamp_format: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'With `type: string`: how the server writes a date or time, e.g. `%Y/%m/%d %H:%M:%S`, in `timezone`.',
    },
  },
} as const;

/** Config keys that read single columns as other types. */
export const columnOptionProperties = {
  column_options: {
    type: 'object',
    additionalProperties: columnOptionSchema,
    description: 'Other types for single columns, by name, e.g. `{amount: {type: "decimal(18,4)"}}`.',
  },
  default_column_options: {
    type: 'object',
    additionalProperties: columnOptionSchema,
    'x-advanced': true,
    description: 'The same by the type at the source, in its own or JDBC’s words, e.g. `{NUMERIC: {type: "decimal(38,10)"}}`.',
  },
} as const;
