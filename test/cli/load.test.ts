import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Desk } from './desk.js';

const test = suite<{ desk: Desk }>('load and guess');
test.before.each((context) => {
  context.desk = new Desk();
  context.desk.write('sluice.yml', '');
});
test.after.each(({ desk }) => desk.remove());

const DATA = 'id,amount,at\n1,1.50,2026-01-01 00:00:00\n2,20.25,2026-01-02 10:30:00\n3,0.75,2026-01-03 23:59:59\n';

test('load shows the plan, asks on a terminal, and loads each file once', async ({ desk }) => {
  desk.write('data/orders_1.csv', DATA);
  const no = await desk.sluice(['load', 'data/orders_1.csv', '--into', 'shop.orders'], { types: 'n\n' });
  assert.is(no.code, 130);
  for (const text of [
    'shop.orders (new) ← data/orders_1.csv',
    'append, time column at',
    'all 3 values are integers',
    'decimal(18,2)',
    'Load data/orders_1.csv into shop.orders? [y/N] ',
  ])
    assert.ok(no.stderr.includes(text), `${text} in\n${no.stderr}`);
  assert.equal(await desk.json(['tables']), []);
  await desk.ok(['load', 'data/orders_1.csv', '--into', 'shop.orders'], { types: 'y\n' });
  assert.equal(await desk.ids(), [1, 2, 3]);
  assert.equal((await desk.json(['tables']))[0]?.['partitioned_by'], ['day(at)']);
  const again = await desk.ok(['load', 'data/orders_1.csv', '--into', 'shop.orders', '--yes']);
  assert.match(again.stderr, 'nothing new to load');
});

test('Ctrl-C at the question, or while stdin is read, stops with 130 and leaves nothing', async ({ desk }) => {
  desk.write('data/orders_1.csv', DATA);
  const asked = await desk.sluice(['load', 'data/orders_1.csv', '--into', 'shop.orders'], { types: '', interruptAt: '[y/N]' });
  assert.is(asked.code, 130);
  assert.match(asked.stderr, 'CANCELLED: stopped by the user');
  const reading = await desk.sluice(['load', '-', '--into', 'shop.orders'], { types: '', interruptAt: 'reading data from the terminal' });
  assert.is(reading.code, 130);
  assert.match(reading.stderr, 'CANCELLED');
  assert.equal(await desk.json(['tables']), []);
  assert.equal(readdirSync(join(desk.folder, '.sluice/tmp')), []);
});

test('in a pipe --yes is needed; the plan is shown all the same', async ({ desk }) => {
  desk.write('data/orders_1.csv', DATA);
  const { code, stderr } = await desk.sluice(['load', 'data/orders_1.csv', '--into', 'shop.orders']);
  assert.is(code, 2);
  assert.match(stderr, 'shop.orders (new)');
  assert.match(stderr, 'NOT_CONFIRMED: sluice load: expected --yes');
});

test('stdin, compressed or not, is loaded whole each time and leaves nothing behind', async ({ desk }) => {
  await desk.ok(['load', '-', '--into', 'shop.orders', '-y'], { stdin: DATA });
  await desk.ok(['load', '-', '--into', 'shop.orders', '-y'], { stdin: DATA });
  assert.equal(await desk.ids(), [1, 1, 2, 2, 3, 3]);
  assert.equal(readdirSync(join(desk.folder, '.sluice/tmp')), []);
  assert.equal(await desk.json(['state', 'show']), []);
});

test('several tables, folders and globs in one command', async ({ desk }) => {
  desk.write('in/a_1.csv', DATA);
  desk.write('in/a_2.csv.gz', gzipSync(DATA.replaceAll(/^(\d),/gm, '1$1,')));
  desk.write('in/items/x.jsonl', '{"id":7,"name":"pen"}\n{"id":8,"name":"ink"}\n');
  await desk.ok(['load', '--into', 'shop.orders=in/a_*', '--into', 'shop.items=in/items', '--yes']);
  assert.equal(await desk.ids(), [1, 2, 3, 11, 12, 13]);
  assert.equal(await desk.ids('shop.items'), [7, 8]);
});

test('files packed in different ways are read as their names say, whichever is the sample', async ({ desk }) => {
  desk.write('data/b.csv', 'id,amount,at\n11,1.50,2026-01-04 00:00:00\n');
  desk.write('data/a.csv.gz', gzipSync(DATA));
  await desk.ok(['load', 'data', '--into', 'shop.orders', '--yes', '--save', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 2, 3, 11]);
  assert.not.match(readFileSync(join(desk.folder, 'orders.yml'), 'utf8'), /^\s*decoders:/m);
  desk.write('alike/a.csv.gz', gzipSync(DATA));
  await desk.ok(['load', 'alike', '--into', 'shop.alike', '--yes', '--save', 'alike.yml']);
  assert.match(readFileSync(join(desk.folder, 'alike.yml'), 'utf8'), /decoders:/);
});

