import type { Connection } from 'mysql2/promise';
import { prepareConfig } from '../../../src/conformance/declaration.js';
import { openLab, type Lab } from '../../../src/conformance/lab.js';
import { readSource, type ReadResult } from '../../../src/conformance/read-source.js';
import type { InputPlan, InputPlugin, JsonObject, JsonValue } from '../../../src/core/spi/index.js';
import input from '../../../src/plugins/input-mysql/index.js';
import { startMariadb } from '../../servers/mariadb.js';
import type { MysqlServer } from '../../servers/mysql-family.js';
import { startMysql } from '../../servers/mysql.js';

export const plugin = input as unknown as InputPlugin;

/** A server with a connection to prepare it. */
export interface MysqlLab {
  readonly server: MysqlServer;
  readonly client: Connection;
  /** Keys of the connection, for a config. */
  readonly connection: JsonObject;
  run(sql: string): Promise<void>;
  stop(): Promise<void>;
}

/** Both products; tests that look at more than SQL run over each. */
export const products = { MySQL: startMysql, MariaDB: startMariadb } as const;

export async function startMysqlLab(start: () => Promise<MysqlServer>): Promise<MysqlLab> {
  const server = await start();
  const client = await server.connect();
  await client.query(`SET SESSION sql_mode = ''`);
  return {
    server,
    client,
    connection: { type: 'mysql', host: server.host, port: server.port, user: server.user, password: server.password, database: server.database },
    run: async (sql) => void (await client.query(sql)),
    async stop() {
      await closeLab();
      client.destroy();
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

let shared: Promise<Lab> | undefined;

/** All tests of a file share one lab: opening one takes longer than most reads. */
export async function withLab<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  shared ??= openLab();
  return work(await shared);
}

async function closeLab(): Promise<void> {
  const open = shared;
  shared = undefined;
  await (await open)?.close();
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

/** Plans and reads a config as the engine does, without a target. */
export async function read(config: JsonObject, state?: JsonValue, options: { between?(): Promise<void> } = {}): Promise<Read> {
  return withLab(async (lab) => {
    const { plan, prepared } = await planOnly(config, state, lab);
    await options.between?.();
    const results: ReadResult[] = [];
    for (const task of plan.tasks) {
      const ctx = lab.context();
      results.push(await readSource(await plugin.open(task, plan, prepared, ctx), ctx));
    }
    return { plan, results, rows: results.flatMap(({ rows }) => rows), state: plugin.nextState?.(plan, state, prepared) ?? state };
  });
}
