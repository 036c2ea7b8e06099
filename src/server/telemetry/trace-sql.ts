import type { Span, Tracer } from '../../core/telemetry/index.js';
import type { QueryOptions, QueryResult, QueryStats, Warehouse } from '../../warehouse/index.js';

/** First words of statements; a text that starts otherwise is OTHER, so that nothing of it is told. */
const OPERATIONS = ['SELECT', 'WITH', 'FROM', 'VALUES', 'INSERT', 'CREATE', 'DELETE', 'DROP', 'SHOW', 'DESCRIBE', 'EXPLAIN'];

/** The warehouse, whose statements are spans with how long planning, pruning and execution took. */
export function traceSql(warehouse: Warehouse, tracer: Tracer): Warehouse {
  const { execute, query, explain, writeFile } = warehouse;
  return {
    ...warehouse,
    query: (sql, options) => statement(tracer, sql, options, async (span, began) => watch(tracer, span, began, await query(sql, options))),
    execute: (sql, options) =>
      statement(tracer, sql, options, async (span, began) => {
        const outcome = await execute(sql, options);
        if (outcome.kind === 'rows') return { kind: 'rows', result: watch(tracer, span, began, outcome.result) };
        span.set({ 'sluice.run.id': outcome.runId, 'sluice.rows.written': outcome.rows });
        span.end();
        return outcome;
      }),
    explain: (sql, options) =>
      statement(tracer, sql, options, async (span, began) => {
        const stats = await explain(sql, options);
        finish(tracer, span, began, stats, false);
        return stats;
      }),
    writeFile: (sql, target, options) =>
      statement(tracer, sql, options, async (span, began) => {
        const written = await writeFile(sql, target, options);
        span.set({ 'sluice.rows.written': written.rows, 'sluice.bytes.written': written.bytes });
        finish(tracer, span, began, written.stats, true);
        return written;
      }),
  };
}

/** `work` ends the span, or what it answers does. */
async function statement<T>(
  tracer: Tracer,
  sql: string,
  options: QueryOptions | undefined,
  work: (span: Span, began: number) => Promise<T>,
): Promise<T> {
  const operation = operationOf(sql);
  const began = performance.timeOrigin + performance.now();
  const span = tracer.start(operation, {
    startMs: began,
    attributes: { 'db.system.name': 'duckdb', 'db.operation.name': operation, 'db.namespace': options?.namespace },
  });
  try {
    return await tracer.within(span, () => work(span, began));
  } catch (error) {
    span.fail(error);
    span.end();
    throw error;
  }
}

/** The span ends when the rows have been read. */
function watch(tracer: Tracer, span: Span, began: number, result: QueryResult): QueryResult {
  let closed = false;
  return {
    columns: result.columns,
    stats: () => result.stats(),
    async *chunks() {
      try {
        yield* result.chunks();
      } catch (error) {
        span.fail(error);
        throw error;
      }
    },
    async close() {
      if (!closed) finish(tracer, span, began, result.stats(), true);
      closed = true;
      await result.close();
    },
  };
}

function finish(tracer: Tracer, span: Span, began: number, stats: QueryStats, executed: boolean): void {
  const { tables, rows, filesTotal, filesKept, bytesKept, planMs, pruneMs } = stats;
  const sum = (pick: (table: QueryStats['tables'][number]) => number): number => tables.reduce((total, table) => total + pick(table), 0);
  const names = tables.map(({ table }) => table);
  const planned = began + planMs;
  const pruned = planned + pruneMs;
  const parent = span.context;
  span.set({
    'db.collection.name': names.length === 1 ? names[0] : undefined,
    'sluice.tables': names.length > 1 ? names : undefined,
    'db.response.returned_rows': executed ? rows : undefined,
    'sluice.files.total': filesTotal,
    'sluice.files.read': filesKept,
    'sluice.rows.read': sum((table) => table.rowsKept),
    'sluice.bytes.read': bytesKept,
  });
  tracer.start('plan', { parent, startMs: began }).end(planned);
  tracer.start('prune', { parent, startMs: planned, attributes: { 'sluice.files.total': filesTotal, 'sluice.files.read': filesKept } }).end(pruned);
  if (executed) tracer.start('execute', { parent, startMs: pruned, attributes: { 'db.response.returned_rows': rows } }).end();
  span.end();
}

/** The first word behind comments. */
function operationOf(sql: string): string {
  const [word = ''] = /^[a-z]+/i.exec(sql.replace(/^(\s|--[^\n]*(\n|$)|\/\*[^]*?\*\/|\()*/, '')) ?? [];
  const known = OPERATIONS.find((name) => name === word.toUpperCase()) ?? 'OTHER';
  return known === 'WITH' || known === 'FROM' ? 'SELECT' : known;
}
