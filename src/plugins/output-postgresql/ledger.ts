import { ConfigError } from '../../core/spi/index.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { LEDGER_TABLE, ledgerValues, readLedgerRow, type TargetLedger } from '../shared/sql-output/ledger.js';

export function openLedger(session: PostgresSession, table: readonly string[]): TargetLedger {
  const [schema = 'public'] = table;
  const name = quoteTable(postgresqlDialect, [schema, LEDGER_TABLE]);
  const ddl =
    `CREATE TABLE IF NOT EXISTS ${name} (project_id text NOT NULL, pipeline text NOT NULL, stream text NOT NULL, target text NOT NULL, run_id text NOT NULL, ` +
    `fence bigint NOT NULL, state text, committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (project_id, pipeline, stream, target, run_id))`;
  const doing = `reading ${name}`;
  const keyIs = 'project_id = $1 AND pipeline = $2 AND stream = $3 AND target = $4';
  const exists = async (): Promise<boolean> => (await session.query('SELECT to_regclass($1) IS NOT NULL', [name], doing))[0]?.[0] === 't';
  return {
    name,
    exists,
    async check(place) {
      if (await exists()) return;
      const [row] = await session.query(
        `SELECT coalesce(has_schema_privilege(n.oid, 'CREATE'), false) FROM pg_namespace n WHERE n.nspname = $1`,
        [schema],
        doing,
      );
      if (row?.[0] === 't') return;
      throw new ConfigError({
        code: row === undefined ? 'TARGET_SCHEMA_MISSING' : 'LEDGER_DENIED',
        message:
          row === undefined
            ? `PostgreSQL ${session.place}: there is no schema ${schema}`
            : `PostgreSQL ${session.place}: this user may not make ${name}, which records what was committed`,
        hint:
          row === undefined
            ? 'create the schema, or name another one'
            : `have it made: ${ddl}; GRANT SELECT, INSERT, UPDATE ON ${name} TO the user. Or accept rows twice after a lost answer with ledger: none`,
        where: place.at(row === undefined ? 'schema' : 'ledger'),
      });
    },
    async make() {
      if (await exists()) return;
      // Two first commits may meet here; the one that comes second finds it made. One transaction: the lock ends when the table can be seen.
      await session.texts(`SELECT pg_advisory_xact_lock(hashtext('${LEDGER_TABLE}')); ${ddl}`, `making ${name}`);
    },
    async last(key) {
      const rows = await session.query(
        `SELECT run_id, fence, state, floor(extract(epoch FROM committed_at) * 1000)::bigint FROM ${name} WHERE ${keyIs} ORDER BY fence DESC, committed_at DESC LIMIT 1`,
        [key.project, key.pipeline, key.stream, key.target],
        doing,
      );
      return readLedgerRow(rows[0]);
    },
    async otherProject(key) {
      const [row] = await session.query(
        `SELECT project_id FROM ${name} WHERE project_id <> $1 AND pipeline = $2 AND stream = $3 AND target = $4 ORDER BY committed_at DESC LIMIT 1`,
        [key.project, key.pipeline, key.stream, key.target],
        doing,
      );
      return row?.[0] ?? undefined;
    },
    async write(commit) {
      const values = ledgerValues(commit);
      const inserted =
        `INSERT INTO ${name} (project_id, pipeline, stream, target, run_id, fence, state) VALUES ($1, $2, $3, $4, $5, $6::bigint, ` +
        `coalesce($7, (SELECT state FROM ${name} WHERE ${keyIs} AND state IS NOT NULL ORDER BY fence DESC, committed_at DESC LIMIT 1)))`;
      await session.query(inserted, values, `writing ${name}`);
      // Only the newest state is ever read; those of large file lists would pile up.
      await session.query(
        `UPDATE ${name} SET state = NULL WHERE ${keyIs} AND run_id <> $5 AND state IS NOT NULL`,
        values.slice(0, 5),
        `writing ${name}`,
      );
    },
  };
}