test('a saved config continues where the load ended', async ({ desk }) => {
  desk.write('data/orders_1.csv', DATA);
  await desk.ok(['load', 'data/orders_1.csv', 'data', '--into', 'shop.orders', '--yes', '--save', 'orders.yml']);
  const saved = readFileSync(join(desk.folder, 'orders.yml'), 'utf8');
  assert.match(saved, /^# yaml-language-server: \$schema=/);
  assert.match(saved, 'name: load:shop.orders\n');
  assert.match(saved, '{name: id, type: long} # all 3 values are integers');
  assert.match((await desk.ok(['run', 'orders.yml'])).stderr, 'nothing new to load');
  desk.write('data/orders_2.csv', DATA);
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 1, 2, 2, 3, 3]);
  const exists = await desk.sluice(['load', 'data', '--into', 'shop.orders', '--yes', '--save', 'orders.yml']);
  assert.is(exists.code, 2);
  assert.match(exists.stderr, 'FILE_EXISTS');
});

test('mode and partitions are the user’s; other modes are refused', async ({ desk }) => {
  desk.write('data/orders_1.csv', DATA);
  const refused = await desk.sluice(['load', 'data/orders_1.csv', '--into', 'shop.orders', '--yes', '--mode', 'truncate']);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, '--mode: expected append or replace, found truncate');
  for (let i = 0; i < 2; i++)
    await desk.ok(['load', 'data/orders_1.csv', '--into', 'shop.orders', '--yes', '--mode', 'replace', '--partition-by', 'month(at)']);
  assert.equal(await desk.ids(), [1, 2, 3]);
  assert.equal((await desk.json(['tables']))[0]?.['partitioned_by'], ['month(at)']);
});

test('nothing to guess from is an error that says so', async ({ desk }) => {
  desk.write('empty.csv', '');
  const empty = await desk.sluice(['load', 'empty.csv', '--into', 'a.b', '--yes']);
  assert.is(empty.code, 2);
  assert.match(empty.stderr, 'GUESS_EMPTY: guess: empty.csv is empty');
  const missing = await desk.sluice(['load', 'missing.csv', '--into', 'a.b', '--yes']);
  assert.is(missing.code, 2);
  assert.match(missing.stderr, 'NO_FILES');
});

test('guess writes a commented config that previews and runs; keys of the seed stay', async ({ desk }) => {
  desk.write('data/orders_1.csv', DATA);
  desk.write('seed.yml', 'in: {type: file, path_prefix: data/orders_}\nout: {type: warehouse, table: shop.sales, mode: replace}\n');
  await desk.ok(['guess', 'seed.yml', '-o', 'pipelines/sales.yml']);
  const config = readFileSync(join(desk.folder, 'pipelines/sales.yml'), 'utf8');
  for (const text of ['path_prefix: data/orders_', 'table: shop.sales', 'mode: replace', 'time_column: at', '# all 3 values are integers'])
    assert.ok(config.includes(text), `${text} in\n${config}`);
  await desk.ok(['run', 'pipelines/sales.yml']);
  assert.equal(await desk.ids('shop.sales'), [1, 2, 3]);
  const again = await desk.sluice(['guess', 'seed.yml', '-o', 'pipelines/sales.yml']);
  assert.match(again.stderr, 'FILE_EXISTS');
  await desk.ok(['guess', 'seed.yml', '-o', 'pipelines/sales.yml', '--force']);
});

test('guess without -o prints the config, with a table named after the files', async ({ desk }) => {
  desk.write('data/orders_1.csv', DATA);
  desk.write('seed.yml', 'in: {type: file, path_prefix: ./data/orders_}\n');
  const { stdout } = await desk.ok(['guess', 'seed.yml']);
  assert.match(stdout, /\n {2}table: orders\n/);
  const unknown = await desk.sluice(['guess', 'seed.yml', '-g', 'xml']);
  assert.is(unknown.code, 2);
  assert.match(unknown.stderr, 'UNKNOWN_PLUGIN');
  assert.not.ok(existsSync(join(desk.folder, '.sluice/tmp/guess')));
});

test('load: what cannot be read is named with what it looks like', async () => {
  const desk = new Desk();
  try {
    desk.write('sluice.yml', 'name: test\n');
    desk.write('book.csv', Buffer.from('504b030414000600080000002100', 'hex'));
    const book = await desk.sluice(['load', 'book.csv', '--into', 't', '--yes']);
    assert.is(book.code, 2);
    assert.match(book.stderr, /GUESS_FORMAT: guess: the format of book\.csv was not recognised; it looks like a ZIP archive or an Excel workbook/);
    desk.write('plain.csv.gz', 'id,v\n1,a\n2,b\n');
    const plain = await desk.sluice(['load', 'plain.csv.gz', '--into', 't', '--yes']);
    assert.is(plain.code, 3);
    assert.match(plain.stderr, /DECODE_FAILED: plain\.csv\.gz: gzip: incorrect header check/);
    assert.match(plain.stderr, 'one that is not compressed in spite of its name is read by a config (load --save writes one) with in.decoders: []');
  } finally {
    desk.remove();
  }
});

test.run();
