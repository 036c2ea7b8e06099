import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadProject, loadSchedules, type ScheduleDefinition } from '../../src/core/config/index.js';
import { createRegistry } from '../../src/core/registry/index.js';
import type { ConfigError } from '../../src/core/spi/index.js';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';
import { problemsOf, withFolder } from './project-folder.js';

type Files = { readonly [path: string]: string };

async function loadAll(files: Files): Promise<readonly ScheduleDefinition[]> {
  return withFolder(files, async (folder) => {
    const project = await loadProject(folder, { env: {}, cwd: folder });
    return loadSchedules(project, { registry: createRegistry({ builtins: BUILTIN_PLUGINS, project }), env: {}, cwd: folder });
  });
}

async function loadOne(text: string, files: Files = {}): Promise<ScheduleDefinition> {
  const [definition] = await loadAll({ 'sluice.yml': 'name: test\n', 'schedules/daily.yml': text, ...files });
  assert.ok(definition);
  return definition as ScheduleDefinition;
}

const problems = (files: Files): Promise<readonly ConfigError[]> => problemsOf(() => loadAll(files));
const inFile = async (text: string, files: Files = {}): Promise<ConfigError> => {
  const [first] = await problems({ 'sluice.yml': 'name: test\n', 'schedules/daily.yml': text, ...files });
  return first as ConfigError;
};

const PIPELINE =
  'in: {type: file, path_prefix: data/, parser: {type: csv, columns: [{name: id, type: long}]}}\nout: {type: warehouse, table: shop.orders}\n';

test('schedules of sluice.yml and of files: pipelines, inline pipelines and SQL', async () => {
  const all = await loadAll({
    'sluice.yml': `connections: {dwh: {type: postgresql, host: localhost, database: d, user: u}}
schedules:
  orders:
    cron: '30 2 * * *'
    timezone: Asia/Tokyo
    pipeline: pipelines/orders.yml
    delay_secs: 600
    catch_up: all
    overlap: queue
    timeout_secs: 3600
    retries: {limit: 3, initial_wait_secs: 5}
    priority: 1
    tags: [team:a]
`,
    'pipelines/orders.yml': PIPELINE,
    'schedules/sums.yml': `cron: '@daily'
sql: "select * from shop.orders where day = TD_SCHEDULED_TIME() -- {{ scheduled_time }}"
into: {table: shop.sums, mode: replace, replace_where: "day = '{{ scheduled_time }}'"}
depends_on: orders
enabled: false
`,
    'schedules/more.yml': `schedules:
  send:
    cron: '0 4 * * mon'
    sql_file: sql/send.sql
    out: {connection: dwh, table: sums, mode: merge, keys: [day]}
    depends_on: [sums, orders]
  copy:
    cron: '0 0 5 * * *'
    in: {type: query, sql: "select 1 as a"}
    out: {type: warehouse, table: shop.copy, mode: replace}
`,
    'sql/send.sql': 'select * from shop.sums',
  });
  assert.equal(
    all.map((each) => each.name),
    ['copy', 'orders', 'send', 'sums'],
  );
  const [copy, orders, send, sums] = all as [ScheduleDefinition, ScheduleDefinition, ScheduleDefinition, ScheduleDefinition];
  assert.equal(orders.payload, { kind: 'pipeline', file: 'pipelines/orders.yml' });
  assert.equal(
    [orders.timezone, orders.delaySecs, orders.catchUp, orders.overlap, orders.timeoutSecs, orders.retries, orders.priority, orders.tags],
    ['Asia/Tokyo', 600, 'all', 'queue', 3600, { limit: 3, initialWaitSecs: 5, maxWaitSecs: 3600 }, 1, ['team:a']],
  );
  assert.equal([orders.keepsState, orders.appends], [['pipelines/orders'], ['shop.orders']]);
  assert.equal(sums.payload, {
    kind: 'sql',
    sql: 'select * from shop.orders where day = TD_SCHEDULED_TIME() -- {{ scheduled_time }}',
    into: { table: 'shop.sums', mode: 'replace', replace_where: "day = '{{ scheduled_time }}'" },
  });
  assert.equal([sums.enabled, sums.dependsOn, sums.appends, sums.catchUp, sums.overlap], [false, ['orders'], [], 'latest', 'skip']);
  assert.equal(send.payload, {
    kind: 'sql',
    sql: 'select * from shop.sums',
    out: { connection: 'dwh', table: 'sums', mode: 'merge', keys: ['day'] },
  });
  assert.equal([send.connections, send.dependsOn], [['dwh'], ['sums', 'orders']]);
  assert.equal(copy.payload, {
    kind: 'pipeline',
    definition: {
      name: 'schedule:copy',
      in: { type: 'query', sql: 'select 1 as a' },
      out: { type: 'warehouse', table: 'shop.copy', mode: 'replace' },
    },
  });
  assert.is(sums.place.file, 'schedules/sums.yml');
});

