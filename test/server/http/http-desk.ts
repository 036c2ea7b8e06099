import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadProject, loadSchedules, type HttpConfig, type ScheduleDefinition } from '../../../src/core/config/index.js';
import { openDatabase } from '../../../src/core/duckdb/index.js';
import { createRegistry } from '../../../src/core/registry/index.js';
import { quoteLiteral, type ApiKeyRecord, type Clock, type JobResult, type LogFields, type NewJob } from '../../../src/core/spi/index.js';
import { openMetastore, type Metastore } from '../../../src/metastore/index.js';
import { BUILTIN_PLUGINS } from '../../../src/plugins/builtins.js';
import { startHttp, type HttpDependencies, type HttpServer } from '../../../src/server/http/index.js';
import { listPipelines } from '../../../src/server/http/project-pipelines.js';
import { makeKey } from '../../../src/server/keys/api-key.js';
import { openWarehouse, type Warehouse } from '../../../src/warehouse/index.js';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Ask {
  readonly key?: string | undefined;
  readonly body?: unknown;
  /** Sent as they are, after all others. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  /** Sent as it is. */
  readonly raw?: string | Buffer;
}

export interface Rights {
  readonly scopes?: ApiKeyRecord['scopes'];
  readonly databases?: readonly string[];
  readonly expiresAt?: number;
}

/** A clock that tests may move. */
export class MovedClock implements Clock {
  ahead = 0;
  /** Where it stands still. */
  stopped: number | undefined;
  now(): number {
    return (this.stopped ?? Date.now()) + this.ahead;
  }
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}

