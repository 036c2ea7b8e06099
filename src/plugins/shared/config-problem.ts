import { ConfigError, type ConfigPlace, type Schema, type SqlProblem } from '../../core/spi/index.js';

/** A ConfigError at a key of the plugin's own section; `message` is what was expected and found there. */
export function configProblem(
  place: ConfigPlace,
  path: string,
  problem: { readonly code: string; readonly message: string; readonly hint: string; readonly cause?: unknown },
): ConfigError {
  const where = place.at(path);
  const at = where.path ?? path;
  return new ConfigError({ ...problem, message: at === '' ? problem.message : `${at}: ${problem.message}`, where });
}

/** The checked SQL, or a ConfigError at the key that holds the text. */
export function unwrapSql<T extends object>(checked: T | SqlProblem, place: ConfigPlace, path: string, input: Schema): T {
  if (!('problem' in checked)) return checked;
  throw configProblem(place, path, {
    code: 'SQL_INVALID',
    message: checked.problem,
    hint: `columns at this point: ${input.map((c) => c.name).join(', ')}; a name with capitals or blanks stands in double quotes, a text in single quotes`,
  });
}
