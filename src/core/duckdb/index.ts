export { throughGate } from './call-gate.js';
export type { DuckConnection } from './connection.js';
export { openDatabase, type Database, type DatabaseOptions } from './database.js';
export { engineError, engineErrorKind, type EngineErrorKind } from './engine-errors.js';
