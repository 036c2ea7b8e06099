import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkOutput } from '../../../src/conformance/index.js';
import type { FormatterPlugin } from '../../../src/core/spi/index.js';
import jsonl from '../../../src/plugins/formatter-jsonl/index.js';
import httpOutput from '../../../src/plugins/output-http/index.js';
import { TestProject } from '../../engine/project.js';
import { startHttp, type HttpServer } from '../../servers/http.js';

const test = suite('output http');
let server: HttpServer;

test.before(async () => {
  server = await startHttp();
});

test.after(() => server.stop());

const IN = `in:
  type: config
  columns: [{name: id, type: long}, {name: price, type: "decimal(10,2)"}, {name: text, type: string}]
  rows: [[1, "0.10", "a\\u2028b"], ["9007199254740993", null, "it's \\"quoted\\"\\n"], [3, "3.00", null], [4, "4.00", d], [5, "5.00", e]]
`;

function pipeline(keys: string): string {
  return `${IN}out:
  type: http
  url: ${server.origin}/rows
  initial_retry_interval_millis: 0
  auth: {type: bearer, token: {env: API_TOKEN}}
${keys}`;
}

async function run(project: TestProject, keys: string, name = 'export.yml'): Promise<{ code: number; stdout: string; stderr: string }> {
  project.write(name, pipeline(keys));
  const outcome = await project.sluice(['run', name, '--json'], { env: { API_TOKEN: 'canary-token' } });
  assert.not.match(outcome.stdout + outcome.stderr, 'canary');
  // With --json errors stand on standard output.
  return { ...outcome, stderr: outcome.stderr + outcome.stdout };
}

const idsOf = (body: string): string[] => [...body.matchAll(/"id":(\d+)/g)].map((match) => match[1] ?? '');

async function withProject(work: (project: TestProject) => Promise<void>): Promise<void> {
  const project = new TestProject();
  try {
    await work(project);
  } finally {
    project.remove();
  }
}

test('keeps the contract of outputs', async () => {
  server.handle((_request, response) => response.end());
  const format = { formatter: { plugin: jsonl as unknown as FormatterPlugin, config: {} } };
  await checkOutput(httpOutput, [
    { title: 'batches', config: { url: `${server.origin}/rows`, batch_rows: 2 }, format, commits: true },
    { title: 'nothing to wrap', config: { url: `${server.origin}/rows`, body: 'object', wrap: 'a' }, format, error: 'HTTP_WRAP' },
  ]);
});

test('sends batches of exact JSON, each with a key of its own', () =>
  withProject(async (project) => {
    server.handle((_request, response) => response.writeHead(201).end('{"taken":true}'));
    const outcome = await run(project, '  batch_rows: 2\n  wrap: records\n');
    assert.is(outcome.code, 0, outcome.stderr);
    assert.is(server.seen.length, 3);
    assert.equal(
      server.seen.map((request) => idsOf(request.body)),
      [['1', '9007199254740993'], ['3', '4'], ['5']],
    );
    const first = JSON.parse(server.seen[0]?.body ?? '') as { records: { text: string }[] };
    assert.equal(
      first.records.map((record) => record.text),
      ['a\u2028b', `it's "quoted"\n`],
    );
    const keys = server.seen.map((request) => String(request.headers['idempotency-key']));
    assert.is(new Set(keys).size, 3);
    assert.is(server.seen[0]?.headers.authorization, 'Bearer canary-token');
    assert.is(server.seen[0]?.headers['content-type'], 'application/json');
    const [summary] = (JSON.parse(outcome.stdout) as { pipelines: { written: number; commit: object }[] }).pipelines;
    assert.equal(summary?.commit, { sent: 5, refused: 0 });
  }));

test('a row a request, or a line each', () =>
  withProject(async (project) => {
    server.handle((_request, response) => response.end());
    assert.is((await run(project, '  body: object\n  method: PUT\n  idempotency_header: null\n')).code, 0);
    assert.equal(
      server.seen.map((request) => [request.method, ...idsOf(request.body)]),
      ['1', '9007199254740993', '3', '4', '5'].map((id) => ['PUT', id]),
    );
    assert.is(server.seen[0]?.headers['idempotency-key'], undefined);
    server.seen.length = 0;
    assert.is((await run(project, '  body: ndjson\n', 'lines.yml')).code, 0);
    assert.is(server.seen[0]?.body.trimEnd().split('\n').length, 5);
    assert.is(server.seen[0]?.headers['content-type'], 'application/x-ndjson');
  }));

