import { quoteLiteral, type FormatContext, type LinesPlan, type Schema } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';
import { isUtf8 } from './charset.js';
import { textValues, type ColumnTextConfig, type TextValue } from './column-options.js';

/** The keys of csv and tsv. */
export interface DelimitedConfig extends ColumnTextConfig {
  readonly delimiter: string;
  readonly quote: string;
  readonly quote_policy: 'MINIMAL' | 'ALL' | 'NONE';
  readonly escape?: string;
  readonly header_line: boolean;
  readonly null_string: string;
  readonly newline: Newline;
  readonly newline_in_field?: Newline | null;
  readonly charset: string;
  readonly bom: boolean;
}

type Newline = 'CRLF' | 'LF' | 'CR';

const NEWLINES = { CRLF: '\r\n', LF: '\n', CR: '\r' } as const;

export function planDelimited(config: DelimitedConfig, schema: Schema, ctx: FormatContext): LinesPlan {
  const dialect = readDialect(config, ctx);
  const fields = textValues(config, schema, ctx).flatMap((value, i) => [
    ...(i === 0 ? [] : [quoteLiteral(config.delimiter)]),
    fieldSql(value, dialect),
  ]);
  return {
    form: 'lines',
    record: `concat(${[...fields, "''"].join(', ')})`,
    header: config.header_line ? schema.map(({ name }) => headerField(name, dialect)).join(config.delimiter) : null,
    newline: NEWLINES[config.newline],
    transform: config.bom || !isUtf8(config.charset),
  };
}

interface Dialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly policy: DelimitedConfig['quote_policy'];
  readonly nullString: string;
  readonly inField: string | undefined;
}

function readDialect(config: DelimitedConfig, ctx: FormatContext): Dialect {
  const { delimiter, quote, quote_policy: policy } = config;
  const escape = config.escape ?? (policy === 'NONE' ? '\\' : quote);
  const fault = (key: string, message: string): never => {
    throw configProblem(ctx.place, key, { code: 'CONFIG_VALUE', message, hint: 'choose characters that differ from one another and are no newline' });
  };
  for (const [key, value] of Object.entries({ delimiter, quote, escape })) if (/[\r\n\0]/.test(value)) fault(key, 'expected no newline or NUL');
  if (policy !== 'NONE' && (delimiter.includes(quote) || delimiter.includes(escape)))
    fault('delimiter', `expected neither quote nor escape in it, found ${JSON.stringify(delimiter)}`);
  if (policy === 'NONE' && delimiter.includes(escape)) fault('escape', `expected no part of the delimiter, found ${JSON.stringify(escape)}`);
  if (policy !== 'NONE' && (config.null_string.includes(quote) || config.null_string.includes(delimiter) || /[\r\n]/.test(config.null_string)))
    fault('null_string', `expected a text without quote, delimiter and newline, found ${JSON.stringify(config.null_string)}`);
  const inField = config.newline_in_field;
  return {
    delimiter,
    quote,
    escape,
    policy,
    nullString: config.null_string,
    inField: inField === undefined || inField === null ? undefined : NEWLINES[inField],
  };
}

/** A field's text: NULL is the null_string, never quoted; a value that looks like it, is. */
function fieldSql({ sql, plain }: TextValue, dialect: Dialect): string {
  const nothing = quoteLiteral(dialect.nullString);
  if (dialect.policy === 'NONE') return `coalesce(${escapedSql(sql, dialect)}, ${nothing})`;
  const quoted = quotedSql(sql, dialect);
  if (dialect.policy === 'ALL') return `coalesce(${quoted}, ${nothing})`;
  if (plain && isBare(dialect)) return `coalesce(${sql}, ${nothing})`;
  const special = [...new Set([dialect.delimiter, dialect.quote, '\n', '\r'])].map((text) => `contains(${sql}, ${quoteLiteral(text)})`);
  return `CASE WHEN ${sql} IS NULL THEN ${nothing} WHEN ${sql} = ${nothing} OR ${special.join(' OR ')} THEN ${quoted} ELSE ${sql} END`;
}

/** No text of letters, digits and the marks of numbers and times can need quotes. */
function isBare({ delimiter, quote, nullString }: Dialect): boolean {
  const marks = /^[^A-Za-z0-9+\-.:=/ ]+$/;
  return marks.test(delimiter) && marks.test(quote) && (nullString === '' || /[^A-Za-z0-9+\-.:=/ ]/.test(nullString));
}

function quotedSql(sql: string, { quote, escape, inField }: Dialect): string {
  const lines = withNewlines(sql, inField === undefined ? undefined : inField);
  const escapes = escape === quote ? lines : `replace(${lines}, ${quoteLiteral(escape)}, ${quoteLiteral(escape + escape)})`;
  const body = `replace(${escapes}, ${quoteLiteral(quote)}, ${quoteLiteral(escape + quote)})`;
  return `(${quoteLiteral(quote)} || ${body} || ${quoteLiteral(quote)})`;
}

/** Without quotes, the escape stands before delimiters, newlines and itself. */
function escapedSql(sql: string, { delimiter, escape, inField }: Dialect): string {
  const own = `replace(${sql}, ${quoteLiteral(escape)}, ${quoteLiteral(escape + escape)})`;
  const delimiters = `replace(${own}, ${quoteLiteral(delimiter)}, ${quoteLiteral(escape + delimiter)})`;
  return `regexp_replace(${delimiters}, '(\\r\\n|\\r|\\n)', ${quoteLiteral(`${escape.replaceAll('\\', '\\\\')}${inField ?? '\\1'}`)}, 'g')`;
}

function withNewlines(sql: string, newline: string | undefined): string {
  return newline === undefined ? sql : `regexp_replace(${sql}, '\\r\\n|\\r|\\n', ${quoteLiteral(newline)}, 'g')`;
}

function headerField(name: string, { delimiter, quote, escape, policy, nullString }: Dialect): string {
  if (policy === 'NONE')
    return name
      .replaceAll(escape, escape + escape)
      .replaceAll(delimiter, escape + delimiter)
      .replaceAll(/[\r\n]/g, `${escape}$&`);
  const needed = policy === 'ALL' || name === nullString || [delimiter, quote, '\n', '\r'].some((text) => name.includes(text));
  if (!needed) return name;
  const escapes = escape === quote ? name : name.replaceAll(escape, escape + escape);
  return `${quote}${escapes.replaceAll(quote, escape + quote)}${quote}`;
}
