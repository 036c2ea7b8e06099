import { defineGuess, type GuessColumn, type GuessNote, type GuessResult, type JsonObject, type JsonValue } from '../../core/spi/index.js';
import { guessSchema } from '../shared/guess-decoder.js';
import { makeColumnNames } from '../shared/guess-names.js';
import { guessCharset } from './charset.js';
import { commonWidth, guessDialect, type CsvParse, type Dialect, type GuessedDialect } from './dialect.js';
import { guessHeader, lightType, type HeaderGuess } from './header.js';
import { guessComment, guessNewline, guessNullString, splitLines } from './lines.js';
import { explainBinary } from './not-text.js';
import { askSniffer } from './second-opinion.js';

const MAX_LINES = 20_000;

export default defineGuess({
  kind: 'guess',
  type: 'csv',
  summary: 'Finds charset, newline, delimiter, quote, header and columns of delimited text.',
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 60,
  async guess(config, sample, ctx) {
    const given = (config['parser'] ?? {}) as JsonObject;
    if ((given['type'] !== undefined && given['type'] !== 'csv') || given['columns'] !== undefined) return undefined;
    if (sample.bytes.length === 0) return undefined;
    const notes: GuessNote[] = [];
    const warnings: string[] = [];
    const note = (key: string, text: string): void => void notes.push({ path: `parser.${key}`, text });

    const charset = givenCharset(given) ?? guessCharset(sample.bytes, sample.complete);
    note('charset', charset.reason);
    const text = charset.text === '' ? new TextDecoder(charset.name).decode(sample.bytes) : charset.text;
    const binary = explainBinary(sample.bytes, text);
    if (binary !== undefined) return { in: {}, notes, warnings: [binary] };
    const newline = guessNewline(text);
    const lines = splitLines(text, newline, sample.complete).slice(0, MAX_LINES);
    // The parser recognises newlines by itself; its option `newline` would rewrite those within values.
    const structure = { charset: charset.name };
    if (lines.length === 0) return { in: { parser: structure }, notes, warnings };

    const csv = await import('csv-parse/sync');
    const wanted = givenDialect(given);
    const comment = given['comment_line_marker'] === undefined ? findComments(lines, csv, wanted) : undefined;
    const marker = typeof given['comment_line_marker'] === 'string' ? given['comment_line_marker'] : comment?.marker;
    if (comment) {
      note('comment_line_marker', `${comment.count} lines start with it`);
      const left = comment.count === 1 ? '1 line that starts' : `${comment.count} lines that start`;
      warnings.push(`${left} with ${comment.marker} would be left out as comments; comment_line_marker: null takes them for data`);
    }
    const dataLines = marker === undefined ? lines : lines.filter((line) => !line.startsWith(marker));
    const dialect = guessDialect(dataLines, csv, wanted);
    if (!dialect) {
      warnings.push('no delimiter and quote were found that read the sample; give parser.type, delimiter and quote');
      return { in: { parser: structure }, notes, warnings };
    }
    for (const key of ['delimiter', 'quote', 'escape'] as const) note(key, dialect.reasons[key]);
    if (dialect.quote === null)
      warnings.push('quotes stand within fields but do not pair up: quoting is off, check the first rows with `sluice preview`');

    const trim = wantsTrim(dialect.records);
    const records = trim ? dialect.records.map((r) => r.map((f) => f.trim())) : dialect.records;
    const header = guessHeader(records);
    const skip = typeof given['skip_header_lines'] === 'number' ? given['skip_header_lines'] : undefined;
    const layout = readLayout(records, header, skip);
    const lineOfHeader = skip ?? physicalLines(lines, dataLines, layout.preamble, header.header);
    note(
      'skip_header_lines',
      skip !== undefined
        ? 'as given'
        : header.header && layout.preamble > 0
          ? `${header.reason}; ${layout.preamble} lines stand before it`
          : header.reason,
    );
    const nulls = given['null_string'] === undefined ? guessNullString(layout.rows) : undefined;
    if (nulls) note('null_string', `${nulls.count} fields are this word`);
    const nullWord = nulls?.word ?? (typeof given['null_string'] === 'string' ? given['null_string'] : undefined);
    if (trim) note('trim_if_not_quoted', 'values have spaces around them');
    if (layout.short > 0)
      warnings.push(
        `${layout.short} of ${layout.rows.length + layout.short} sampled records have fewer or more than ${layout.width} fields and would be rejected`,
      );
    if (records.length === 1 && skip === undefined)
      warnings.push('the only line was taken for a record; if it is a header, set parser.skip_header_lines: 1 and name the types of the columns');
    const opinion = await askSniffer(dataLines, ctx);
    if (opinion) warnings.push(...compareOpinions(opinion, dialect, layout));

    const parser: { [key: string]: JsonValue } = {
      ...structure,
      type: 'csv',
      delimiter: dialect.delimiter,
      quote: dialect.quote,
      escape: dialect.escape,
      ...(nulls ? { null_string: nulls.word } : {}),
      trim_if_not_quoted: trim,
      skip_header_lines: lineOfHeader,
      ...(comment ? { comment_line_marker: comment.marker } : {}),
      allow_extra_columns: false,
      allow_optional_columns: false,
    };
    return { in: { parser }, columns: readColumns(layout, nullWord), notes, warnings } satisfies GuessResult;
  },
});

