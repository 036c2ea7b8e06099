import type { ConfigSchema } from '../../core/spi/index.js';
import { HTTP_CONNECTION_PROPERTIES } from '../shared/http/schema.js';

const POINTER = { type: 'string', pattern: '^(/.*)?$', 'x-expected': 'a JSON pointer such as /meta/next' } as const;

export const httpInputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'url'],
  properties: {
    type: { const: 'http', description: 'What an HTTP server answers: CSV, JSON, or any format with a parser.' },
    ...HTTP_CONNECTION_PROPERTIES,
    method: { enum: ['GET', 'POST'], default: 'GET', description: 'Method of the requests.' },
    params: {
      type: 'object',
      default: {},
      additionalProperties: { type: ['string', 'number', 'boolean'], description: 'Value of the parameter.' },
      description: 'Parameters of the URL.',
    },
    body: { description: 'Body of `POST`, sent as JSON.' },
    pagination: {
      type: 'object',
      additionalProperties: false,
      required: ['type'],
      description: 'How the pages of one answer follow each other. Default: one request gives all.',
      properties: {
        type: {
          enum: ['page', 'offset', 'cursor', 'next', 'link'],
          description:
            '`page` counts pages, `offset` records, both up to a page without records; `cursor` sends back what the page holds at `cursor`; `next` follows the address at `next`, `link` the Link header (rel="next").',
        },
        param: { type: 'string', minLength: 1, description: 'Parameter of the number or cursor. Default: `page`, `offset` or `cursor`.' },
        start: { type: 'integer', minimum: 0, description: 'First number. Default: 1 for `page`, 0 for `offset`.' },
        size_param: { type: 'string', minLength: 1, description: 'Parameter of the page size, e.g. `per_page`.' },
        size: { type: 'integer', minimum: 1, description: 'Page size to ask for. A shorter page does not end the reading.' },
        records: { ...POINTER, default: '', description: 'Where a JSON page has its array of records, e.g. `/items`. Default: it is the array.' },
        cursor: {
          ...POINTER,
          default: '/next_cursor',
          description: 'Where a JSON page has the next cursor; absent, null or empty ends the reading.',
        },
        next: { ...POINTER, default: '/next', description: 'Where a JSON page has the next address; absent, null or empty ends the reading.' },
        end_statuses: {
          type: 'array',
          default: [],
          items: { type: 'integer', minimum: 400, maximum: 499 },
          description: 'Statuses by which the server says that there is no further page, e.g. `[404]`.',
        },
        header_lines: {
          type: 'integer',
          minimum: 0,
          default: 0,
          description: 'Lines at the start of each page that repeat a header; they are kept for the first page alone.',
        },
      },
    },
    windows: {
      type: 'object',
      additionalProperties: false,
      required: ['start', 'from_param', 'to_param'],
      description: 'Read one stretch of time after the other, each with requests of its own. With `incremental` each stretch is loaded once.',
      properties: {
        start: { type: 'string', minLength: 1, description: 'Where the first stretch begins, e.g. `2026-01-01` or `2026-01-01T00:00:00Z`.' },
        hours: { type: 'integer', minimum: 1, maximum: 8784, default: 24, description: 'Length of a stretch.' },
        from_param: { type: 'string', minLength: 1, description: 'Parameter of its beginning, which belongs to it.' },
        to_param: { type: 'string', minLength: 1, description: 'Parameter of its end, which does not belong to it.' },
        format: {
          enum: ['iso', 'date', 'unix', 'unix_ms'],
          default: 'iso',
          description: 'How times are written: `2026-01-01T00:00:00.000Z`, `2026-01-01`, seconds or milliseconds since 1970.',
        },
        lag_hours: {
          type: 'number',
          minimum: 0,
          default: 0,
          description: 'A stretch is read only when so much time has passed since its end, for records that come late.',
        },
      },
    },
    incremental: { type: 'boolean', default: false, description: 'Load each of the `windows` once; without it everything is read at each run.' },
    max_pages: { type: 'integer', minimum: 1, default: 10_000, description: 'More pages of one answer are an error.' },
    max_response_bytes: {
      type: 'integer',
      minimum: 1,
      description: 'A longer answer is an error. Default: 1 GiB, with `pagination` 64 MiB for each page, which is held in memory.',
    },
    allow_empty: { type: 'boolean', default: false, description: 'No complete window yet is no error: nothing is loaded.' },
  },
} as const satisfies ConfigSchema;
