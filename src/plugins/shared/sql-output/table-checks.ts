import { instantLiteral, type CheckDialect, type CommitContext } from '../../../core/spi/index.js';
import type { SqlDialect } from '../sql/dialect.js';

/** Asks the checks of the table inside the load's transaction. `ask` gives the rows of a SELECT and the names of its columns. */
export async function askTableChecks(
  { tableChecks }: CommitContext,
  relation: string,
  dialect: CheckDialect,
  ask: (sql: string, doing: string) => Promise<{ readonly names: readonly string[]; readonly rows: readonly (readonly (string | null)[])[] }>,
): Promise<void> {
  for (const check of tableChecks.checks) {
    const { names, rows } = await ask(check.sql(relation, dialect), `asking the check ${check.name}`);
    tableChecks.judge(
      check,
      rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null]))),
    );
  }
}

/** Checks in the words of a database; its sessions run in UTC. */
export function checkDialect(dialect: SqlDialect): CheckDialect {
  return {
    quoteIdentifier: (name) => dialect.quoteIdentifier(name),
    quoteLiteral: (text) => dialect.quoteLiteral(text),
    timeLiteral: (instant, type) => instantLiteral(instant, type, (text) => dialect.quoteLiteral(text)),
  };
}
