import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inLab, type Lab } from '../../../../src/conformance/lab.js';
import { readSource } from '../../../../src/conformance/read-source.js';
import { RemoteError, type Reading, type Spool, type StageContext } from '../../../../src/core/spi/index.js';
import { openSpooledReading, type SpooledChunk, type SpooledColumn, type SpooledSource } from '../../../../src/plugins/shared/sql/spooled-reading.js';

const COLUMNS: readonly SpooledColumn[] = [
  { name: 'id', type: 'long', csvType: 'BIGINT', text: {} },
  { name: 'v', type: 'string', csvType: 'VARCHAR', text: {} },
];
/** More than a pipe and the buffers before it hold. */
const CHUNKS = 40;
const ROWS = 1000;

const chunkOf = (rows: readonly (readonly [number | string, string])[]): SpooledChunk => {
  const lines = rows.map(([id, v]) => `${id},${v}\n`);
  return { bytes: Buffer.from(lines.join('')), rows: lines.length, longest: Math.max(...lines.map((line) => Buffer.byteLength(line))) };
};
const chunk = (number: number): SpooledChunk => chunkOf(Array.from({ length: ROWS }, (_, i) => [number * ROWS + i, 'x'.repeat(100)]));
const lost = (): RemoteError => new RemoteError({ code: 'SQL_UNREACHABLE', message: 'the connection was cut', retryable: true });

/** A source that is followed from its first chunk on, and what happens to it. */
function sourceOf(read: SpooledSource['read'], columns = COLUMNS): SpooledSource {
  return { name: 'table t', columns, read, followAfter: 1 };
}

/** As in a run: nothing but the spool's own files may lie there afterwards. */
async function inSpoolLab(work: (lab: Lab, ctx: StageContext) => Promise<void>): Promise<void> {
  await inLab(async (lab) => {
    await work(lab, lab.context());
    assert.equal(await lab.leftOvers(), [], 'nothing is left');
  });
}

const isFollowing = (reading: Reading): boolean => reading.relation.from.includes('-pipe.csv');
const count = async (reading: Reading, ctx: StageContext): Promise<number> =>
  Number((await ctx.sql.rows(`SELECT count(*) AS n FROM ${reading.relation.from}`))[0]?.['n']);