/** A project with a few tables, and its HTTP API on a free port. */
export class HttpDesk {
  readonly folder: string;
  readonly clock = new MovedClock();
  readonly logs: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];
  readonly #store: Metastore;
  readonly #warehouse: Warehouse;
  readonly #schedules: readonly ScheduleDefinition[];
  #server: HttpServer | undefined;
  #overrides: Partial<HttpDependencies> = {};

  private constructor(folder: string, store: Metastore, warehouse: Warehouse, schedules: readonly ScheduleDefinition[]) {
    this.folder = folder;
    this.#store = store;
    this.#warehouse = warehouse;
    this.#schedules = schedules;
  }

  static async open(): Promise<HttpDesk> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-http-')));
    const write = (name: string, content: string): void => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    };
    write(
      'sluice.yml',
      `name: shop
connections:
  crm: {type: postgresql, host: db.example, database: crm, user: etl, password: {env: CRM_PASSWORD}}
schedules:
  daily: {cron: '0 3 * * *', sql: "SELECT $day AS day", params: {day: '2026-01-01'}, tags: [team:growth], sla: {finish_within: 2h}}
  totals: {cron: '0 4 * * *', timezone: Asia/Tokyo, sql: "SELECT count(*) AS n FROM shop.orders", into: marts.totals, mode: replace}
  off: {cron: '@hourly', sql: "SELECT 1 AS a", enabled: false}
`,
    );
    write(
      'pipelines/shop/orders.yml',
      `in: {type: csv, path_prefix: ./data/, columns: [{name: id, type: long}]}\nout: {type: warehouse, table: shop.orders}\n`,
    );
    write('pipelines/shop/_columns.yml.liquid', '[{name: id, type: long}]');
    write(
      'pipelines/shop/refunds.yml.liquid',
      `in: {type: csv, path_prefix: ./data/, columns: {% include 'columns' %}}\nout: {type: warehouse, table: shop.refunds}\n`,
    );
    write('pipelines/broken.yml', `in: {type: nothing}\n`);
    const env = { CRM_PASSWORD: 'canary-of-crm' };
    const project = await loadProject(folder, { env, cwd: folder });
    const registry = createRegistry({ builtins: BUILTIN_PLUGINS, project });
    const schedules = await loadSchedules(project, { registry, env, cwd: folder });
    const store = await openMetastore({ url: `sqlite:${join(folder, '.sluice', 'metastore.db')}` });
    const clock: Clock = { now: () => Date.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
    const warehouse = openWarehouse({ metastore: store, root: project.storage.uri, clock, log: { log: () => undefined } });
    const desk = new HttpDesk(folder, store, warehouse, schedules);
    desk.#overrides = { config: { ...project.serve.http, port: 0 }, pipelines: () => listPipelines(folder, { registry, env }) };
    return desk;
  }

  get store(): Metastore {
    return this.#store;
  }

  get schedules(): readonly ScheduleDefinition[] {
    return this.#schedules;
  }

  get warehouse(): Warehouse {
    return this.#warehouse;
  }

  get address(): string {
    return this.#server?.address ?? '';
  }

  get config(): HttpConfig {
    return this.#overrides.config as HttpConfig;
  }

  /** Starts the server, or starts it anew with other settings. */
  async start(config: Partial<HttpConfig> = {}, more: Partial<HttpDependencies> = {}): Promise<void> {
    await this.#server?.close(0);
    this.#server = await startHttp({
      root: this.folder,
      version: '0.0.0-test',
      store: this.#store,
      warehouse: this.#warehouse,
      schedules: () => this.#schedules,
      pipelines: () => [],
      clock: this.clock,
      log: { log: (level, message, fields) => void this.logs.push({ level, message, fields }) },
      enqueue: (job) => this.#store.addJob(job),
      ...this.#overrides,
      ...more,
      config: { ...this.config, ...config },
    });
  }

  async stop(graceMs?: number): Promise<void> {
    await this.#server?.close(graceMs);
    this.#server = undefined;
  }

  async close(): Promise<void> {
    await this.stop(0);
    await this.#warehouse.closeSql();
    await this.#store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A new key; its whole text. */
  async key({ scopes = ['read'], databases, expiresAt }: Rights = {}): Promise<string> {
    const key = makeKey();
    await this.#store.addKey({ id: key.id, hash: key.hash, description: 'test', scopes, databases: databases ?? null, expiresAt: expiresAt ?? null });
    return key.text;
  }

  async sql(...statements: readonly string[]): Promise<void> {
    for (const statement of statements) {
      const outcome = await this.#warehouse.execute(statement);
      if (outcome.kind === 'rows') await outcome.result.close();
    }
  }

  /** Runs the next job as a runner would: it ends with `result`. */
  async endJob(id: string, result: Partial<JobResult> = {}): Promise<void> {
    const server = await this.#store.registerServer('test');
    try {
      const claim = await this.#store.claimJob(server.id, id);
      if (!claim) throw new Error(`job ${id} is not queued`);
      await this.#store.finishJob(claim, { status: 'success', result: { runIds: [], ...result }, error: null, retry: false });
    } finally {
      await server.release();
    }
  }

  /** A kept result of `SELECT …`. */
  async keep(
    sql: string,
    rows: number,
    columns: readonly string[],
    expiresAt = Date.now() + 3_600_000,
  ): Promise<NonNullable<JobResult['resultFile']>> {
    const path = join(this.folder, `result-${Math.random().toString(36).slice(2)}.parquet`);
    const database = await openDatabase({ threads: 2 });
    const connection = await database.connect();
    await connection.run(`COPY (${sql}) TO ${quoteLiteral(path)} (FORMAT parquet)`);
    connection.close();
    database.close();
    return { uri: pathToFileURL(path).href, rows, columns, expiresAt };
  }

  newJob(more: Partial<NewJob> = {}): NewJob {
    return {
      kind: 'sql',
      name: 'daily',
      payload: { kind: 'sql', sql: 'SELECT 1' },
      trigger: 'timer',
      nominalTime: null,
      priority: 0,
      notBefore: 0,
      maxAttempts: 1,
      retryWait: { initialMs: 0, maxMs: 0 },
      timeoutMs: null,
      uses: [],
      parentId: null,
      tags: [],
      ...more,
    };
  }

  get(path: string, ask: Ask = {}): Promise<Reply> {
    return this.ask(path, { method: 'GET', ...ask });
  }

  post(path: string, ask: Ask = {}): Promise<Reply> {
    return this.ask(path, { method: 'POST', ...ask });
  }

  /** One request on a connection of its own; header names and path go out as given. */
  ask(path: string, { key, body, headers, method = 'GET', raw }: Ask): Promise<Reply> {
    const url = new URL(this.address);
    return new Promise((resolve, reject) => {
      const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const request = httpRequest(
        {
          host: url.hostname,
          port: url.port,
          path,
          method,
          agent: false,
          headers: {
            ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
            ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const isJson = /^application\/(problem\+)?json/.test(response.headers['content-type'] ?? '');
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: (isJson ? JSON.parse(text) : {}) as Reply['json'] });
          });
        },
      );
      request.on('error', reject);
      request.setTimeout(15_000, () => request.destroy(new Error(`no answer to ${method} ${path}`)));
      request.end(payload);
    });
  }
}

/** Two databases, a view into the other one, rejects. */
export const TABLES = [
  'CREATE TABLE shop.orders AS SELECT range AS id, range * 1.5 AS amount FROM range(10)',
  `CREATE TABLE secret.salaries AS SELECT 'canary-of-salaries' AS name`,
  'CREATE VIEW shop.big AS SELECT id FROM orders WHERE id > 5',
  'CREATE VIEW shop.peek AS SELECT name FROM secret.salaries',
] as const;
