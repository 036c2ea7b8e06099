import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import input from '../../../src/plugins/input-postgresql/index.js';
import type { PostgresqlInputConfig } from '../../../src/plugins/input-postgresql/config.js';
import { prepareConfig } from '../../../src/conformance/declaration.js';
import { openLab, type Lab } from '../../../src/conformance/lab.js';
import { readSource, type ReadResult } from '../../../src/conformance/read-source.js';
import type { InputPlan, InputPlugin, JsonObject, JsonValue } from '../../../src/core/spi/index.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/** A server, a database of its own and a client to prepare it with. */
export interface PgLab {
  readonly server: PostgresServer;
  readonly client: pg.Client;
  /** Keys of the connection, for a config. */
  readonly connection: JsonObject;
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPgLab(): Promise<PgLab> {
  const server = await startPostgres();
  const url = await server.createDatabase('shop');
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return {
    server,
    client,
    url,
    connection: { type: 'postgresql', host: server.host, port: server.port, user: server.user, password: server.password, database: 'shop' },
    async stop() {
      await (await shared)?.close();
      await client.end();
      await server.stop();
    },
  };
}

export interface Read {
  readonly plan: InputPlan;
  readonly results: readonly ReadResult[];
  readonly rows: readonly (string | null)[][];
  readonly state: JsonValue | undefined;
}

/** Plans and reads a config as the engine does, without a target. */
export async function read(config: JsonObject, state?: JsonValue, options: { between?(): Promise<void>; useState?: boolean } = {}): Promise<Read> {
  return withLab(async (lab) => {
    const { plan, prepared } = await planOnly(config, state, lab, options.useState);
    await options.between?.();
    const results: ReadResult[] = [];
    for (const task of plan.tasks) {
      const ctx = lab.context();
      results.push(await readSource(await plugin.open(task, plan, prepared, ctx), ctx));
    }
    return { plan, results, rows: results.flatMap(({ rows }) => rows), state: plugin.nextState?.(plan, state, prepared) ?? state };
  });
}

export const plugin = input as unknown as InputPlugin;

let shared: Promise<Lab> | undefined;

/** All tests of a file share one lab: opening one takes longer than most reads. */
export async function withLab<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  shared ??= openLab();
  return work(await shared);
}

export async function planOnly(
  config: JsonObject,
  state: JsonValue | undefined,
  lab: Lab,
  useState = true,
): Promise<{ plan: InputPlan; prepared: JsonObject }> {
  const prepared = await prepareConfig(plugin, config);
  return { prepared, plan: await plugin.plan(prepared, { ...lab.context(), place: lab.place, state, useState }) };
}

/** Waits until the server answers a question with true. */
export async function until(client: pg.Client, question: string, params: unknown[] = []): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const { rows } = await client.query<{ ok: boolean }>(`select (${question}) as ok`, params);
    if (rows[0]?.ok === true) return;
    await delay(10);
  }
  throw new Error(`never became true: ${question}`);
}

export type { PostgresqlInputConfig };
