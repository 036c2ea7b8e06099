/**
 * `sluice serve` under small selective queries with keys, on a table of many files:
 * `node --import tsx bench/serve-queries.ts [--files 2000] [--rate 30] [--seconds 120] [--most]`. Requests are sent at their times whether or
 * not earlier ones were answered; a latency counts from the time a request was due. `--most` then doubles the rate until the server
 * falls behind. Needs a build.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuBelow } from './process-cpu.js';
import { BenchProject } from './project.js';

const bin = fileURLToPath(new URL('../bin/sluice.cjs', import.meta.url));
const FILES_A_COMMIT = 100;

interface Shots {
  /** Milliseconds, sorted. */
  readonly latencies: readonly number[];
  readonly failed: number;
  /** Seconds from the first request to the last answer. */
  readonly seconds: number;
}

function option(name: string, standard: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? standard : Number(process.argv[at + 1]);
}

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

async function main(): Promise<void> {
  const [files, rate, seconds] = [option('--files', 2000), option('--rate', 30), option('--seconds', 120)];
  const project = new BenchProject();
  const port = await freePort();
  writeFileSync(join(project.folder, 'sluice.yml'), `name: bench\nserve: {http: {port: ${port}, rate_limit: {per_second: 10000, burst: 10000}}}\n`);
  let server: ChildProcess | undefined;
  try {
    console.log(`making a table of ${files} files`);
    for (let first = 0; first < files; first += FILES_A_COMMIT) {
      const rows = `SELECT DATE '2020-01-01' + (range // 500)::INTEGER AS day, range AS id, range % 1000 AS amount FROM range(${first * 500}, ${Math.min(files, first + FILES_A_COMMIT) * 500})`;
      const into = first === 0 ? `CREATE TABLE bench.events WITH (partitioned_by = ARRAY['day']) AS` : 'INSERT INTO bench.events';
      await project.sluice('query', `${into} ${rows}`);
    }
    const key = (JSON.parse((await project.sluice('key', 'create', '--json')).stdout) as { key: string }).key;
    server = spawn(process.execPath, [bin, 'serve'], { cwd: project.folder, stdio: 'ignore' });
    await untilAlive(port);
    const ask = queryAsker(port, key, files);
    await shoot(ask, 5, 3);
    await measureRate(ask, rate, seconds, server);
    for (let more = rate * 2; process.argv.includes('--most'); more *= 2) {
      const shots = await measureRate(ask, more, 20, server);
      if (shots.seconds > 22 || shots.failed > 0) break;
    }
  } finally {
    if (server) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    project.remove();
  }
}

async function measureRate(ask: (n: number) => Promise<void>, rate: number, seconds: number, server: ChildProcess): Promise<Shots> {
  const before = cpuBelow(server.pid ?? 0);
  const shots = await shoot(ask, rate, seconds);
  report(`${rate}/s for ${seconds} s`, shots, server, cpuBelow(server.pid ?? 0) - before);
  return shots;
}

function report(label: string, { latencies, failed, seconds }: Shots, server: ChildProcess, cpu: number): void {
  const ms = (q: number): string => `${quantile(latencies, q).toFixed(0)} ms`;
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
  const rate = (latencies.length / seconds).toFixed(1);
  console.log(
    `${label}: ${latencies.length} answered, ${failed} failed, ${rate}/s; p50 ${ms(0.5)}, p95 ${ms(0.95)}, p99 ${ms(0.99)}, max ${ms(1)}; RSS ${Math.round(Number(rss) / 1000)} MB; ${((cpu * 1000) / latencies.length).toFixed(0)} ms CPU a query`,
  );
}

/** One query of one day's file; rejects unless its answer is right. */
function queryAsker(port: number, key: string, files: number): (n: number) => Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  return (n) =>
    new Promise((resolve, reject) => {
      const day = new Date(Date.UTC(2020, 0, 1 + ((n * 7919) % files))).toISOString().slice(0, 10);
      const body = JSON.stringify({ sql: 'SELECT count(*) AS n FROM bench.events WHERE day = $day::DATE', params: { day } });
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const sent = request({ host: '127.0.0.1', port, path: '/api/v1/query', method: 'POST', agent, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () => (text === '{"n":500}\n' ? resolve() : reject(new Error(`${response.statusCode}: ${text}`))));
      });
      sent.on('error', reject);
      sent.end(body);
    });
}

async function shoot(ask: (n: number) => Promise<void>, rate: number, seconds: number): Promise<Shots> {
  const started = performance.now();
  const latencies: number[] = [];
  const errors: Error[] = [];
  const pending: Promise<void>[] = [];
  for (let n = 0; n < rate * seconds; n++) {
    const due = started + (n * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    pending.push(
      ask(n).then(
        () => void latencies.push(performance.now() - due),
        (error: Error) => void errors.push(error),
      ),
    );
  }
  await Promise.all(pending);
  if (errors[0]) console.log(`first failure: ${errors[0].message.slice(0, 300)}`);
  return { latencies: latencies.sort((a, b) => a - b), failed: errors.length, seconds: (performance.now() - started) / 1000 };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function untilAlive(port: number): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const alive = await fetch(`http://127.0.0.1:${port}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (alive) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('sluice serve did not start');
}

await main();
