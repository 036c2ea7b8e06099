import { createHash } from 'node:crypto';
import { DataError, type PluginContext } from '../../core/spi/index.js';
import { exchange, type HttpRequest, type HttpResponse } from '../shared/http/exchange.js';
import type { HttpClient } from '../shared/http/open-http.js';
import { elementsOf, followPointer, kindOf, parsePointer, scanValue, skipSpace, stringOf, textOf, type JsonSlice } from '../shared/json-scanner.js';

export interface Pagination {
  readonly type: 'page' | 'offset' | 'cursor' | 'next' | 'link';
  readonly param?: string;
  readonly start?: number;
  readonly size_param?: string;
  readonly size?: number;
  readonly records: string;
  readonly cursor: string;
  readonly next: string;
  readonly end_statuses: readonly number[];
  readonly header_lines: number;
}

type Call = Pick<PluginContext, 'signal' | 'clock' | 'log'>;

interface Page {
  readonly url: URL;
  readonly bytes: Buffer;
  readonly link: string | undefined;
  /** The server said that there is none. */
  readonly beyond: boolean;
}

const LF = 10;

/** The pages of one answer, each whole in memory, without repeated headers and ended by a newline. */
export async function* readPages(
  client: HttpClient,
  first: HttpRequest,
  pagination: Pagination,
  maxPages: number,
  ctx: Call,
): AsyncGenerator<Uint8Array> {
  const accept = new Set(pagination.end_statuses);
  const seen = new Set<string>();
  let url = withPosition(first.url, pagination, pagination.start ?? (pagination.type === 'page' ? 1 : 0));
  let position = pagination.start ?? (pagination.type === 'page' ? 1 : 0);
  for (let number = 1; ; number++) {
    if (number > maxPages) throw pageError('HTTP_TOO_MANY_PAGES', client, url, `there are more than ${maxPages} pages`, 'set max_pages higher');
    const request = { ...first, url, accept };
    const page = await exchange(client, request, ctx, (response) => readPage(response));
    if (page.beyond) return;
    const where = client.redact(url.href);
    const counted = pagination.type === 'page' || pagination.type === 'offset';
    const records = counted ? countRecords(page.bytes, pagination, where) : undefined;
    if (records === 0) return;
    const body = number === 1 ? page.bytes : page.bytes.subarray(endOfLines(page.bytes, pagination.header_lines));
    // A server that does not know the parameter gives the same page for ever.
    const key = counted ? createHash('sha256').update(page.bytes).digest('hex') : page.url.href;
    if (seen.has(key))
      throw pageError(
        'HTTP_PAGE_REPEATED',
        client,
        url,
        'the server gave the same page again',
        'check pagination.param: the server seems not to know it',
      );
    seen.add(key);
    yield body;
    if (body.length > 0 && body.at(-1) !== LF) yield Uint8Array.of(LF);
    if (counted) {
      position += pagination.type === 'page' ? 1 : (records ?? 0);
      url = withPosition(first.url, pagination, position);
      continue;
    }
    const next = nextAddress(page, first.url, pagination, where);
    if (next === undefined) return;
    if (seen.has(next.href))
      throw pageError(
        'HTTP_CURSOR_REPEATED',
        client,
        url,
        'the server gave the same cursor again',
        'the reading would never end; ask the maker of the service',
      );
    url = next;
  }
}

