import { encode as pack } from '@msgpack/msgpack';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkParser, ConformanceError, type ParserCase, type ParserOptions } from '../../src/conformance/index.js';
import { defineParser, type ColumnType, type JsonObject, type ParserPlugin, type SourceColumn } from '../../src/core/spi/index.js';
import csv from '../../src/plugins/parser-csv/index.js';
import fixedWidth from '../../src/plugins/parser-fixed-width/index.js';
import json from '../../src/plugins/parser-json/index.js';
import ltsv from '../../src/plugins/parser-ltsv/index.js';
import msgpack from '../../src/plugins/parser-msgpack/index.js';
import regexp from '../../src/plugins/parser-regexp/index.js';

type Encode = NonNullable<ParserOptions['encode']>;

const columns = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
];
const bare = (all: readonly SourceColumn[]): { name: string; type: ColumnType }[] => all.map(({ name, type }) => ({ name, type }));
const lines = (rows: readonly (readonly (string | null)[])[], line: (row: readonly (string | null)[]) => string): string =>
  rows.map((row) => `${line(row)}\n`).join('');

const encodeCsv: Encode = (all, rows) => ({
  config: { columns: bare(all) },
  content: lines(rows, (row) => row.map((value) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')),
});

const isText = (type: string): boolean => ['string', 'date', 'timestamp', 'datetime'].includes(type);

const encodeJson: Encode = (all, rows) => ({
  config: { columns: bare(all) },
  content: lines(
    rows,
    (row) =>
      `{${all.map(({ name, type }, i) => `"${name}":${row[i] === null ? 'null' : isText(type) ? JSON.stringify(row[i]) : row[i]}`).join(',')}}`,
  ),
});

const encodeLtsv: Encode = (all, rows) => ({
  config: { columns: bare(all) },
  content: lines(rows, (row) => all.map(({ name }, i) => `${name}:${row[i] ?? ''}`).join('\t')),
});

const encodeRegexp: Encode = (all, rows) => ({
  config: { columns: bare(all), pattern: all.map(({ name }) => `(?<${name}>[^\\x01]*)`).join('\\x01') },
  content: lines(rows, (row) => row.map((value) => value ?? '').join('\x01')),
});

const WIDTH = 60;
const encodeFixed: Encode = (all, rows) => ({
  config: { columns: bare(all).map((column) => ({ ...column, width: WIDTH })) },
  content: lines(rows, (row) => row.map((value) => (value ?? '') + ' '.repeat(WIDTH - Array.from(value ?? '').length)).join('')),
});

const encodeMsgpack: Encode = (all, rows) => {
  const value = (type: ColumnType, text: string): unknown => {
    if (type === 'long') return BigInt(text);
    if (type === 'double') return Number(text);
    if (type === 'boolean') return text === 'true';
    return text;
  };
  // Texts for json, too: a JSON text with more digits than a double is a value that MessagePack cannot hold otherwise.
  const typed = all.map((column): SourceColumn => (column.type === 'json' ? { ...column, type: 'string' } : column));
  const records = rows.map((row) =>
    Object.fromEntries(typed.map(({ name, type }, i) => [name, row[i] === null ? null : value(type, row[i] as string)])),
  );
  return { config: { columns: bare(typed) }, content: Buffer.concat(records.map((record) => pack(record, { useBigInt64: true }))) };
};

const GOOD = [
  ['1', 'ann'],
  ['2', null],
  ['3', 'zoë'],
];

interface Subject {
  readonly plugin: ParserPlugin;
  readonly cases: readonly ParserCase[];
  readonly encode: Encode;
}

const of = <C>(plugin: ParserPlugin<C>, encode: Encode, ...cases: readonly ParserCase[]): Subject => ({
  plugin: plugin as unknown as ParserPlugin,
  cases,
  encode,
});

function textCase(config: JsonObject, good: string, bad: string, number: number): ParserCase[] {
  return [
    { title: 'two files', config, files: { a: good, b: good }, rows: [...GOOD, ...GOOD], rejected: [] },
    { title: 'bad records', config, files: { a: `${good}${bad}`, b: bad }, rejected: [`a:${3 + number}`, `b:${number}`] },
  ];
}

const packed = Buffer.concat([{ id: 1, name: 'ann' }, { id: 2 }, { id: 3, name: 'zoë' }].map((record) => pack(record)));
const SUBJECTS: readonly Subject[] = [
  of(csv, encodeCsv, ...textCase({ columns }, '1,ann\n2,\n3,zoë\n', '7,x,y\n', 1)),
  of(json, encodeJson, ...textCase({ columns }, '{"id":1,"name":"ann"}\n{"id":2}\n{"id":3,"name":"zoë"}\n', '{"id":7,\n', 1)),
  of(ltsv, encodeLtsv, ...textCase({ columns }, 'id:1\tname:ann\nid:2\nid:3\tname:zoë\n', 'id:8\nnonsense\n', 2)),
  of(regexp, encodeRegexp, ...textCase({ columns, pattern: '(?<id>\\d+) (?<name>\\w*|zoë)' }, '1 ann\n2 \n3 zoë\n', 'x\n', 1)),
  of(
    fixedWidth,
    encodeFixed,
    ...textCase(
      { columns: [{ ...columns[0], width: 2 } as JsonObject, { ...columns[1], width: 3 } as JsonObject] },
      '1 ann\n2    \n3 zoë\n',
      '1\n',
      1,
    ),
  ),
  of(
    msgpack,
    encodeMsgpack,
    { title: 'two files', config: { columns }, files: { a: packed, b: packed }, rows: [...GOOD, ...GOOD] },
    { title: 'bad records', config: { columns }, files: { a: Buffer.concat([packed, pack([1]), packed]) }, rejected: ['a:4'] },
    { title: 'cut off', config: { columns }, files: { a: packed.subarray(0, 12) }, error: 'MSGPACK_DAMAGED' },
  ),
];

for (const { plugin, cases, encode } of SUBJECTS) {
  test(`parser ${plugin.type} keeps its contract`, async () => {
    const names = await checkParser(plugin, cases, { encode });
    assert.ok(names.length > 15, `only ${names.length} checks`);
  });
}

test('a parser that loses a record, ignores the signal and leaves its spool is found out', async () => {
  const broken = defineParser({
    ...ltsv,
    async open(files, plan, config, ctx) {
      const reading = await ltsv.open(files, plan, config as never, { ...ctx, signal: new AbortController().signal });
      return {
        ...reading,
        async check(rows, failure) {
          const verdict = await reading.check(rows, failure);
          return verdict.keep ? { ...verdict, read: verdict.read - 1 } : verdict;
        },
        close: () => Promise.resolve(),
      };
    },
  } as ParserPlugin);
  try {
    await checkParser(broken, SUBJECTS[2]?.cases ?? []);
    assert.unreachable('the suite should have failed');
  } catch (error) {
    assert.instance(error, ConformanceError);
    const found = (error as ConformanceError).failures.map(({ check, reason }) => `${check}: ${reason}`).join('\n');
    assert.match(found, /two files: rows, rejects and places .*records read = rows \+ rejected: expected 6, found 5/);
    assert.match(found, /stops when it is aborted.*reading went on after the signal/);
  }
});

test.run();