test('a change of the times is told from other changes', async () => {
  const one = await loadOne("cron: '@daily'\nsql: select 1\n");
  const other = await loadOne("cron: '@daily'\nsql: select 2\n");
  const later = await loadOne("cron: '@daily'\nsql: select 1\ndelay_secs: 5\n");
  assert.is(one.timesHash, other.timesHash);
  assert.is.not(one.hash, other.hash);
  assert.is.not(one.timesHash, later.timesHash);
});

test('mistakes have a place and say what would be right', async () => {
  const at = (error: ConfigError) => `${error.where.file}:${error.where.line}:${error.where.column}`;
  const typo = await inFile("cron: '@daily'\nsql: select 1\ntimezon: UTC\n");
  assert.is(typo.code, 'CONFIG_UNKNOWN_KEY');
  assert.is(typo.message, 'schedules/daily.yml:3:1 timezon: unknown key "timezon", did you mean "timezone"?');
  const cron = await inFile("sql: select 1\ncron: '61 * * * *'\n");
  assert.equal([cron.code, at(cron)], ['CRON', 'schedules/daily.yml:2:7']);
  assert.match(cron.message, 'minute: expected 0 to 59');
  assert.ok(cron.hint);
  const zone = await inFile("cron: '@daily'\nsql: select 1\ntimezone: Asia/Tokio\n");
  assert.equal([zone.code, at(zone)], ['TIMEZONE', 'schedules/daily.yml:3:11']);
  const overlap = await inFile("cron: '@daily'\nsql: select 1\noverlap: skipp\n");
  assert.match(overlap.message, 'did you mean "skip"?');
  const nothing = await inFile("cron: '@daily'\n");
  assert.is(nothing.code, 'CONFIG_MISSING_KEY');
  assert.match(nothing.message, 'expected one of the keys pipeline, in, sql, sql_file, found none');
  const both = await inFile("cron: '@daily'\nsql: select 1\npipeline: a.yml\n");
  assert.match(both.message, 'found pipeline and sql');
  const stray = await inFile("cron: '@daily'\npipeline: a.yml\ninto: shop.a\n", { 'a.yml': PIPELINE });
  assert.match(stray.message, 'the key "into" does not go together with "pipeline"');
  const file = await inFile("cron: '@daily'\npipeline: pipelines/orders.yml\n");
  assert.equal([file.code, at(file)], ['CONFIG_NOT_FOUND', 'schedules/daily.yml:2:11']);
  const outside = await inFile("cron: '@daily'\nsql_file: ../x.sql\n");
  assert.match(outside.message, 'a path that leaves it');
  const broken = await inFile("cron: '@daily'\npipeline: a.yml\n", { 'a.yml': PIPELINE.replace('table:', 'tabel: x, table:') });
  assert.match(broken.message, /^a\.yml:2:\d+ out\.tabel: unknown key "tabel", did you mean "table"\?/);
  const inline = await inFile("cron: '@daily'\nin: {type: query, sqll: x}\nout: {type: warehouse, table: a.b}\n");
  assert.match(inline.message, /^schedules\/daily\.yml:2:19 in\.sqll: unknown key/);
  const into = await inFile("cron: '@daily'\nsql: select 1\ninto: {table: a.b, mod: append}\n");
  assert.match(into.message, 'did you mean "mode"?');
  const mode = await inFile("cron: '@daily'\nsql: select 1\ninto: a.b\nmode: replac\n");
  assert.match(mode.message, 'did you mean "replace"?');
  const only = await inFile("cron: '@daily'\npipeline: a.yml\nonly: b\n", { 'a.yml': PIPELINE });
  assert.match(only.message, 'a.yml has no pipeline "b"');
  const notify = await inFile("cron: '@daily'\nsql: select 1\nnotify: [ops]\n");
  assert.match(notify.message, 'no target "ops" in serve.notify');
});

