import { ConfigError, type ConfigPlace } from '../../../core/spi/index.js';
import type { CursorColumn, Lag } from './dialect.js';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `lag` for the first incremental column: a time (`10m`) for times, an amount for numbers. */
export function readLag(lag: string | number | undefined, column: CursorColumn, place: ConfigPlace): Lag | undefined {
  if (lag === undefined) return undefined;
  const text = String(lag).trim();
  const [, amount, unit] = /^(\d{1,18})\s*([smhd]?)$/.exec(text) ?? [];
  const problem = (found: string, hint: string): ConfigError =>
    new ConfigError({ code: 'SQL_LAG', message: `in.lag: ${found}`, hint, where: place.at('lag') });
  if (amount === undefined) throw problem(`expected a time such as 10m or an amount, found ${JSON.stringify(text)}`, 'units are s, m, h and d');
  switch (column.kind) {
    case 'time':
      if (unit === '')
        throw problem(
          `${column.name} is a time, so a unit is needed, found ${JSON.stringify(text)}`,
          `write e.g. ${amount}s, ${amount}m or ${amount}h`,
        );
      return { form: 'time', seconds: Number(amount) * (UNITS[unit ?? ''] ?? 1) };
    case 'number':
      if (unit !== '')
        throw problem(`${column.name} is a number, found the time ${JSON.stringify(text)}`, `write an amount of ${column.name}, e.g. 1000`);
      return { form: 'amount', amount };
    case 'other':
      throw problem(
        `${column.name} (${column.sqlType}) is neither a time nor a number`,
        'put a time or a number first in incremental_columns, or remove lag',
      );
  }
}
