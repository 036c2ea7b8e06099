import {
  ConfigError,
  ownValue,
  type ConfigPlace,
  type FilterStep,
  type JsonObject,
  type Schema,
  type SourceColumn,
  type TextFormat,
} from '../spi/index.js';
import { formatProblem, resolveFilterColumn } from './typing/index.js';

interface PlacedConfig {
  readonly config: JsonObject;
  readonly place: ConfigPlace;
}

const KEYS = ['timezone', 'date', 'format'] as const;

/** Keys by which configs say the same for all columns. */
const DEFAULTS: Readonly<Record<(typeof KEYS)[number], string>> = {
  timezone: 'default_timezone',
  date: 'default_date',
  format: 'default_timestamp_format',
};

/** Refuses formats, zones and dates of text columns that no conversion could follow. */
export function checkTextFormats(columns: readonly SourceColumn[], section: PlacedConfig): void {
  for (const { name, type, text } of columns) {
    const problem = text === undefined ? undefined : formatProblem(type, text);
    if (text === undefined || problem === undefined) continue;
    const key = KEYS.find((k) => text[k] !== undefined && formatProblem(type, { [k]: text[k] }) !== undefined) ?? 'format';
    throw new ConfigError({
      ...placed(section, name, key, problem),
      code: 'COLUMN_FORMAT',
      hint: 'docs/reference/types.md lists the directives of formats, and which types take one',
    });
  }
}

/** Refuses casts of a filter that there are not, before any row is read. */
export function checkFilterCasts(step: FilterStep, input: Schema, section: PlacedConfig): void {
  if (step.form === 'whole') return;
  for (const column of step.columns) {
    try {
      resolveFilterColumn(column, input);
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      const text: TextFormat = column.cast?.text ?? {};
      const key = KEYS.find((k) => text[k] !== undefined && formatProblem('timestamp', { [k]: text[k] }) !== undefined) ?? 'type';
      throw new ConfigError({ ...placed(section, column.name, key, cause.message), code: cause.code, hint: cause.hint ?? '', cause });
    }
  }
}

function placed(
  { config, place }: PlacedConfig,
  name: string,
  key: (typeof KEYS)[number] | 'type',
  problem: string,
): Pick<ConfigError, 'message' | 'where'> {
  const entry = entryOf(config, name);
  const standard = key === 'type' ? undefined : DEFAULTS[key];
  const useStandard = standard !== undefined && config[standard] !== undefined && ownValue(entry?.config, key) === undefined;
  const where = place.at(
    useStandard ? standard : [entry?.path ?? '', ownValue(entry?.config, key) === undefined ? '' : key].filter(Boolean).join('.'),
  );
  return { message: `${where.path === undefined || where.path === '' ? '' : `${where.path}: `}${problem}`, where };
}

/** Where a config declares a column: in a list of columns, or as the one that a filter makes. */
function entryOf(config: JsonObject, name: string): { readonly path: string; readonly config: JsonObject } | undefined {
  for (const key of ['columns', 'returns']) {
    const list = config[key];
    const index = Array.isArray(list) ? list.findIndex((entry) => nameOf(entry) === name) : -1;
    if (Array.isArray(list) && index >= 0) return { path: `${key}[${index}]`, config: list[index] as JsonObject };
  }
  const option = ownValue(config['column_options'] as JsonObject | undefined, name);
  if (option !== undefined) return { path: `column_options[${JSON.stringify(name)}]`, config: option as JsonObject };
  for (const key of ['element', 'from_column', 'from_value']) {
    const made = config[key];
    if (typeof made === 'object' && made !== null && !Array.isArray(made)) return { path: key, config: made as JsonObject };
  }
  return undefined;
}

function nameOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null ? (entry as JsonObject)['name'] : undefined;
}