test('a request that is repeated has the same key', () =>
  withProject(async (project) => {
    server.handle((_request, response) => {
      if (server.seen.length === 1) response.writeHead(503).end();
      else if (server.seen.length === 2) response.destroy();
      else response.end();
    });
    assert.is((await run(project, '')).code, 0);
    const keys = server.seen.map((request) => request.headers['idempotency-key']);
    assert.is(keys.length, 3);
    assert.is(new Set(keys).size, 1);
  }));

test('refused rows are found and kept, the rest is sent', () =>
  withProject(async (project) => {
    server.handle((request, response) => {
      if (idsOf(request.body).includes('4')) response.writeHead(422).end('no four');
      else response.end();
    });
    const outcome = await run(project, '  refused_path: refused/rows.jsonl\n');
    assert.is(outcome.code, 0, outcome.stderr);
    const lines = readFileSync(join(project.folder, 'refused/rows.jsonl'), 'utf8').trimEnd().split('\n');
    assert.is(lines.length, 1);
    const { run_id: runId, ...refused } = JSON.parse(lines[0] ?? '') as { run_id: string; row: { id: number } };
    assert.equal({ ...refused, row: refused.row.id }, { status: 422, answer: 'no four', row: 4 });
    assert.ok(runId.length > 0);
    const taken = server.seen.filter((request) => !idsOf(request.body).includes('4')).flatMap((request) => idsOf(request.body));
    assert.equal(taken.sort(), ['1', '3', '5', '9007199254740993']);
    const [summary] = (JSON.parse(outcome.stdout) as { pipelines: { commit: { sent: number; refused: number } }[] }).pipelines;
    assert.equal([summary?.commit.sent, summary?.commit.refused], [4, 1]);
  }));

test('without a place for them refused rows end the run; the next call sends only what is left', () =>
  withProject(async (project) => {
    let refuse = true;
    server.handle((request, response) => {
      if (refuse && idsOf(request.body).includes('4')) response.writeHead(400).end('no four');
      else response.end();
    });
    const failed = await run(project, '  batch_rows: 2\n');
    assert.is(failed.code, 3, failed.stderr);
    assert.match(failed.stderr, /refused rows 3 to 4 with 400: no four/);
    assert.match(failed.stderr, 'refused_path');
    const keys = server.seen.map((request) => request.headers['idempotency-key']);
    refuse = false;
    server.seen.length = 0;
    const again = await run(project, '  batch_rows: 2\n');
    assert.is(again.code, 0, again.stderr);
    assert.equal(
      server.seen.slice(0, 2).map((request) => idsOf(request.body)),
      [['3', '4'], ['5']],
    );
    assert.is(server.seen[0]?.headers['idempotency-key'], keys[1]);
    assert.not.ok(existsSync(join(project.folder, 'refused')));
  }));

test('a wrong token fails at once; formats that are no lines are refused', () =>
  withProject(async (project) => {
    server.handle((_request, response) => response.writeHead(401).end('canary-token is wrong'));
    const denied = await run(project, '');
    assert.is(denied.code, 4);
    assert.match(denied.stderr, 'HTTP_DENIED');
    assert.is(server.seen.length, 1);
    const format = await run(project, '  formatter: {type: csv}\n', 'csv.yml');
    assert.is(format.code, 2);
    assert.match(format.stderr, 'HTTP_FORMAT');
    const wrap = await run(project, '  body: ndjson\n  wrap: rows\n', 'wrap.yml');
    assert.is(wrap.code, 2);
    assert.match(wrap.stderr, 'HTTP_WRAP');
  }));

test('the config in configs/servers runs', () =>
  withProject(async (project) => {
    server.handle((_request, response) => response.end());
    project.write('http.yml', readFileSync(new URL('../../../configs/servers/output-http.yml', import.meta.url)));
    const outcome = await project.sluice(['run', 'http.yml'], { env: { API_URL: `${server.origin}/rows`, API_TOKEN: 'canary-token' } });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.is(server.seen.length, 3);
    assert.equal(
      server.seen.flatMap((request) => idsOf(request.body)),
      Array.from({ length: 100 }, (_, i) => String(i + 1)),
    );
  }));

test.run();
