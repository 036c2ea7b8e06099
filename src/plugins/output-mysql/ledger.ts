import { createHash } from 'node:crypto';
import { ConfigError, type ConfigPlace, type StateKey } from '../../core/spi/index.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { findTable } from '../shared/mysql/tables.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { LEDGER_TABLE, ledgerValues, readLedgerRow, type TargetLedger } from '../shared/sql-output/ledger.js';

/** Characters of the five columns of the primary key: together they stay below InnoDB's 3,072 bytes. */
const KEY_LENGTHS = [64, 190, 190, 255, 64] as const;
const KEY_COLUMNS = ['project_id', 'pipeline', 'stream', 'target', 'run_id'] as const;
const TEXT = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

export function openLedger(session: MysqlSession, table: readonly string[]): TargetLedger {
  const [database = ''] = table;
  const parts = [database, LEDGER_TABLE];
  const name = quoteTable(mysqlDialect, parts);
  const ddl =
    `CREATE TABLE IF NOT EXISTS ${name} (${KEY_COLUMNS.map((column, i) => `${column} varchar(${KEY_LENGTHS[i]}) ${TEXT} NOT NULL`).join(', ')}, ` +
    `fence bigint NOT NULL, state longtext ${TEXT}, committed_at datetime(6) NOT NULL, PRIMARY KEY (${KEY_COLUMNS.join(', ')})) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`;
  const doing = `reading ${name}`;
  const keyIs = (key: StateKey): string =>
    [key.project, key.pipeline, key.stream, key.target].map((value, i) => `${KEY_COLUMNS[i]} = ${keyLiteral(value, i)}`).join(' AND ');
  const denied = (where: ReturnType<ConfigPlace['at']>, cause?: unknown): ConfigError =>
    new ConfigError({
      code: 'LEDGER_DENIED',
      message: `${session.product} ${session.place}: this user may not make ${name}, which records what was committed`,
      hint: `have it made: ${ddl}; GRANT SELECT, INSERT, UPDATE ON ${name} TO the user. Or accept rows twice after a lost answer with ledger: none`,
      where,
      ...(cause === undefined ? {} : { cause }),
    });
  const exists = async (): Promise<boolean> => (await findTable(session, parts)) !== undefined;
  return {
    name,
    exists,
    async check(place) {
      if (await exists()) return;
      const [row] = await session.texts(
        `SELECT 1 FROM information_schema.schemata WHERE schema_name = ${mysqlDialect.quoteLiteral(database)}`,
        `looking for the database ${database}`,
      );
      if (row === undefined) {
        throw new ConfigError({
          code: 'TARGET_SCHEMA_MISSING',
          message: `${session.product} ${session.place}: there is no database ${database}`,
          hint: 'create the database, or name another one',
          where: place.at('database'),
        });
      }
      if (await mayCreate(session, database)) return;
      throw denied(place.at('ledger'));
    },
    async make() {
      if (await exists()) return;
      try {
        await session.run(ddl, `making ${name}`);
      } catch (error) {
        throw (error as { code?: unknown }).code === 'SQL_DENIED' ? denied({}, error) : error;
      }
    },
    async last(key) {
      const rows = await session.texts(
        `SELECT run_id, fence, state, FLOOR(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', committed_at) / 1000) FROM ${name} WHERE ${keyIs(key)} ` +
          'ORDER BY fence DESC, committed_at DESC LIMIT 1',
        doing,
      );
      return readLedgerRow(rows[0]);
    },
    async otherProject(key) {
      const where = keyIs(key).replace('project_id = ', 'project_id <> ');
      const [row] = await session.texts(`SELECT project_id FROM ${name} WHERE ${where} ORDER BY committed_at DESC LIMIT 1`, doing);
      return row?.[0] ?? undefined;
    },
    async write(commit) {
      const [project, pipeline, stream, target, run, fence, state] = ledgerValues(commit);
      const keys = [project, pipeline, stream, target, run].map((value, i) => keyLiteral(value ?? '', i));
      const mine = keyIs(commit.key);
      // A state that is left as it was moves on to the newest row; the server reads it before the row is there.
      const kept = `(SELECT state FROM (SELECT state FROM ${name} WHERE ${mine} AND state IS NOT NULL ORDER BY fence DESC, committed_at DESC LIMIT 1) AS newest)`;
      const stored = state === null || state === undefined ? kept : mysqlDialect.quoteLiteral(state);
      await session.run(
        `INSERT INTO ${name} (${KEY_COLUMNS.join(', ')}, fence, state, committed_at) SELECT ${keys.join(', ')}, ${fence}, ${stored}, UTC_TIMESTAMP(6)`,
        `writing ${name}`,
      );
      // Only the newest state is ever read; those of large file lists would pile up.
      await session.run(`UPDATE ${name} SET state = NULL WHERE ${mine} AND run_id <> ${keys[4]} AND state IS NOT NULL`, `writing ${name}`);
    },
  };
}

/** Rights that come from roles are not listed: with a role the attempt decides. */
async function mayCreate(session: MysqlSession, database: string): Promise<boolean> {
  const grantee = `CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')`;
  const mine = `grantee = ${grantee} AND privilege_type = 'CREATE'`;
  const [row] = await session.texts(
    `SELECT COALESCE(CURRENT_ROLE(), 'NONE') <> 'NONE' OR EXISTS (SELECT 1 FROM information_schema.user_privileges WHERE ${mine}) ` +
      `OR EXISTS (SELECT 1 FROM information_schema.schema_privileges WHERE ${mine} AND ${mysqlDialect.quoteLiteral(database)} LIKE table_schema)`,
    'looking at the rights of this user',
  );
  return row?.[0] === '1';
}

/** Names this long are rare; they are told apart by a hash at their end. */
export function keyText(value: string, length: number): string {
  const fits = [...value].length <= length && !value.endsWith(' ');
  if (fits) return value;
  const hash = createHash('sha256').update(value).digest('hex');
  return `${[...value].slice(0, length - hash.length - 1).join('')}~${hash}`;
}

function keyLiteral(value: string, column: number): string {
  return mysqlDialect.quoteLiteral(keyText(value, KEY_LENGTHS[column] ?? 64));
}
