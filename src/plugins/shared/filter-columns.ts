import {
  ConfigError,
  didYouMean,
  quoteIdentifier,
  type Column,
  type ConfigPlace,
  type ErrorPlace,
  type FilterColumn,
  type Schema,
} from '../../core/spi/index.js';
import { configProblem } from './config-problem.js';

/** The input column that a filter's config names, or an error at that config key. */
export function requireColumn(schema: Schema, name: string, place: ConfigPlace, path: string): Column {
  const found = schema.find((c) => c.name === name);
  if (found) return found;
  throw configProblem(place, path, {
    code: 'COLUMN_UNKNOWN',
    message: `expected a column of the filter's input, got "${name}"${didYouMean(
      name,
      schema.map((c) => c.name),
    )}`,
    hint: `columns at this point: ${schema.map((c) => c.name).join(', ')}`,
  });
}

/** A column handed on unchanged. */
export function passColumn({ name, type }: Column): FilterColumn {
  return { name, type, sql: quoteIdentifier(name) };
}

/** Names must differ by more than case: DuckDB and most targets take `a` and `A` for one column. */
export function assertDistinctNames(names: readonly string[], where: ErrorPlace): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new ConfigError({
        code: 'DUPLICATE_COLUMN',
        message: other === name ? `two columns would be named "${name}"` : `columns "${other}" and "${name}" would differ only by case`,
        hint: 'give one of them another name, e.g. with the rename rule unique_number_suffix',
        where,
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}
