import type { DiscoveredTable, GuessResult, PluginContext } from '../../core/spi/index.js';
import { guessFromTable } from '../shared/sql/guess.js';
import { resolveSource } from '../shared/sql/select.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import { describeSelect, findTable, listTables, readTypeFacts, readVersion, toCursorColumn, type PgTable } from './catalog.js';
import type { PostgresqlInputConfig } from './config.js';
import { connectionOf } from './plan.js';
import { beginReading, openSession } from './transaction.js';
import { mapColumn } from './types.js';
import type { PostgresSession } from '../shared/postgresql/session.js';

const NOWHERE = { at: (path: string) => ({ path }) };

async function reading<T>(config: PostgresqlInputConfig, ctx: PluginContext, work: (session: PostgresSession) => Promise<T>): Promise<T> {
  const settings = connectionOf(config, NOWHERE);
  const session = await openSession(settings, config, ctx);
  try {
    await beginReading(session, settings, config);
    return await work(session);
  } finally {
    await session.end();
  }
}

/** Notes on a table's key, size, types and a cursor that would make sense. */
export async function guessPostgresql(config: PostgresqlInputConfig, ctx: PluginContext): Promise<GuessResult> {
  if (config.tables !== undefined) return { in: {}, notes: [], warnings: [] };
  const source = resolveSource(config, postgresqlDialect, config.schema, NOWHERE);
  return reading(config, ctx, async (session) => {
    const table = source.table === undefined ? undefined : await findTable(session, source.table, NOWHERE, 'table');
    const found = await describeSelect(session, `SELECT * FROM ${source.from}`, `looking at the columns of ${source.name}`);
    const facts = await readTypeFacts(session, found);
    const notes = found.flatMap((column) => mapColumn(column, facts).note ?? []);
    const columns = found.map((column) => toCursorColumn(column, table?.notNull ?? new Set()));
    return guessFromTable(
      { name: source.name, columns, primaryKey: table?.primaryKey ?? [], rows: table?.rows },
      notes,
      table === undefined ? 'query' : 'table',
    );
  });
}

export async function probePostgresql(config: PostgresqlInputConfig, ctx: PluginContext): Promise<string> {
  return reading(config, ctx, async (session) => `PostgreSQL ${(await readVersion(session)).text}`);
}

export async function readableTables(config: PostgresqlInputConfig, ctx: PluginContext): Promise<readonly PgTable[]> {
  return reading(config, ctx, listTables);
}

export async function discoverPostgresql(config: PostgresqlInputConfig, ctx: PluginContext): Promise<readonly DiscoveredTable[]> {
  return reading(config, ctx, async (session) => {
    const tables: DiscoveredTable[] = [];
    for (const table of await listTables(session)) {
      const name = `${table.schema}.${table.name}`;
      const quoted = [table.schema, table.name].map(postgresqlDialect.quoteIdentifier).join('.');
      const found = await describeSelect(session, `SELECT * FROM ${quoted}`, `looking at the columns of ${name}`);
      const facts = await readTypeFacts(session, found);
      tables.push({
        name,
        kind: KINDS[table.kind] ?? 'other',
        columns: found.map((column) => ({
          name: column.name,
          sourceType: column.spelling,
          type: mapColumn(column, facts).type,
          nullable: !table.notNull.has(column.name),
        })),
        primaryKey: table.primaryKey,
        ...(table.rows === undefined ? {} : { rows: table.rows }),
      });
    }
    return tables;
  });
}

const KINDS: Readonly<Record<string, DiscoveredTable['kind']>> = { r: 'table', p: 'table', v: 'view', m: 'view' };