async function fails(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

test('rows are read while further ones are still coming, and their count must be right', async () => {
  await inSpoolLab(async (lab, ctx) => {
    let goOn: () => void = () => undefined;
    const going = new Promise<void>((resolve) => (goOn = resolve));
    const reading = await openSpooledReading(
      sourceOf(async function* () {
        yield chunk(0);
        await going;
        for (let i = 1; i < CHUNKS; i++) yield chunk(i);
      }),
      ctx,
    );
    assert.ok(isFollowing(reading));
    const counted = count(reading, ctx);
    goOn();
    assert.is(await counted, CHUNKS * ROWS);
    const verdict = await reading.check(CHUNKS * ROWS);
    assert.ok(verdict.keep);
    assert.not.ok(isFollowing(reading), 'what comes after the first scan reads files');
    assert.is(await count(reading, ctx), CHUNKS * ROWS);
    await reading.close();
    assert.equal(await lab.leftOvers(), []);
  });
});

test('records around every limit of the reader come back whole', async () => {
  for (const bytes of [1_999_999, 2_000_001, 2_097_151, 2_097_152, 2_097_153, 5_000_000]) {
    await inSpoolLab(async (_lab, ctx) => {
      const v = 'y'.repeat(bytes - '1,\n'.length);
      const source = sourceOf(async function* () {
        yield chunkOf([
          [1, v],
          [2, 'x'],
        ]);
      });
      const reading = await openSpooledReading({ ...source, followAfter: Infinity }, ctx);
      const rows = await ctx.sql.rows(`SELECT id, strlen(v) AS n FROM ${reading.relation.from} ORDER BY id`);
      assert.equal(
        rows.map((row) => Number(row['n'])),
        [v.length, 1],
        String(bytes),
      );
      await reading.close();
    });
  }
});

test('the pipe can be read again, also after a scan that ended early', async () => {
  await inSpoolLab(async (_lab, ctx) => {
    const reading = await openSpooledReading(
      sourceOf(async function* () {
        for (let i = 0; i < CHUNKS; i++) yield chunk(i);
      }),
      ctx,
    );
    assert.ok(isFollowing(reading));
    for (let i = 0; i < 3; i++) {
      const [first] = await ctx.sql.rows(`SELECT id FROM ${reading.relation.from} LIMIT 1`);
      assert.is(first?.['id'], 0n);
      assert.is(await count(reading, ctx), CHUNKS * ROWS);
    }
    await reading.close();
  });
});

test('a reader that fails while the query runs fails the read; what the query saw does not count', async () => {
  for (const good of [1, 7, CHUNKS]) {
    await inSpoolLab(async (_lab, ctx) => {
      let fail: () => void = () => undefined;
      const failing = new Promise<void>((resolve) => (fail = resolve));
      const reading = await openSpooledReading(
        sourceOf(async function* () {
          for (let i = 0; i < good; i++) yield chunk(i);
          await failing;
          throw lost();
        }),
        ctx,
      );
      const counted = count(reading, ctx).then(
        (rows) => reading.check(rows),
        (error: unknown) => reading.check(-1, error),
      );
      fail();
      const error = await fails(counted);
      assert.instance(error, RemoteError);
      assert.is((error as RemoteError).code, 'SQL_UNREACHABLE');
      assert.ok((error as RemoteError).retryable);
      assert.ok(await reading.shouldStop?.());
      await reading.close();
    });
  }
});

test('a reader that fails before the query begins does not leave the query waiting', async () => {
  await inSpoolLab(async (_lab, ctx) => {
    let fail: () => void = () => undefined;
    const failing = new Promise<void>((resolve) => (fail = resolve));
    const reading = await openSpooledReading(
      sourceOf(async function* () {
        yield chunk(0);
        await failing;
        throw lost();
      }),
      ctx,
    );
    fail();
    while (!(await reading.shouldStop?.())) await new Promise((resolve) => setImmediate(resolve));
    const failure = await fails(count(reading, ctx));
    const error = await fails(reading.check(-1, failure));
    assert.is((error as RemoteError).code, 'SQL_UNREACHABLE');
    await reading.close();
  });
});

test('an error before the first rows is told when the source is opened', async () => {
  await inSpoolLab(async (_lab, ctx) => {
    const error = await fails(
      openSpooledReading(
        sourceOf(async function* () {
          yield { ...chunk(0), bytes: Buffer.alloc(0) };
          throw lost();
        }),
        ctx,
      ),
    );
    assert.is((error as RemoteError).code, 'SQL_UNREACHABLE');
  });
});

test('a query that fails for good stops the reader', async () => {
  await inSpoolLab(async (_lab, ctx) => {
    let signal: AbortSignal | undefined;
    let ended = false;
    const reading = await openSpooledReading(
      sourceOf(async function* (own) {
        signal = own.signal;
        try {
          yield chunk(0);
          // As a server that sends nothing more; only the signal ends it.
          await new Promise((_resolve, reject) => own.signal.addEventListener('abort', () => reject(own.signal.reason as Error), { once: true }));
        } finally {
          ended = true;
        }
      }),
      ctx,
    );
    assert.ok(isFollowing(reading));
    await reading.close();
    assert.ok(signal?.aborted);
    assert.not.ok(ctx.signal.aborted);
    assert.ok(ended, 'the source has come to its end');
  });
});

test('a stopped run ends a query that waits for rows', async () => {
  await inLab(async (lab) => {
    const stop = new AbortController();
    const ctx = lab.context({ signal: stop.signal });
    const reading = await openSpooledReading(
      sourceOf(async function* (own) {
        yield chunk(0);
        await new Promise((_resolve, reject) => own.signal.addEventListener('abort', () => reject(own.signal.reason as Error), { once: true }));
      }),
      ctx,
    );
    const counted = count(reading, ctx).then(
      (rows) => reading.check(rows),
      (error: unknown) => reading.check(-1, error),
    );
    const reason = new Error('stopped');
    stop.abort(reason);
    assert.is(await fails(counted), reason);
    await reading.close();
    assert.equal(await lab.leftOvers(), []);
  });
});

test('values that are not of their type are rejected alone, wherever they come', async () => {
  for (const at of [0, 5, CHUNKS - 1]) {
    await inSpoolLab(async (_lab, ctx) => {
      let isOver = false;
      const reading = await openSpooledReading(
        sourceOf(async function* () {
          for (let i = 0; i < CHUNKS; i++) yield i === at ? chunkOf([...rowsOf(i), ['no number', 'v']]) : chunk(i);
          isOver = true;
        }),
        ctx,
      );
      assert.ok(isFollowing(reading));
      const result = await readSource({ form: 'relation', reading }, ctx);
      assert.ok(isOver);
      assert.is(result.rows.length, CHUNKS * ROWS + 1);
      assert.equal(result.unconverted, [(at + 1) * ROWS + 1]);
    });
  }
});

function rowsOf(number: number): readonly (readonly [number, string])[] {
  return Array.from({ length: ROWS }, (_, i) => [number * ROWS + i, 'y']);
}

test('doubt that arises on the way makes the strict conversions decide', async () => {
  await inSpoolLab(async (_lab, ctx) => {
    let isDoubtful = false;
    const source = sourceOf(async function* () {
      yield chunk(0);
      isDoubtful = true;
      yield chunkOf([['1e3', 'v']]);
    });
    const reading = await openSpooledReading({ ...source, isDoubtful: () => isDoubtful }, ctx);
    assert.equal((await readSource({ form: 'relation', reading }, ctx)).unconverted, [ROWS + 1], 'DuckDB takes 1e3 for 1000');
  });
});

test('a record longer than DuckDB takes by default is read again from the files', async () => {
  await inSpoolLab(async (_lab, ctx) => {
    const long = 'z'.repeat(3 << 20);
    const reading = await openSpooledReading(
      sourceOf(async function* () {
        yield chunk(0);
        yield chunkOf([[ROWS, long]]);
        yield chunk(1);
      }),
      ctx,
    );
    const { rows, unconverted } = await readSource({ form: 'relation', reading }, ctx);
    assert.is(rows.length, 2 * ROWS + 1);
    assert.is(rows[ROWS]?.[1]?.length, long.length);
    assert.equal(unconverted, []);
  });
});

test('where there are no pipes, for previews and for limited reads, the whole spool is read', async () => {
  const source = sourceOf(async function* () {
    for (let i = 0; i < CHUNKS; i++) yield chunk(i);
  });
  await inSpoolLab(async (_lab, ctx) => {
    const plain = { ...ctx, spool: (extension: string) => spoolWithoutPipes(ctx.spool(extension)) };
    for (const [own, given] of [
      [plain, source],
      [ctx, { ...source, isSlow: true }],
    ] as const) {
      const reading = await openSpooledReading(given, own);
      assert.not.ok(isFollowing(reading));
      assert.is((await readSource({ form: 'relation', reading }, own)).rows.length, CHUNKS * ROWS);
    }
    const sample = await openSpooledReading(source, { ...ctx, sampleBytes: 1 });
    assert.not.ok(isFollowing(sample));
    assert.is(await count(sample, ctx), ROWS);
    await sample.close();
  });
});

function spoolWithoutPipes(spool: Spool): Spool {
  return {
    get bytes() {
      return spool.bytes;
    },
    write: (bytes) => spool.write(bytes),
    finish: () => spool.finish(),
    remove: () => spool.remove(),
    follow: () => Promise.resolve(undefined),
  };
}

test.run();
