export { parseResultUrl, PASSWORD_VARIABLE, type ResultTarget } from './parse.js';
export { findPgPassword } from './pgpass.js';