async function readPage(response: HttpResponse): Promise<Page> {
  const chunks: Buffer[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const { link } = response.headers;
  return {
    url: response.url,
    bytes: Buffer.concat(chunks),
    link: typeof link === 'string' ? link : undefined,
    beyond: response.status >= 400,
  };
}

function withPosition(base: URL, pagination: Pagination, position: number): URL {
  const url = new URL(base);
  if (pagination.type === 'page' || pagination.type === 'offset') url.searchParams.set(pagination.param ?? pagination.type, String(position));
  if (pagination.size_param !== undefined && pagination.size !== undefined) url.searchParams.set(pagination.size_param, String(pagination.size));
  return url;
}

function nextAddress(page: Page, base: URL, pagination: Pagination, where: string): URL | undefined {
  if (pagination.type === 'link') {
    const target = readNextLink(page.link);
    return target === undefined ? undefined : new URL(target, page.url);
  }
  const text = readText(page.bytes, pagination.type === 'next' ? pagination.next : pagination.cursor, where);
  if (text === undefined) return undefined;
  if (pagination.type === 'next') return new URL(text, page.url);
  const url = withPosition(base, pagination, 0);
  url.searchParams.set(pagination.param ?? 'cursor', text);
  return url;
}

/** The target of `rel="next"` in a Link header (RFC 8288). */
function readNextLink(header: string | undefined): string | undefined {
  for (const [, target, attributes = ''] of (header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^\s=,;]+(?:\s*=\s*(?:"[^"]*"|[^",;]*))?)*)/g)) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i.exec(attributes);
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return undefined;
}

/** A string or number of a JSON page, digit by digit as the server wrote it; undefined where there is none. */
function readText(bytes: Buffer, pointer: string, where: string): string | undefined {
  const document = scanDocument(bytes);
  if (!document) throw notJson(where);
  const value = followPointer(bytes, document, parsePointer(pointer) ?? []);
  if (!value) return undefined;
  const kind = kindOf(bytes, value.start);
  const text = kind === 'string' ? stringOf(bytes, value) : kind === 'number' ? textOf(bytes, value) : '';
  if (kind === 'object' || kind === 'array') {
    throw new DataError({
      code: 'HTTP_CURSOR',
      message: `${where}: expected a text or number at ${pointer}, found an ${kind}`,
      hint: 'point pagination.cursor (or next) at the value itself',
    });
  }
  return text === '' ? undefined : text;
}

/** Records of a page: elements of a JSON array, else lines. */
function countRecords(bytes: Buffer, pagination: Pagination, where: string): number {
  const document = scanDocument(bytes);
  const value = document && followPointer(bytes, document, parsePointer(pagination.records) ?? []);
  if (value && kindOf(bytes, value.start) === 'array') {
    let count = 0;
    for (const _ of elementsOf(bytes, value)) count++;
    return count;
  }
  if (pagination.records !== '') {
    throw new DataError({
      code: 'HTTP_RECORDS',
      message: `${where}: expected an array of records at ${pagination.records}, found ${document ? 'none' : 'no JSON document'}`,
      hint: 'point pagination.records at the array',
    });
  }
  let lines = 0;
  for (let at = endOfLines(bytes, pagination.header_lines); at < bytes.length;) {
    const end = bytes.indexOf(LF, at);
    const stop = end < 0 ? bytes.length : end;
    if (skipSpace(bytes, at, stop) < stop) lines++;
    at = stop + 1;
  }
  return lines;
}

/** The only JSON value of these bytes; undefined where they are something else. */
function scanDocument(bytes: Buffer): JsonSlice | undefined {
  const start = skipSpace(bytes, 0, bytes.length);
  const first = bytes[start];
  if (first !== 0x7b && first !== 0x5b) return undefined;
  const scanned = scanValue(bytes, start, bytes.length);
  return scanned.kind === 'value' && skipSpace(bytes, scanned.end, bytes.length) === bytes.length ? { start, end: scanned.end } : undefined;
}

function endOfLines(bytes: Buffer, lines: number): number {
  let at = 0;
  for (let i = 0; i < lines && at < bytes.length; i++) {
    const end = bytes.indexOf(LF, at);
    at = end < 0 ? bytes.length : end + 1;
  }
  return at;
}

function notJson(where: string): DataError {
  return new DataError({
    code: 'HTTP_CURSOR',
    message: `${where}: expected one JSON document with the next cursor or address, found something else`,
    hint: 'pagination types cursor and next read it from JSON; use link, page or offset for other formats',
  });
}

function pageError(code: string, client: HttpClient, url: URL, message: string, hint: string): DataError {
  return new DataError({ code, message: `${client.redact(url.href)}: ${message}`, hint });
}