test('names are unique, dependencies exist and make no circle', async () => {
  const twice = await problems({
    'sluice.yml': "schedules: {a: {cron: '@daily', sql: select 1}}\n",
    'schedules/a.yml': "cron: '@daily'\nsql: select 1\n",
  });
  assert.is(twice[0]?.code, 'SCHEDULE_TWICE');
  const unknown = await inFile("cron: '@daily'\nsql: select 1\ndepends_on: dailyy\n");
  assert.is(unknown.code, 'SCHEDULE_DEPENDENCY');
  assert.match(unknown.message, 'no schedule "dailyy", did you mean "daily"?');
  const circle = await problems({
    'sluice.yml': "schedules:\n  a: {cron: '@daily', sql: select 1, depends_on: b}\n  b: {cron: '@daily', sql: select 1, depends_on: a}\n",
  });
  assert.is(circle[0]?.code, 'SCHEDULE_DEPENDENCY');
  assert.match(circle[0]?.message ?? '', 'a → b → a wait for each other');
});

test('a schedule holds no secrets: databases by named connections only', async () => {
  const error = await inFile(
    "cron: '@daily'\nsql: select 1\nout: {type: postgresql, host: db, database: d, user: u, password: hunter22, table: t, mode: append}\n",
  );
  assert.is(error.code, 'SCHEDULE_SECRET');
  assert.match(error.hint ?? '', 'connection: NAME');
  assert.not.match(error.message, 'hunter22');
  const input = await inFile(
    "cron: '@daily'\nin: {type: postgresql, host: db, database: d, user: u, password: hunter22, table: t}\nout: {type: warehouse, table: a.b}\n",
  );
  assert.is(input.code, 'SCHEDULE_SECRET');
});

test('pipelines with state do not overlap; loads of a period may', async () => {
  const refused = await inFile("cron: '@daily'\npipeline: a.yml\noverlap: allow\n", { 'a.yml': PIPELINE });
  assert.is(refused.code, 'SCHEDULE_OVERLAP');
  assert.match(refused.hint ?? '', 'replace_where');
  const period = PIPELINE.replace('shop.orders}', `shop.orders, mode: replace, replace_where: "day = '{{ scheduled_time }}'"}`);
  const allowed = await loadOne("cron: '@daily'\npipeline: a.yml\noverlap: allow\n", { 'a.yml': period });
  assert.equal([allowed.keepsState, allowed.appends], [[], []]);
  assert.equal((await loadOne("cron: '@daily'\nsql: INSERT INTO a.b SELECT 1\n")).appends, ['INSERT']);
});

