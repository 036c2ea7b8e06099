import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { castSql, conversionSql, formatProblem } from '../../src/core/engine/typing/index.js';
import { quoteLiteral, type TextFormat } from '../../src/core/spi/index.js';
import { withConnection } from '../engine/typing/definitions.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: { readonly format: string; readonly default_timezone?: string; readonly default_date?: string; readonly timezone?: string };
  readonly input: string;
  readonly expected: string;
}

const readJson = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const cases = readJson('embulk-cases.json') as Case[];
const differences = readJson('timestamp-differences.json') as Record<string, { result: string; reason: string }>;
const parsing = cases.filter((c) => c.area === 'timestamp_parse');
const formatting = cases.filter((c) => c.area === 'timestamp_format');

/** `…:49.500Z` and `…:49.5Z` are one time. */
const withoutTrailingZeros = (text: string): string => text.replace(/\.(\d+?)0+Z$/, '.$1Z').replace(/\.0Z$/, 'Z');

for (const { name, config, input, expected } of parsing) {
  test(`timestamp_parse ${name}`, () =>
    withConnection(async (sql) => {
      const text: TextFormat = {
        format: config.format,
        ...(config.default_timezone === undefined ? {} : { timezone: config.default_timezone }),
        ...(config.default_date === undefined ? {} : { date: config.default_date }),
      };
      let result = 'error';
      if (formatProblem('timestamp', text) === undefined) {
        const value = conversionSql('x', { type: 'timestamp', text });
        const rows = await sql.rows(
          `select ${castSql('v', 'timestamp', 'string')} as s from (select ${value} as v from (select ${quoteLiteral(input)} as x))`,
        );
        result = rows[0]?.['s'] === null ? 'error' : String(rows[0]?.['s']);
      }
      const difference = differences[name];
      assert.is(withoutTrailingZeros(result), withoutTrailingZeros(difference?.result ?? expected), difference?.reason);
      if (difference) assert.is.not(difference.result, expected, 'a listed difference must be one');
    }));
}

for (const { name, config, input, expected } of formatting) {
  test(`timestamp_format ${name}`, () =>
    withConnection(async (sql) => {
      const micros = input.replace(/(\.\d{6})\d+Z$/, '$1Z');
      const rows = await sql.rows(
        `select ${castSql('x', 'timestamp', 'string', config)} as s from (select ${quoteLiteral(micros)}::timestamptz as x)`,
      );
      assert.is(rows[0]?.['s'], expected);
    }));
}

test('every listed difference is a case', () => {
  const names = new Set(parsing.map((c) => c.name));
  for (const name of Object.keys(differences)) assert.ok(names.has(name), name);
});

test.run();
