import { isUtf8 } from 'node:buffer';
import type { ConfigPlace, ParserFile, Reading, SourceColumn, TaskContext } from '../../core/spi/index.js';
import { configProblem } from './config-problem.js';
import { splitLines, type NewlineRule, type TextLine } from './split-lines.js';
import { openSpooledRecords, type RecordOutcome, type SourceRecord } from './spooled-records.js';
import { readCharset, TEXT_DEFAULT_PROPERTIES, type TextDefaults } from './text-columns.js';
import { isWide } from './text-format/charset.js';
import { transcode } from './transcode.js';

/** Options of every parser that reads one record a line. */
export interface LineConfig extends TextDefaults {
  readonly charset?: string;
  readonly skip_header_lines?: number;
  readonly line_delimiter_recognized?: 'CRLF' | 'LF' | 'CR' | null;
}

/** Schema of {@link LineConfig}. */
export const LINE_PROPERTIES = {
  skip_header_lines: { type: 'integer', minimum: 0, default: 0, description: 'Physical lines to skip at the start of each file.' },
  charset: {
    type: 'string',
    default: 'utf-8',
    description: 'Encoding of the text, any WHATWG label: utf-8, utf-16le, shift_jis, euc-jp, windows-1252 … Malformed bytes reject their record.',
  },
  line_delimiter_recognized: {
    enum: ['CRLF', 'LF', 'CR', null],
    default: null,
    description: 'The only newline that ends a line. null: any of CRLF, LF and CR. Empty lines are passed over and not counted.',
  },
  ...TEXT_DEFAULT_PROPERTIES,
} as const;

/** What a parser makes of one line. */
export interface LineFormat {
  readonly columns: readonly SourceColumn[];
  /** Exactly one of both: of the text, or of the bytes in the source's own charset. */
  readonly parseText?: (line: string) => RecordOutcome;
  readonly parseBytes?: (line: Buffer) => RecordOutcome;
}

/** Checks the options of a line parser; `asBytes`: lines are cut before they are decoded. */
export function checkLineConfig(config: LineConfig, place: ConfigPlace, asBytes = false): void {
  const charset = readCharset(config.charset, place);
  if (!asBytes || !isWide(charset)) return;
  throw configProblem(place, 'unit', {
    code: 'FIXED_WIDTH_UNIT',
    message: `lines of ${charset} cannot be cut by bytes`,
    hint: 'use unit: chars',
  });
}

/** One task's files, read line by line. Lines that are not valid in the charset, or longer than 2 MB, are rejects. */
export function openLines(files: readonly ParserFile[], format: LineFormat, config: LineConfig, ctx: TaskContext): Promise<Reading> {
  const charset = readCharset(config.charset);
  const converted = charset !== 'utf-8' && format.parseBytes === undefined;
  const newlines: NewlineRule = config.line_delimiter_recognized ?? 'any';
  const read = async function* (bytes: AsyncIterable<Uint8Array>, file: ParserFile): AsyncGenerator<readonly SourceRecord[]> {
    // A file that is continued has its header behind it.
    const skipLines = (file.offset ?? 0) > 0 ? 0 : (config.skip_header_lines ?? 0);
    for await (const lines of splitLines(converted ? transcode(bytes, charset) : bytes, { newlines, skipLines })) {
      const clean = format.parseBytes === undefined && isCleanBatch(lines);
      yield lines.map((line): SourceRecord => new LineRecord(line, judge(line, format, clean), !converted, format.parseBytes ? charset : 'utf-8'));
    }
  };
  return openSpooledRecords(files, format.columns, read, ctx);
}

/** A class, since millions of them are made and few are asked for their text. */
class LineRecord implements SourceRecord {
  readonly outcome: RecordOutcome;
  private readonly line: TextLine;
  private readonly placed: boolean;
  private readonly charset: string;

  constructor(line: TextLine, outcome: RecordOutcome, placed: boolean, charset: string) {
    this.line = line;
    this.outcome = outcome;
    this.placed = placed;
    this.charset = charset;
  }

  get offset(): number | null {
    return this.placed ? this.line.offset : null;
  }

  raw(): string | null {
    const { tooLong, buffer, start, end } = this.line;
    return tooLong ? null : new TextDecoder(this.charset, { ignoreBOM: true }).decode(buffer.subarray(start, end));
  }
}

/** All lines of a batch are well-formed: one look at the bytes from the first to the last is much cheaper than one at each. */
function isCleanBatch(lines: readonly TextLine[]): boolean {
  const within = lines.filter((line) => !line.tooLong);
  const [first] = within;
  const last = within.at(-1);
  return first === undefined || last === undefined || (first.buffer === last.buffer && isUtf8(first.buffer.subarray(first.start, last.end)));
}

function judge(line: TextLine, format: LineFormat, clean: boolean): RecordOutcome {
  const { tooLong, buffer, start, end } = line;
  if (tooLong) return { column: null, reason: 'the record is longer than 2 MB' };
  if (format.parseBytes) return format.parseBytes(buffer.subarray(start, end));
  if (!clean && !isUtf8(buffer.subarray(start, end))) return { column: null, reason: MALFORMED };
  return (format.parseText as NonNullable<LineFormat['parseText']>)(buffer.toString('utf8', start, end));
}

export const MALFORMED = 'malformed bytes: not valid in the given charset';

export const NULL_STRING_PROPERTY = {
  type: 'string',
  description: 'Text that means NULL. Default: an empty text is NULL.',
} as const;

/** A value, or null where it stands for NULL. */
export function textOrNull(text: string | undefined, nullString: string | undefined): string | null {
  return text === undefined || text === (nullString ?? '') ? null : text;
}
