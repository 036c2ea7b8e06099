import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS, steady } from './desk.js';

const test = suite<{ desk: Desk }>('init, check and preview');
test.before.each((context) => {
  context.desk = new Desk();
});
test.after.each(({ desk }) => desk.remove());

test('init lays out a project whose sample passes check and runs', async ({ desk }) => {
  const { stderr } = await desk.ok(['init', 'shop']);
  assert.match(stderr, 'created pipelines/orders.yml');
  assert.match(stderr, 'cd shop');
  assert.equal(readdirSync(join(desk.folder, 'shop')).sort(), ['.gitignore', 'data', 'pipelines', 'sluice.yml']);
  assert.is(readFileSync(join(desk.folder, 'shop/.gitignore'), 'utf8'), '.sluice/\n');
  await desk.ok(['check', 'pipelines/orders.yml'], { cwd: 'shop' });
  await desk.ok(['run', 'pipelines/orders.yml'], { cwd: 'shop' });
  const { stdout } = await desk.ok(['query', 'SELECT count(*) AS n FROM shop.orders', '--format', 'jsonl'], { cwd: 'shop' });
  assert.is(stdout, '{"n":3}\n');
});

test('init keeps what exists and adds to .gitignore once', async ({ desk }) => {
  desk.write('sluice.yml', 'name: mine\n');
  desk.write('.gitignore', 'node_modules');
  const [first] = await desk.json<{ created: string[]; kept: string[] }>(['init']);
  assert.equal(first?.kept, ['sluice.yml']);
  assert.is(readFileSync(join(desk.folder, 'sluice.yml'), 'utf8'), 'name: mine\n');
  assert.is(readFileSync(join(desk.folder, '.gitignore'), 'utf8'), 'node_modules\n.sluice/\n');
  const [second] = await desk.json<{ created: string[] }>(['init']);
  assert.equal(second?.created, []);
});

test('check shows the plan and moves nothing', async ({ desk }) => {
  desk.write('sluice.yml', '');
  desk.write('data/orders_1.csv', csv(1, 2));
  desk.write('orders.yml', `${ORDERS}filters:\n  - {type: remove_columns, remove: [amount]}\n`);
  const { stdout, stderr } = await desk.ok(['check', 'orders.yml']);
  assert.is(
    stdout.replace(/^  note .*\n/m, ''),
    `orders → shop.orders
  input    file: 1 file to read, 24 B
           data/orders_1.csv
  filters  remove_columns
           2 columns in, 1 out
  output   warehouse: adds to shop.orders
  state    none
           column  type
           ------  ----
           id      long

`,
  );
  assert.is(stderr, 'no problems\n');
  assert.equal(await desk.json(['tables']), []);
  assert.equal(await desk.json(['runs']), []);
  assert.not.ok(existsSync(join(desk.folder, '.sluice/warehouse')));
});

test('check prints the problems of all configs and ends with 2', async ({ desk }) => {
  desk.write('sluice.yml', '');
  desk.write('a.yml', 'in: {type: fil}\nout: {type: warehouse, tabel: x}\n');
  desk.write('b.yml', ORDERS);
  desk.write('data/orders_1.csv', 'id\n1\n');
  const { code, stderr } = await desk.sluice(['check', 'a.yml', 'missing.yml', 'b.yml']);
  assert.is(code, 2);
  for (const text of ['a.yml:1:', 'did you mean "file"', 'tabel', 'CONFIG_NOT_FOUND: missing.yml', 'error '])
    assert.ok(stderr.includes(text), `${text} in\n${stderr}`);
  assert.match(stderr, /[3-9] problems\n$/);
});

test('check with --json: one object for each pipeline and problem, and the count last', async ({ desk }) => {
  desk.write('sluice.yml', '');
  desk.write('data/orders_1.csv', csv(1));
  desk.write('orders.yml', ORDERS);
  desk.write('bad.yml', 'in: 3\n');
  const { code, stdout } = await desk.sluice(['check', 'orders.yml', 'bad.yml', '--json']);
  assert.is(code, 2);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(events[0]?.['event'], 'check');
  assert.equal(events[0]?.['columns'], [
    { name: 'id', type: 'long' },
    { name: 'amount', type: 'decimal(12,2)' },
  ]);
  assert.equal(events.at(-1)?.['event'], 'checked');
  assert.ok(Number(events.at(-1)?.['problems']) >= 1);
});

