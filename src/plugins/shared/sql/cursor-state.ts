import { ConfigError, DataError, type ConfigPlace, type JsonObject, type JsonValue } from '../../../core/spi/index.js';

/** Where an incremental read has come to. Every value is the text that the server gave. */
export interface CursorState {
  /** The incremental columns; undefined in a state of Embulk, which does not name them. */
  readonly columns: readonly string[] | undefined;
  /** Their values in the last row (Embulk's `last_record`). */
  readonly last: readonly string[];
  /** Rows at or after `from` (a value of the first column) that were loaded: cursor values, then key values. */
  readonly loaded?: { readonly key: readonly string[]; readonly from: string; readonly rows: readonly (readonly string[])[] };
}

/** The JSON form, as stored. */
export function cursorStateJson(state: CursorState): JsonObject {
  return {
    ...(state.columns === undefined ? {} : { columns: state.columns }),
    last_record: state.last,
    ...(state.loaded === undefined ? {} : { loaded: state.loaded }),
  };
}

/**
 * The cursor that a run starts after: the stored state, or Embulk's (`{in: {last_record: […]}}`), or `last_record` of the
 * config. Undefined: none yet. A state of other columns or of another input is an error.
 */
export function readCursorState(
  state: JsonValue | undefined,
  columns: readonly string[],
  given: readonly (string | number | boolean)[] | undefined,
  place: ConfigPlace,
): CursorState | undefined {
  refuseOtherState(state);
  const object = asObject(asObject(state)?.['in']) ?? asObject(state);
  const record = object?.['last_record'];
  if (record === undefined || record === null) {
    return given === undefined ? undefined : { columns: undefined, last: readRecord(given, columns, 'last_record of the config', place) };
  }
  const stored = object?.['columns'] as readonly string[] | undefined;
  if (stored !== undefined && (stored.length !== columns.length || stored.some((name, i) => name !== columns[i]))) {
    throw new ConfigError({
      code: 'SQL_STATE_COLUMNS',
      message: `the state was made with incremental_columns [${stored.join(', ')}], but the config names [${columns.join(', ')}]`,
      hint: 'put the old columns back, or begin anew with `sluice state reset` or `sluice run --full-refresh`',
      where: place.at('incremental_columns'),
    });
  }
  const last = readRecord(
    Array.isArray(record) ? (record as readonly JsonValue[]) : [record as JsonValue],
    columns,
    'last_record of the state',
    place,
  );
  const loaded = object?.['loaded'] as CursorState['loaded'];
  return { columns: stored, last, ...(loaded === undefined ? {} : { loaded }) };
}

const STATE_KEYS = ['columns', 'last_record', 'loaded', 'in', 'out'];

/** One of another input, or a misspelt one: it would count as none, and all rows would be read once more. */
function refuseOtherState(state: JsonValue | undefined): void {
  if (state === undefined || state === null) return;
  const object = asObject(state);
  const unknown = object && Object.keys(object).find((key) => !STATE_KEYS.includes(key));
  if (object && unknown === undefined) return;
  throw new DataError({
    code: 'STATE_INVALID',
    message: `the stored state is not one of an incremental read of a table: ${unknown === undefined ? 'expected a mapping' : `"${unknown}" is no part of it`}`,
    hint: 'look at it with `sluice state show`; `sluice state set` stores a right one, `sluice state reset` begins anew',
  });
}

function readRecord(values: readonly JsonValue[], columns: readonly string[], what: string, place: ConfigPlace): readonly string[] {
  if (values.length !== columns.length) {
    throw recordProblem(
      `${what} has ${values.length} values for ${columns.length} incremental_columns`,
      'give one value for each column, in their order',
      place,
    );
  }
  return values.map((value, i) => {
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw recordProblem(`${what}: the number for ${columns[i]} is too large to be exact`, 'put it in quotes', place);
    }
    if (value === null || typeof value === 'object') {
      throw recordProblem(
        `${what}: expected a value for ${columns[i]}, found ${JSON.stringify(value)}`,
        'give the value of the last row that was loaded',
        place,
      );
    }
    return String(value);
  });
}

function recordProblem(message: string, hint: string, place: ConfigPlace): ConfigError {
  return new ConfigError({ code: 'SQL_LAST_RECORD', message, hint, where: place.at('last_record') });
}

function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}
