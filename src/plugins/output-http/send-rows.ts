import { appendFile, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DataError, fileSystemError, makeFolders, type CommitContext } from '../../core/spi/index.js';
import { fileChunks } from '../shared/file-chunks.js';
import { exchange } from '../shared/http/exchange.js';
import type { HttpClient } from '../shared/http/open-http.js';

export interface SendOptions {
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly body: 'array' | 'ndjson' | 'object';
  readonly wrap?: string;
  readonly batch_rows: number;
  readonly batch_bytes: number;
  readonly idempotency_header: string | null;
  readonly refused_statuses: readonly number[];
  readonly refused_path?: string;
}

export interface SendTotals {
  sent: number;
  refused: number;
}

interface Refusal {
  readonly status: number;
  readonly answer: string;
}

const EXCERPT = 500;
const LF = 10;

/**
 * Sends the rows of a file in order, in batches. How many batches are through stands beside the file, so that a process that
 * takes a broken commit up does not begin anew. `key` begins the idempotency keys.
 */
export async function sendFile(
  client: HttpClient,
  options: SendOptions,
  file: { readonly path: string; readonly key: string },
  ctx: CommitContext,
): Promise<SendTotals> {
  const progress = `${file.path}.sent`;
  const done = await readProgress(progress);
  const totals: SendTotals = { sent: 0, refused: 0 };
  let number = 0;
  let row = 0;
  for await (const rows of batchesOf(file.path, options)) {
    ctx.signal.throwIfAborted();
    const batch = { rows, key: `${file.key}-${number}`, first: row + 1 };
    row += rows.length;
    const before = done[number++];
    const batchTotals = before ?? { sent: 0, refused: 0 };
    if (before === undefined) {
      await sendBatch(client, options, batch, batchTotals, ctx);
      await append(progress, `${batchTotals.sent} ${batchTotals.refused}\n`);
    }
    totals.sent += batchTotals.sent;
    totals.refused += batchTotals.refused;
  }
  return totals;
}

interface Batch {
  readonly rows: readonly string[];
  readonly key: string;
  /** Number of its first row within the file. */
  readonly first: number;
}

async function sendBatch(client: HttpClient, options: SendOptions, batch: Batch, totals: SendTotals, ctx: CommitContext): Promise<void> {
  const refusal = await post(client, options, batch, ctx);
  if (refusal === undefined) {
    totals.sent += batch.rows.length;
    return;
  }
  if (options.refused_path === undefined) {
    const place = batch.rows.length === 1 ? `row ${batch.first}` : `rows ${batch.first} to ${batch.first + batch.rows.length - 1}`;
    throw new DataError({
      code: 'HTTP_REFUSED',
      message: `${client.redact(client.url.href)}: the receiver refused ${place} with ${refusal.status}: ${refusal.answer}`,
      hint: 'correct the rows, or set refused_path to keep refused rows and send the rest; what was sent before stays there',
    });
  }
  if (batch.rows.length === 1) {
    totals.refused++;
    const path = resolve(ctx.root, options.refused_path);
    const facts = JSON.stringify({ run_id: ctx.runId, status: refusal.status, answer: refusal.answer });
    await append(path, `${facts.slice(0, -1)},"row":${batch.rows[0] ?? 'null'}}\n`);
    return;
  }
  const middle = Math.ceil(batch.rows.length / 2);
  await sendBatch(client, options, { rows: batch.rows.slice(0, middle), key: `${batch.key}a`, first: batch.first }, totals, ctx);
  await sendBatch(client, options, { rows: batch.rows.slice(middle), key: `${batch.key}b`, first: batch.first + middle }, totals, ctx);
}

/** Undefined: taken. */
async function post(client: HttpClient, options: SendOptions, batch: Batch, ctx: CommitContext): Promise<Refusal | undefined> {
  const request = {
    method: options.method,
    url: client.url,
    headers: {
      'content-type': options.body === 'ndjson' ? 'application/x-ndjson' : 'application/json',
      ...(options.idempotency_header === null ? {} : { [options.idempotency_header.toLowerCase()]: batch.key }),
    },
    body: Buffer.from(bodyOf(batch.rows, options)),
    accept: new Set(options.refused_statuses),
    maxBytes: Number.POSITIVE_INFINITY,
  };
  return exchange(client, request, ctx, async ({ status, body }) => {
    let answer = '';
    for await (const chunk of body) if (answer.length < EXCERPT) answer += chunk.toString('utf8');
    return status < 300 ? undefined : { status, answer: client.redact(answer.replaceAll(/\s+/g, ' ').trim().slice(0, EXCERPT)) };
  });
}

function bodyOf(rows: readonly string[], options: SendOptions): string {
  if (options.body === 'ndjson') return `${rows.join('\n')}\n`;
  if (options.body === 'object') return rows[0] ?? '{}';
  const array = `[${rows.join(',')}]`;
  return options.wrap === undefined ? array : `{${JSON.stringify(options.wrap)}:${array}}`;
}

/** The same batches whenever the same file is read. */
async function* batchesOf(path: string, options: SendOptions): AsyncGenerator<readonly string[]> {
  const most = options.body === 'object' ? 1 : options.batch_rows;
  let rows: string[] = [];
  let bytes = 0;
  for await (const line of linesOf(path)) {
    if (rows.length > 0 && (rows.length >= most || bytes + line.length > options.batch_bytes)) {
      yield rows;
      rows = [];
      bytes = 0;
    }
    rows.push(line.toString('utf8'));
    bytes += line.length;
  }
  if (rows.length > 0) yield rows;
}

/** Lines end with LF alone: other separators of Unicode may stand within JSON. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of fileChunks(path)) {
    // The chunk's memory is used again for the next one.
    const bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = bytes.indexOf(LF, at); end >= 0; end = bytes.indexOf(LF, at)) {
      if (end > at) yield bytes.subarray(at, end);
      at = end + 1;
    }
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) yield rest;
}

/** What became of the batches that are through. A line that a crash cut off does not count: its batch is sent again. */
async function readProgress(path: string): Promise<readonly SendTotals[]> {
  try {
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line) => {
      const [sent = 0, refused = 0] = line.split(' ').map(Number);
      return { sent, refused };
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileSystemError(error, `reading ${path}`);
  }
}

async function append(path: string, text: string): Promise<void> {
  try {
    await makeFolders(dirname(path));
    await appendFile(path, text);
  } catch (error) {
    throw fileSystemError(error, `writing ${path}`);
  }
}
