import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { locateRejects } from '../../../src/core/engine/locate-rejects.js';
import { buildSelect, countStatuses, STATUS } from '../../../src/core/engine/select.js';
import { relateRejects } from '../../../src/core/engine/suspect-rejects.js';
import type { JsonObject, ParserFile, ParserMemory, RejectRecord, SourceColumn } from '../../../src/core/spi/index.js';
import csv from '../../../src/plugins/parser-csv/index.js';
import { openCsv } from '../../../src/plugins/parser-csv/open-csv.js';
import type { CsvConfig } from '../../../src/plugins/parser-csv/schema.js';
import { openLab, type CsvLab } from './harness.js';

let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

interface Found {
  /** Undefined where there is no such way for these files. */
  readonly related: RejectRecord[] | undefined;
  readonly scanned: RejectRecord[];
}

/** The rejects of a load of these files, found in both ways. */
async function findRejects(config: JsonObject, files: readonly ParserFile[], memory?: ParserMemory): Promise<Found> {
  const typed = config as unknown as CsvConfig;
  const { ctx } = lab;
  const place = { at: (path: string) => ({ path }) };
  const plan = await csv.plan(typed, files, { ...ctx, place, memory, sql: ctx.sql });
  const reading = await openCsv(files, plan, typed, ctx);
  try {
    const { select, reasons } = buildSelect(reading.relation, []);
    const counts = await ctx.sql.rows(`SELECT ${STATUS} AS status, count(*) AS n FROM (SELECT *, ${STATUS} FROM (${select})) GROUP BY 1`);
    const total = counts.reduce((sum, row) => sum + Number(row['n']), 0);
    const statuses = Object.fromEntries(
      counts.filter((row) => row['status'] !== 0).map((row) => [String(row['status'] as number), Number(row['n'])]),
    );
    const verdict = await reading.check(total);
    if (!verdict.keep) {
      await verdict.instead.close();
      return { related: undefined, scanned: [] };
    }
    const { codes } = countStatuses(statuses, reasons);
    const work = { source: 'files', filters: [], firstFilter: 0, keepRaw: true, constants: [], runId: 'r', startedAt: 0 };
    const related = codes.size === 0 ? undefined : await relateRejects(reading, work, codes, ctx);
    const scanned: RejectRecord[] = [];
    const options = { from: reading.relation.from, codes: new Set(codes.keys()), sorted: true };
    if (codes.size > 0) for await (const batch of locateRejects(reading, reading.relation, work, options, ctx)) scanned.push(...batch);
    return { related: related && ((await allOf(related.select)) as unknown as RejectRecord[]), scanned };
  } finally {
    await reading.close();
  }
}

async function allOf(select: string): Promise<object[]> {
  const rows = await lab.ctx.sql.rows(select);
  return rows.map((row) => ({
    source: row['source'],
    recordNumber: Number(row['record_number']),
    byteOffset: row['byte_offset'] === null ? null : Number(row['byte_offset']),
    columnName: row['column_name'],
    reason: row['reason'],
    raw: row['raw'],
  }));
}

const columns: readonly Pick<SourceColumn, 'name' | 'type'>[] = [
  { name: 'n', type: 'long' },
  { name: 's', type: 'string' },
  { name: 'd', type: 'double' },
  { name: 'm', type: 'decimal(6,2)' },
];
const number = fc.constantFrom(
  '1',
  '-7',
  '+5',
  '007',
  '"12"',
  '1.5',
  '1.',
  '.5',
  '1e3',
  '0x10',
  '1_000',
  ' 5',
  '5 ',
  '"5 "',
  'x',
  '""',
  '',
  '-',
  '9223372036854775807',
  '9223372036854775808',
  '99999.99',
  '1234.567',
  '1234.500',
  'NaN',
  'NA',
  '"NA"',
  '12a"b',
  ' "3"',
  '"1,5"',
  'é',
);
const text = fc.constantFrom('x', '', '"a, b"', '"q""r"', ' "a,1"', 'in "the, middle', '5', 'é', 'long '.repeat(30));

test('rejects of suspected rows are those of a second scan', async () => {
  let compared = 0;
  const line = fc.tuple(number, text, number, number).map((values) => values.join(','));
  const file = fc.record({ lines: fc.array(line, { maxLength: 30 }), mark: fc.boolean(), ended: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.boolean(),
      fc.constantFrom(undefined, 'NA', '12', ''),
      async (parts, newline, header, nullString) => {
        const files = await Promise.all(
          parts.map(({ lines, mark, ended }, i) => {
            const records = [...(header ? ['n,s,d,m'] : []), ...lines];
            return lab.file(`${mark ? '\ufeff' : ''}${records.join(newline)}${ended && records.length > 0 ? newline : ''}`, `suspects-${i}'s.csv`);
          }),
        );
        const config = {
          columns: columns as unknown as JsonObject[],
          ...(header ? { skip_header_lines: 1, match_columns: 'position' } : {}),
          ...(nullString === undefined ? {} : { null_string: nullString }),
        };
        const { related, scanned } = await findRejects(config, files);
        if (!related) return;
        compared++;
        assert.equal(related, scanned);
      },
    ),
    { numRuns: 100 },
  );
  assert.ok(compared > 10, `compared ${compared}`);
});

test('many suspected rows, in files larger than what is read at once, leave nothing behind', async () => {
  const rows = Array.from(
    { length: 60_000 },
    (_, i) => `${i % 10 === 3 ? `bad${i}` : i},"${'x'.repeat(i % 300)}, ""y""",${i % 1000 === 7 ? 'worse' : '1.5'},2`,
  );
  const file = await lab.file(`n,s,d,m\n${rows.join('\n')}`, 'large.csv');
  const { related, scanned } = await findRejects({ columns: columns as unknown as JsonObject[], skip_header_lines: 1 }, [file]);
  assert.is(scanned.length, 6060);
  assert.equal(related, scanned);
  assert.equal(
    (await readdir(lab.dir)).filter((name) => name.startsWith('suspects-') && !name.endsWith("'s.csv")),
    [],
  );
});

test('fields in another order, and a delimiter of its own', async () => {
  const file = await lab.file('s;d;n;m\nb;2;1;3\na;2;x;3\n', 'other-order.csv');
  const config = { columns: columns as unknown as JsonObject[], skip_header_lines: 1, delimiter: ';' };
  const { related } = await findRejects(config, [file], { header: ['n', 's', 'd', 'm'] });
  assert.equal(
    related?.map((r) => [r.recordNumber, r.byteOffset, r.columnName, r.raw]),
    [[2, 16, 'n', 'a;2;x;3']],
  );
});

test('no suspects where lines are no records, where types are others, and where the quote may be of a number', async () => {
  const numbers = { columns: columns as unknown as JsonObject[] };
  const within = await lab.file('x,"a\nb",1,1\n', 'within.csv');
  assert.is((await findRejects(numbers, [within])).related, undefined);
  const short = await lab.file('x,a,1,1\n1\n', 'short.csv');
  assert.is((await findRejects(numbers, [short])).related, undefined);
  const date = await lab.file('x\n', 'date.csv');
  assert.is((await findRejects({ columns: [{ name: 'a', type: 'date' }] }, [date])).related, undefined);
  const plain = await lab.file('x,a,1,1\n', 'plain.csv');
  assert.is((await findRejects({ ...numbers, quote: '1' }, [plain])).related, undefined);
  assert.is((await findRejects({ ...numbers, quote: null }, [plain])).related, undefined);
});

test.run();
