import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GOOD, load, problemsOf } from './project-folder.js';

test('env, default, filters, control flow and include', async () => {
  const files = {
    'sluice.yml': '',
    'pipelines/a.yml.liquid': `in:\n  type: csv\n  path_prefix: {{ env.DIR | default: "./data" | append: "/orders_" }}\n{% include 'shared/columns' %}\nout:\n  type: warehouse\n  table: {% if env.STAGE == "live" %}shop{% else %}test{% endif %}.orders\n`,
    'pipelines/shared/_columns.yml.liquid': '  columns:\n  - {name: {{ env.COLUMN }}, type: long}\n',
  };
  const [pipeline] = await load(files, 'pipelines/a.yml.liquid', { env: { COLUMN: 'id', STAGE: 'live' } });
  assert.is(pipeline?.input.config['path_prefix'], './data/orders_');
  assert.equal(pipeline?.parser?.config['columns'], [{ name: 'id', type: 'long' }]);
  assert.is(pipeline?.output.config['table'], 'shop.orders');
  assert.is(pipeline?.name, 'pipelines/a');
});

test('an unset variable, an unknown variable and an unknown filter', async () => {
  const problem = async (text: string, env: { [name: string]: string } = {}) =>
    (await problemsOf(() => load({ 'a.yml.liquid': text }, 'a.yml.liquid', { env })))[0];
  const unset = await problem(GOOD.replace('shop.orders', '{{ env.TABLE }}'), { Table: 'x' });
  assert.is(unset?.code, 'TEMPLATE_VARIABLE');
  assert.match(unset?.message ?? '', /^a\.yml\.liquid:10:13: the environment variable TABLE is not set$/);
  assert.match(unset?.hint ?? '', 'there is Table');
  const unknown = await problem('in: {{ table }}');
  assert.is(unknown?.code, 'TEMPLATE_VARIABLE');
  assert.match(unknown?.hint ?? '', 'env.table');
  const filter = await problem('in: {{ env.X | shout }}', { X: 'x' });
  assert.is(filter?.code, 'TEMPLATE_ERROR');
  assert.match(filter?.message ?? '', 'undefined filter: shout');
  const proto = await problem('in: {{ env.constructor }}');
  assert.is(proto?.code, 'TEMPLATE_VARIABLE');
});

test('include stays below the folder of the config', async () => {
  for (const name of ['../outside', '/etc/passwd', 'a/../../outside']) {
    const [problem] = await problemsOf(() =>
      load({ 'sluice.yml': '', '_outside.yml.liquid': 'in: 1', 'p/a.yml.liquid': `{% include '${name}' %}` }, 'p/a.yml.liquid'),
    );
    assert.is(problem?.code, 'TEMPLATE_ERROR', name);
    assert.match(problem?.message ?? '', "leaves the config's folder");
  }
  const [missing] = await problemsOf(() => load({ 'a.yml.liquid': "{% include 'none' %}" }, 'a.yml.liquid'));
  assert.is(missing?.code, 'TEMPLATE_ERROR');
});

test('a template that never ends is stopped', async () => {
  const [problem] = await problemsOf(() =>
    load({ 'a.yml.liquid': '{% for i in (1..1000000) %}{% for j in (1..1000000) %}{{ i }}{% endfor %}{% endfor %}' }, 'a.yml.liquid'),
  );
  assert.is(problem?.code, 'TEMPLATE_ERROR');
  assert.match(problem?.message ?? '', 'limit');
});

test('places: the file while lines stand where they stood, else the rendered text', async () => {
  const bad = GOOD.replace('type: long', 'type: lng');
  const message = async (text: string): Promise<string> =>
    (await problemsOf(() => load({ 'a.yml.liquid': text }, 'a.yml.liquid', { env: { T: 'shop' } })))[0]?.message ?? '';
  assert.match(await message(bad.replace('shop.', '{{ env.T }}.')), /^a\.yml\.liquid:7:26 in\.parser/);
  assert.match(await message(bad.replace('name: id', 'name: {{ env.T }}')), /^a\.yml\.liquid:7 in\.parser/);
  assert.match(await message(`{% if env.T %}\n# note\n{%- endif %}\n${bad}`), /^a\.yml\.liquid \(rendered\):\d+:26 in\.parser/);
});

test('plain .yml files are no templates', async () => {
  const [problem] = await problemsOf(() => load({ 'a.yml': GOOD.replace('shop.orders', '"{{ env.TABLE }}"') }, 'a.yml', { env: { TABLE: 'x' } }));
  assert.is(problem?.code, 'TEMPLATE_IN_PLAIN_FILE');
  assert.match(problem?.hint ?? '', '.yml.liquid');
});

test('scheduled_time, quoted or not, in both kinds of file', async () => {
  for (const name of ['a.yml', 'a.yml.liquid']) {
    for (const spelling of ['{{ scheduled_time }}', '"{{scheduled_time}}"']) {
      const files = { [name]: GOOD.replace('shop.orders', spelling) };
      const [pipeline] = await load(files, name, { scheduledTime: '2026-01-02T00:00:00Z' });
      assert.is(pipeline?.output.config['table'], '2026-01-02T00:00:00Z');
      const [problem] = await problemsOf(() => load(files, name));
      assert.is(problem?.code, 'NO_SCHEDULED_TIME');
      assert.match(problem?.message ?? '', /:10(:10)? out\.table: scheduled_time has no value/);
      assert.match(problem?.hint ?? '', '--at');
    }
  }
});

test.run();