test('sla: texts and seconds, counted from the nominal time', async () => {
  const sql = "cron: '@daily'\nsql: select 1\n";
  assert.equal((await loadOne(`${sql}sla: {finish_within: 90m, max_age: 26h}\n`)).sla, { finishWithinSecs: 5400, maxAgeSecs: 93_600 });
  assert.equal((await loadOne(`${sql}sla: {finish_within: 30}\n`)).sla, { finishWithinSecs: 30, maxAgeSecs: null });
  const [plain, promising, disabled] = [
    await loadOne(sql),
    await loadOne(`${sql}sla: {max_age: 1d}\n`),
    await loadOne(`${sql}sla: {max_age: 1d}\nenabled: false\n`),
  ];
  assert.equal([plain.sla, plain.slaHash, disabled.slaHash], [null, '', '']);
  assert.ok(promising.slaHash !== '' && promising.slaHash !== (await loadOne(`${sql}sla: {max_age: 2d}\n`)).slaHash);
  for (const [sla, place, text] of [
    ['{finish_within: 2 weeks}', 'sla.finish_within', 'a time such as 90s, 45m, 2h or 1d'],
    ['{max_age: 0s}', 'sla.max_age', 'more than 0'],
    ['{max_age: 400d}', 'sla.max_age', 'at most a year'],
    ['{}', 'sla', ''],
    ['{within: 2h}', 'sla.within', ''],
  ] as const) {
    const error = await inFile(`${sql}sla: ${sla}\n`);
    assert.ok(error, sla);
    assert.is(error.where.path, place, sla);
    assert.match(error.message, text);
    assert.is(error.where.line, 3);
  }
  const late = await inFile(`${sql}delay_secs: 7200\nsla: {finish_within: 2h}\n`);
  assert.match(late.message, 'more than the delay_secs of 7200 seconds');
});

test('cancel_previous does not go together with catch_up: all', async () => {
  const sql = "cron: '@daily'\nsql: select 1\noverlap: cancel_previous\n";
  assert.is((await loadOne(sql)).overlap, 'cancel_previous');
  const error = await inFile(`${sql}catch_up: all\n`);
  assert.equal([error.code, error.where.line], ['SCHEDULE_OVERLAP', 3]);
  assert.match(error.hint ?? '', 'overlap: queue');
});

test('who is told: web addresses and e-mail', async () => {
  const notify = async (text: string) =>
    withFolder({ 'sluice.yml': `serve:\n  notify:\n    ops: ${text}\n` }, async (folder) => {
      const project = await loadProject(folder, { env: { SMTP: 'canary', URL: 'smtps://a@b' }, cwd: folder });
      return project.serve.notify['ops'];
    });
  const mail = await notify(
    '{type: email, host: mail.example.com, user: u, password: {env: SMTP}, from: "Sluice <s@example.com>", to: ops@example.com}',
  );
  assert.ok(mail?.type === 'email' && !('url' in mail.server));
  assert.equal(mail?.type === 'email' && [mail.server, mail.to], [
    { host: 'mail.example.com', port: undefined, tls: undefined, user: 'u' },
    ['ops@example.com'],
  ]);
  assert.not.match(JSON.stringify(mail), 'canary');
  assert.is((await notify('{type: email, url: {env: URL}, from: a@b.c, to: [d@e.f, g@h.i]}'))?.type, 'email');
  for (const [text, code, path] of [
    ['{type: slack}', 'CONFIG_MISSING_KEY', 'serve.notify.ops'],
    ['{type: slack, url: "https://x.test/", to: a@b.c}', 'CONFIG_VALUE', 'serve.notify.ops.to'],
    ['{type: email, host: h, to: a@b.c}', 'CONFIG_MISSING_KEY', 'serve.notify.ops'],
    ['{type: email, from: a@b.c, to: a@b.c}', 'CONFIG_MISSING_KEY', 'serve.notify.ops'],
    ['{type: email, url: {env: URL}, port: 25, from: a@b.c, to: a@b.c}', 'CONFIG_VALUE', 'serve.notify.ops.port'],
    ['{type: email, host: h, from: "a@b.c\\r\\nBcc: d@e.f", to: a@b.c}', 'CONFIG_VALUE', 'serve.notify.ops.from'],
    ['{type: email, host: h, from: a@b.c, to: ["a@b.c, d@e.f"]}', 'CONFIG_VALUE', 'serve.notify.ops.to[0]'],
    ['{type: email, host: h, from: a@b.c, to: a@b.c, subject_prefix: "x\\ny"}', 'CONFIG_VALUE', 'serve.notify.ops.subject_prefix'],
  ] as const) {
    const [error] = await problemsOf(() => notify(text));
    assert.equal([error?.code, error?.where.path], [code, path], text);
  }
});

test.run();
