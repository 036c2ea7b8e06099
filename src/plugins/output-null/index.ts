import { defineOutput, quoteIdentifier } from '../../core/spi/index.js';
import { nullOutputSchema } from './schema.js';

export default defineOutput({
  kind: 'output',
  type: 'null',
  summary: 'Reads, converts and filters everything, counts the rows and drops them.',
  stability: 'stable',
  schema: nullOutputSchema,
  examples: [{ title: 'A trial run', config: { type: 'null' } }],

  identify: () => Promise.resolve({ target: 'null:', name: 'null', ignoresState: false }),
  plan: () =>
    Promise.resolve({ target: 'null:', name: 'null', ignoresState: false, schemaChanges: [], notes: ['rows are counted and dropped'], details: {} }),
  remove: () => Promise.resolve(),

  async stage(_plan, relation, ctx) {
    const status = quoteIdentifier(relation.statusColumn);
    // Without a use of all columns, DuckDB would leave out reading and computing them.
    const columns = relation.schema.map((column) => quoteIdentifier(column.name));
    const hashes = columns.length === 0 ? '0' : `bit_xor(hash(${columns.join(', ')}))`;
    const found = await ctx.sql.rows(`SELECT ${status} AS status, count(*) AS n, ${hashes} AS used FROM (${relation.select}) GROUP BY 1`);
    const counts = new Map(found.map((row) => [Number(row['status']), Number(row['n'])]));
    const rows = counts.get(0) ?? 0;
    counts.delete(0);
    return { rows, statuses: Object.fromEntries(counts), bytes: 0, files: 0, staged: null };
  },

  async commit(_plan, reports, _rejects, ctx) {
    const facts = { rows: reports.reduce((sum, report) => sum + report.rows, 0) };
    await ctx.completeAlone(facts);
    return { details: facts };
  },
});
