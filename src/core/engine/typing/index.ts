/** Text to values, values to other types, values to text: SQL in, SQL out. The rules are in docs/reference/types.md. */
export { castProblem, castSql } from './cast.js';
export { conversionSql, describeFailure, earlyCast, formatProblem, type TextColumn } from './convert.js';
export { resolveFilterColumn, type ResolvedColumn } from './filter-columns.js';
export { outputFormatProblem } from './render.js';
export { createSqlCheck } from './sql-check.js';