/** Lines that start with a marker and have the fields of the others are data: hash tags, or a header such as `#id,name`. */
function findComments(lines: readonly string[], csv: CsvParse, wanted: Partial<Dialect>): ReturnType<typeof guessComment> {
  const comment = guessComment(lines);
  if (comment === undefined) return undefined;
  const isMarked = (line: string): boolean => line.startsWith(comment.marker);
  const dialect = guessDialect(
    lines.filter((line) => !isMarked(line)),
    csv,
    wanted,
  );
  const { width } = commonWidth(dialect?.records ?? []);
  const { delimiter, quote, escape } = dialect ?? { delimiter: ',', quote: null, escape: null };
  const close = lines.filter((line) => isMarked(line) && /^\S/.test(line.slice(comment.marker.length)));
  const marked = close.length === 0 ? undefined : guessDialect(close, csv, { delimiter, quote, escape });
  const alike = marked?.records.filter((record) => record.length === width).length ?? 0;
  return width > 1 && alike * 2 > comment.count ? undefined : comment;
}

function givenCharset(given: JsonObject): { name: string; text: string; reason: string } | undefined {
  return typeof given['charset'] === 'string' ? { name: given['charset'], text: '', reason: 'as given' } : undefined;
}

function givenDialect(given: JsonObject): Partial<Dialect> {
  return {
    ...(typeof given['delimiter'] === 'string' ? { delimiter: given['delimiter'] } : {}),
    ...(given['quote'] === undefined ? {} : { quote: given['quote'] as string | null }),
    ...(given['escape'] === undefined ? {} : { escape: given['escape'] as string | null }),
  };
}

export interface Layout {
  readonly preamble: number;
  readonly names: readonly string[] | undefined;
  readonly width: number;
  /** Records of data with the common width. */
  readonly rows: readonly (readonly string[])[];
  readonly short: number;
}

function readLayout(records: readonly (readonly string[])[], guess: HeaderGuess, skip: number | undefined): Layout {
  const preamble = skip === undefined ? guess.preamble : Math.max(0, skip - 1);
  const hasHeader = skip === undefined ? guess.header : skip > 0;
  const body = records.slice(preamble + (hasHeader ? 1 : 0));
  const names = hasHeader ? records[preamble] : undefined;
  const width = body.length === 0 ? (names?.length ?? 0) : commonWidth(body).width;
  const rows = body.filter((row) => row.length === width);
  return { preamble, names, width, rows, short: body.length - rows.length };
}

/** Lines of the file that stand before the data, comment lines and empty ones among them counted. */
function physicalLines(lines: readonly string[], dataLines: readonly string[], preamble: number, header: boolean): number {
  let wanted = preamble + (header ? 1 : 0);
  if (wanted === 0) return 0;
  const filled = dataLines.filter((line) => line !== '');
  for (const [index, line] of lines.entries()) {
    if (line === filled[preamble + (header ? 1 : 0) - wanted] && --wanted === 0) return index + 1;
  }
  return preamble + (header ? 1 : 0);
}

function wantsTrim(records: readonly (readonly string[])[]): boolean {
  const before = records.slice(0, 200).map((r) => r.map(lightType).join());
  const after = records.slice(0, 200).map((r) => r.map((f) => lightType(f.trim())).join());
  return before.some((types, i) => types !== after[i]);
}

function readColumns(layout: Layout, nullWord: string | undefined): GuessColumn[] {
  const names = makeColumnNames(Array.from({ length: layout.width }, (_, i) => layout.names?.[i] ?? ''));
  return names.map((name, i) => ({
    name,
    kind: 'text',
    values: layout.rows.map((row) => {
      const value = row[i] ?? '';
      return value === '' || value === nullWord ? null : value;
    }),
  }));
}

function compareOpinions(opinion: { delimiter: string; header: boolean; columns: number }, dialect: GuessedDialect, layout: Layout): string[] {
  const found: string[] = [];
  if (opinion.delimiter !== dialect.delimiter && layout.width > 1)
    found.push(`DuckDB's sniffer takes ${JSON.stringify(opinion.delimiter)} for the delimiter, not ${JSON.stringify(dialect.delimiter)}`);
  else if (opinion.columns !== layout.width) found.push(`DuckDB's sniffer sees ${opinion.columns} columns, not ${layout.width}`);
  else if (opinion.header !== (layout.names !== undefined))
    found.push(`DuckDB's sniffer sees ${opinion.header ? 'a' : 'no'} header line; check parser.skip_header_lines`);
  return found;
}
