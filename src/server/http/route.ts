import type { Readable } from 'node:stream';
import type { ApiKeyRecord, JsonObject, JsonValue } from '../../core/spi/index.js';
import type { QueryAccess } from '../../warehouse/index.js';
import type { KeyScope } from '../keys/api-key.js';
import type { HttpDependencies } from './dependencies.js';
import type { Metrics } from './metrics.js';
import type { QuerySlots } from './query-slots.js';

/** What handlers work with. */
export interface HttpServices extends HttpDependencies {
  readonly slots: QuerySlots;
  readonly metrics: Metrics;
  /** Every operation, for the description of the API. */
  readonly routes: readonly Route[];
}

/** A request that passed all guards and its schemas. */
export interface Call {
  readonly services: HttpServices;
  /** The key that sent it; for routes without one a key that may do nothing. */
  readonly key: ApiKeyRecord;
  /** What its statements may touch. */
  readonly access: QueryAccess;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body: JsonObject;
  /** Aborted when the client goes away or the server stops. */
  readonly signal: AbortSignal;
}

export type Answer =
  | { readonly status?: number; readonly json: JsonValue | object }
  | { readonly status?: number; readonly type: string; readonly stream: Readable; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status?: number; readonly type: string; readonly text: string };

/** One operation: the server and the OpenAPI document are both made from it. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As in OpenAPI: `/api/v1/jobs/{id}`. */
  readonly path: string;
  /** `operationId`. */
  readonly name: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Null: needs no key. */
  readonly scope: KeyScope | null;
  /** Refused to keys that are limited to databases, because it tells of all of them. */
  readonly allDatabases?: boolean;
  readonly params?: RouteSchema;
  readonly query?: RouteSchema;
  readonly body?: RouteSchema;
  readonly answer: {
    readonly status: number;
    readonly description: string;
    /** Of a JSON answer. */
    readonly schema?: JsonSchema;
    /** Media types of other answers. */
    readonly types?: readonly string[];
  };
  /** Statuses of refusals beside those that every route has. */
  readonly refusals?: readonly number[];
  handle(call: Call): Promise<Answer> | Answer;
}

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export interface RouteSchema {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly required?: readonly string[];
  readonly properties: { readonly [name: string]: JsonSchema };
}
