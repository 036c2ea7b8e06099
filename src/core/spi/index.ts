/**
 * The promise to plugin authors. Nothing else of Sluice is stable.
 *
 * Words: an *input* makes *tasks*; a *parser* turns a file's bytes into a *relation*; *filters* map relations; an
 * *output* stages each task's rows and commits the run. A *run* executes one *plan* of a *pipeline*; its *state* is the
 * cursor that the commit moves. A *rejected* record is kept with its place and reason; a *filtered* row was dropped by
 * a filter on purpose.
 */
export * from './check.js';
export * from './context.js';
export * from './duckdb-type.js';
export * from './errors.js';
export * from './filter.js';
export * from './formatter.js';
export * from './guess.js';
export * from './input.js';
export * from './job-store.js';
export * from './json.js';
export * from './make-folders.js';
export * from './output.js';
export * from './parser.js';
export * from './plugin.js';
export * from './points.js';
export * from './quoting.js';
export * from './reading.js';
export * from './run-store.js';
export * from './schema.js';
export * from './secret.js';
export * from './suggestion.js';
export * from './zone-offset.js';
