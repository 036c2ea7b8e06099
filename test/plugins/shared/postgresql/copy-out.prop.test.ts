import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import type { Connection } from 'pg';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BugError } from '../../../../src/core/spi/index.js';
import { CopyOut } from '../../../../src/plugins/shared/postgresql/copy-out.js';

const rounds = process.env['SLUICE_ROUNDS'] === 'full' ? 2000 : 200;

function message(type: string, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body as string);
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

interface Played {
  readonly rows: Buffer;
  readonly chunks: readonly Buffer[];
  readonly count: number | undefined;
  /** What reached the driver's parser, and in which pieces. */
  readonly driver: readonly Buffer[];
  readonly failure: unknown;
  readonly cut: boolean;
}

/** Plays a server's answer in pieces to a CopyOut whose driver only records what it is given. */
async function play(pieces: readonly Buffer[], tag: string): Promise<Played> {
  const stream = new PassThrough({ highWaterMark: 1 << 30 });
  const driver: Buffer[] = [];
  let cut = false;
  const copy = new CopyOut('COPY t TO STDOUT', {
    signal: new AbortController().signal,
    socketTimeoutMs: 0,
    explain: (error) => Promise.resolve(error),
    onSilence: (error) => error,
    cut: () => (cut = true),
  });
  stream.on('data', (bytes: Buffer) => {
    driver.push(Buffer.from(bytes));
    if (bytes[0] === 0x43) copy.handleCommandComplete({ text: tag });
    if (bytes[0] === 0x5a) copy.handleReadyForQuery();
  });
  copy.submit({ stream, query: () => undefined } as unknown as Connection);
  for (const piece of pieces) stream.write(Buffer.from(piece));
  const chunks: Buffer[] = [];
  let failure: unknown;
  try {
    for await (const { bytes } of copy.chunks()) chunks.push(Buffer.from(bytes));
  } catch (error) {
    failure = error;
  }
  return { rows: Buffer.concat(chunks), chunks, count: copy.rows, driver, failure, cut };
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((from, i) => bytes.subarray(from, sorted[i] ?? bytes.length)).filter((piece) => piece.length > 0);
}

const row = fc.string({ maxLength: 30 }).map((text) => Buffer.from(`${text.replaceAll('\n', '')}\n`));

test('wherever the network cuts, the rows come whole and the driver gets every other message', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(row, fc.boolean()), { maxLength: 30 }),
      fc.array(fc.nat({ max: 3000 }), { maxLength: 60 }),
      fc.string({ maxLength: 10 }),
      async (rows, places, after) => {
        const notice = message('N', 'SNOTICE\0\0');
        const others = [
          message('H', '\0\0\0'),
          ...rows.filter(([, noisy]) => noisy).map(() => notice),
          message('c', ''),
          message('C', `COPY ${rows.length}\0`),
          message('Z', 'T'),
        ];
        const bytes = Buffer.concat([
          others[0] as Buffer,
          ...rows.flatMap(([line, noisy]) => [...(noisy ? [notice] : []), message('d', line)]),
          ...others.slice(-3),
        ]);
        const rest = Buffer.from(after);
        const played = await play([...cutAt(bytes, places), ...(rest.length > 0 ? [rest] : [])], `COPY ${rows.length}`);
        assert.is(played.failure, undefined);
        assert.is(played.rows.toString(), rows.map(([line]) => line.toString()).join(''));
        assert.is(played.count, rows.length);
        for (const chunk of played.chunks) assert.is(chunk.at(-1), 10, 'a chunk ends with a row');
        assert.equal(
          played.driver.slice(0, others.length).map((m) => m.toString('hex')),
          others.map((m) => m.toString('hex')),
        );
        assert.is(Buffer.concat(played.driver.slice(others.length)).toString(), after, 'what follows goes to the driver');
        assert.not.ok(played.cut);
      },
    ),
    { numRuns: rounds },
  );
});

test('bytes behind the end in the same piece go to the driver', async () => {
  const bytes = Buffer.concat([message('d', 'a\n'), message('C', 'COPY 1\0'), message('Z', 'I'), Buffer.from('next')]);
  const played = await play([bytes], 'COPY 1');
  assert.is(played.driver.at(-1)?.toString(), 'next');
});

test('another number of rows than the server counted is an error', async () => {
  const played = await play([Buffer.concat([message('d', 'a\n'), message('C', 'COPY 2\0'), message('Z', 'I')])], 'COPY 2');
  assert.instance(played.failure, BugError);
  assert.is((played.failure as BugError).code, 'COPY_COUNT');
});

test.run();
