import { networkErrorKind, sqlError, type SqlErrorContext, type SqlErrorKind } from '../sql/errors.js';

/** By SQLSTATE, or its class of two characters (PostgreSQL manual, appendix A). */
const BY_STATE: Readonly<Record<string, SqlErrorKind>> = {
  '08': 'unreachable',
  '0A': 'statement',
  '21': 'statement',
  '22': 'value',
  '23': 'value',
  '25006': 'denied',
  '25P03': 'unreachable',
  '28': 'login',
  '2B': 'statement',
  '3D000': 'database',
  '3F': 'statement',
  '40': 'busy',
  '42': 'statement',
  '42501': 'denied',
  '44': 'value',
  '53': 'unreachable',
  '53100': 'full',
  '53300': 'busy',
  '54': 'statement',
  '55P03': 'busy',
  '57014': 'timeout',
  '57P01': 'unreachable',
  '57P02': 'unreachable',
  '57P03': 'unreachable',
  '57P04': 'database',
  '57P05': 'unreachable',
  '58': 'unreachable',
  '72': 'busy',
};

const STATE = /^[0-9A-Z]{5}$/;

export function classifyPostgresqlError(error: unknown): SqlErrorKind | undefined {
  const { code, schema } = (error ?? {}) as { code?: unknown; schema?: unknown };
  if (typeof code !== 'string') return undefined;
  // Two sessions made the same object at once: IF NOT EXISTS does not see what the other has not committed, and the catalog's own index refuses the second.
  if (code === '23505' && schema === 'pg_catalog') return 'busy';
  if (STATE.test(code) && !/^E[A-Z]{4}$/.test(code)) return BY_STATE[code] ?? BY_STATE[code.slice(0, 2)] ?? 'failed';
  return networkErrorKind(code);
}

/** An error of the driver as ours; anything unknown is returned as it is. */
export function postgresqlError(error: unknown, context: Omit<SqlErrorContext, 'product'>): unknown {
  return sqlError(error, classifyPostgresqlError, { product: 'PostgreSQL', ...context });
}