test('check finds storage and temp folders that cannot be written', async ({ desk }) => {
  desk.write('a-file', '');
  desk.write('sluice.yml', 'storage: {root: a-file/tables}\n');
  desk.write('data/orders_1.csv', csv(1));
  desk.write('orders.yml', `${ORDERS}exec: {temp_dir: a-file/tmp}\n`);
  const { code, stderr } = await desk.sluice(['check', 'orders.yml']);
  assert.is(code, 2);
  assert.match(stderr, 'FILE_SYSTEM: writing to the storage');
  assert.match(stderr, 'FILE_SYSTEM: writing to exec.temp_dir');
  desk.write('sluice.yml', '');
  for (const verb of ['run', 'preview']) {
    const failed = await desk.sluice([verb, 'orders.yml']);
    assert.is(failed.code, 4, failed.stderr);
    assert.match(failed.stderr, /FILE_SYSTEM: making the folder .*a-file\/tmp/);
  }
});

test('preview shows typed rows, then rejects with their places', async ({ desk }) => {
  desk.write('sluice.yml', '');
  desk.write('data/orders_1.csv', 'id,amount\n1,1.5\nx,2\n3,-0.25\n');
  desk.write('orders.yml', ORDERS.replace(/^out:.*$/m, ''));
  const { stdout, stderr } = await desk.ok(['preview', 'orders.yml']);
  assert.is(
    stdout,
    `id:long  amount:decimal(12,2)
-------  --------------------
      1                  1.50
      3                 -0.25

would be rejected:
place                        column  reason                                          raw
---------------------------  ------  ----------------------------------------------  ---
data/orders_1.csv, record 2  id      not a long (a whole number of at most 64 bits)  x,2
`,
  );
  assert.is(stderr, '3 records in the sample: 2 good, 0 filtered, 1 rejected\n');
});

test('preview -G and --rows; --json keeps all digits', async ({ desk }) => {
  desk.write('sluice.yml', '');
  desk.write('data/orders_1.csv', 'id,amount\n9007199254740993,1.10\n2,2\n');
  desk.write('orders.yml', ORDERS);
  const vertical = await desk.ok(['preview', 'orders.yml', '-G', '--rows', '1']);
  assert.is(vertical.stdout, `*** 1 ***\n             id:long: 9007199254740993\namount:decimal(12,2): 1.10\n`);
  const { stdout } = await desk.ok(['preview', 'orders.yml', '--json']);
  assert.match(stdout, '"rows":[{"id":9007199254740993,"amount":1.10},{"id":2,"amount":2.00}]}');
});

test('secrets of a config or of sluice.yml never reach the output', async ({ desk }) => {
  const secret = 'canary-4711-secret';
  desk.write('sluice.yml', `metastore: {type: postgresql, url: {env: META_URL}}\n`);
  desk.write('data/orders_1.csv', csv(1));
  desk.write('orders.yml', ORDERS);
  const env = { META_URL: `postgresql://user:${secret}@127.0.0.1:1/none` };
  for (const args of [['check', 'orders.yml'], ['run', 'orders.yml'], ['tables'], ['runs', '--json'], ['state', 'show', '--log-level', 'debug']]) {
    const { code, stdout, stderr } = await desk.sluice(args, { env });
    assert.is.not(code, 0, args.join(' '));
    assert.not.ok(`${stdout}${stderr}`.includes(secret), args.join(' '));
  }
});

test('a new project is announced, and only once', async ({ desk }) => {
  const first = await desk.ok(['tables']);
  assert.match(first.stderr, `new project in ${desk.folder}`);
  assert.not.match((await desk.ok(['tables'])).stderr, 'new project');
  assert.is(steady(first.stdout), '');
});

test.run();
