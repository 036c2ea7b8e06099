import { ConfigError, type ConfigPlace, type SqlProblem } from '../../core/spi/index.js';

/** The checked SQL, or a ConfigError at the key that holds the text. */
export function unwrapSql<T extends object>(checked: T | SqlProblem, place: ConfigPlace, path: string): T {
  if (!('problem' in checked)) return checked;
  throw new ConfigError({
    code: 'SQL_INVALID',
    message: `${place.at(path).path ?? path}: ${checked.problem}`,
    hint: 'column names with capitals or blanks stand in double quotes, texts in single quotes',
    where: place.at(path),
  });
}
