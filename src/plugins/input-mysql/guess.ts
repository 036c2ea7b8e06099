import type { DiscoveredTable, GuessResult, PluginContext } from '../../core/spi/index.js';
import { cursorKind, mysqlDialect } from '../shared/mysql/dialect.js';
import { readResultColumn } from '../shared/mysql/result-columns.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { findTable, listTables, readTableFacts, type MysqlTable } from '../shared/mysql/tables.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { guessFromTable } from '../shared/sql/guess.js';
import { resolveSource } from '../shared/sql/select.js';
import { connectionOf, NOWHERE, openSession, type MysqlInputConfig } from './config.js';

async function withSession<T>(config: MysqlInputConfig, ctx: PluginContext, work: (session: MysqlSession) => Promise<T>): Promise<T> {
  const session = await openSession(connectionOf(config, NOWHERE), config, ctx);
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

/** Notes on a table's key, size, types and a cursor that would make sense. */
export function guessMysql(config: MysqlInputConfig, ctx: PluginContext): Promise<GuessResult> {
  if (config.tables !== undefined) return Promise.resolve({ in: {}, notes: [], warnings: [] });
  const source = resolveSource(config, mysqlDialect, config.database, NOWHERE);
  return withSession(config, ctx, async (session) => {
    const table = source.table === undefined ? undefined : await findTable(session, source.table);
    const facts = table === undefined ? undefined : await readTableFacts(session, table);
    const found = (await session.describe(`SELECT * FROM ${source.from}`, `looking at the columns of ${source.name}`)).map(readResultColumn);
    const columns = found.map(
      ({ name, sourceType }) =>
        facts?.columns.find((column) => column.name === name) ?? { name, sqlType: sourceType, kind: cursorKind(sourceType), nullable: true },
    );
    const notes = found.flatMap(({ name, sourceType, note }) => {
      if (note !== undefined) return [note];
      return sourceType === 'tinyint(1)'
        ? [`${name} is tinyint(1) and read as long; column_options: {${name}: {type: boolean}} if it only holds 0 and 1`]
        : [];
    });
    return guessFromTable(
      { name: source.name, columns, primaryKey: facts?.primaryKey ?? [], rows: facts?.rows },
      notes,
      source.table === undefined ? 'query' : 'table',
    );
  });
}

export function probeMysql(config: MysqlInputConfig, ctx: PluginContext): Promise<string> {
  return withSession(config, ctx, (session) => Promise.resolve(`${session.product} ${session.version}`));
}

export function readableTables(config: MysqlInputConfig, ctx: PluginContext): Promise<readonly MysqlTable[]> {
  return withSession(config, ctx, listTables);
}

export function discoverMysql(config: MysqlInputConfig, ctx: PluginContext): Promise<readonly DiscoveredTable[]> {
  return withSession(config, ctx, async (session) => {
    const found: DiscoveredTable[] = [];
    for (const table of await listTables(session)) {
      const facts = await readTableFacts(session, table);
      const select = `SELECT * FROM ${quoteTable(mysqlDialect, [table.schema, table.name])}`;
      const columns = (await session.describe(select, `looking at the columns of ${facts.name}`)).map(readResultColumn);
      found.push({
        name: facts.name,
        kind: table.kind,
        columns: columns.map(({ name, type, sourceType }) => {
          const column = facts.columns.find((other) => other.name === name);
          return { name, sourceType: column?.sqlType ?? sourceType, type, nullable: column?.nullable ?? true };
        }),
        primaryKey: facts.primaryKey,
        ...(facts.rows === undefined ? {} : { rows: facts.rows }),
      });
    }
    return found;
  });
}
