/**
 * The conformance suite: what every plugin promises, as plain async functions for any test runner. Each answers the names
 * of the checks it made and throws a ConformanceError that lists what is broken. See docs/plugins.md.
 */
export { ConformanceError } from './checks.js';
export { checkDecoder, type DecoderCase } from './check-decoder.js';
export { checkEncoder, type EncoderCase } from './check-encoder.js';
export { checkFilter, type FilterCase } from './check-filter.js';
export { checkFormatter, type FormatterCase } from './check-formatter.js';
export { checkInput, type InputCase } from './check-input.js';
export { checkOutput, type FormatCase, type OutputCase } from './check-output.js';
export { checkParser, type ParserCase, type ParserOptions } from './check-parser.js';
