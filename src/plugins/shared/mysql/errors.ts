import { networkErrorKind, sqlError, type SqlErrorContext, type SqlErrorKind } from '../sql/errors.js';

/** By error number (MySQL's and MariaDB's error references), where it says more than the SQLSTATE. */
const BY_NUMBER: Readonly<Record<number, SqlErrorKind>> = {
  1021: 'full',
  1040: 'busy',
  1044: 'denied',
  1045: 'login',
  1049: 'database',
  1053: 'unreachable',
  1077: 'unreachable',
  1079: 'unreachable',
  1114: 'full',
  1129: 'denied',
  1130: 'login',
  1142: 'denied',
  1143: 'denied',
  1152: 'unreachable',
  1159: 'unreachable',
  1161: 'unreachable',
  1203: 'busy',
  1205: 'busy',
  1213: 'busy',
  1226: 'busy',
  1227: 'denied',
  1251: 'login',
  1290: 'denied',
  1317: 'timeout',
  1370: 'denied',
  1419: 'denied',
  1698: 'login',
  1836: 'denied',
  1927: 'unreachable',
  1969: 'timeout',
  3024: 'timeout',
  3118: 'login',
  3159: 'tls',
  4031: 'unreachable',
  4151: 'login',
};

/** By class of the SQLSTATE. */
const BY_CLASS: Readonly<Record<string, SqlErrorKind>> = {
  '08': 'unreachable',
  '21': 'statement',
  '22': 'value',
  '23': 'value',
  '28': 'login',
  '3D': 'database',
  '40': 'busy',
  '42': 'statement',
  '0A': 'statement',
};

/** Codes of the driver itself. */
const BY_CODE: Readonly<Record<string, SqlErrorKind>> = {
  HANDSHAKE_NO_SSL_SUPPORT: 'tls',
  AUTH_SWITCH_PLUGIN_ERROR: 'login',
  PROTOCOL_SEQUENCE_TIMEOUT: 'timeout',
};

interface DriverError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly sqlState?: unknown;
  readonly syscall?: unknown;
}

export function classifyMysqlError(error: unknown): SqlErrorKind | undefined {
  const { code, errno, sqlState, syscall } = (error ?? {}) as DriverError;
  if (typeof errno === 'number' && typeof sqlState === 'string') return BY_NUMBER[errno] ?? BY_CLASS[sqlState.slice(0, 2)] ?? 'failed';
  // The driver writes its own code over Node's; a broken connection still names the system call.
  if (code === 'HANDSHAKE_SSL_ERROR') return syscall === undefined ? 'tls' : 'unreachable';
  if (typeof code === 'string') return BY_CODE[code] ?? (code.startsWith('PROTOCOL_') ? 'unreachable' : networkErrorKind(code));
  return undefined;
}

/** An error of the driver as ours; anything unknown is returned as it is. */
export function mysqlError(error: unknown, context: SqlErrorContext): unknown {
  return sqlError(error, classifyMysqlError, context);
}
