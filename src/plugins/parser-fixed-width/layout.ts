import type { ConfigPlace } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { MALFORMED, textOrNull, type LineFormat } from '../shared/line-reading.js';
import type { RecordOutcome } from '../shared/spooled-records.js';
import { readCharset, readTextColumns } from '../shared/text-columns.js';
import type { FixedWidthConfig } from './schema.js';

/** Positions from 0, the end not included. */
interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** A line that knows its length in the config's unit. */
interface Cuttable {
  readonly length: number;
  /** Undefined where the cut goes through a character. */
  cut(from: number, to: number): string | undefined;
}

const NOWHERE: ConfigPlace = { at: (path) => ({ path }) };

/** The config as columns and a function for one line, or an error at the column whose positions are wrong. */
export function readLayout(config: FixedWidthConfig, place: ConfigPlace = NOWHERE): LineFormat {
  const columns = readTextColumns(config.columns, config, place);
  const fields = readFields(config, place);
  if (config.unit !== 'bytes') return { columns, parseText: (line) => parseRecord(cutCharacters(line), fields, config) };
  const decoder = new TextDecoder(readCharset(config.charset, place), { fatal: true, ignoreBOM: true });
  return { columns, parseBytes: (line) => parseRecord(cutBytes(line, decoder), fields, config) };
}

function readFields(config: FixedWidthConfig, place: ConfigPlace): readonly Field[] {
  let behind = 0;
  return config.columns.map(({ name, width, start, end }, i) => {
    if ((width === undefined) === (end === undefined)) {
      throw configProblem(place, `columns[${i}]`, {
        code: 'FIXED_WIDTH_POSITIONS',
        message: `column "${name}" has ${width === undefined ? 'neither width nor end' : 'both width and end'}`,
        hint: 'give width, or start and end',
      });
    }
    const from = start === undefined ? behind : start - 1;
    const to = end ?? from + (width ?? 0);
    if (to <= from) {
      throw configProblem(place, `columns[${i}].end`, {
        code: 'FIXED_WIDTH_POSITIONS',
        message: `column "${name}" ends at ${to}, before its start ${from + 1}`,
        hint: 'positions are counted from 1, and end is the last one that belongs to the column',
      });
    }
    behind = to;
    return { name, from, to };
  });
}

function parseRecord(line: Cuttable, fields: readonly Field[], config: FixedWidthConfig): RecordOutcome {
  const unit = config.unit === 'bytes' ? 'bytes' : 'characters';
  const values: (string | null)[] = [];
  let end = 0;
  for (const { name, from, to } of fields) {
    end = Math.max(end, to);
    if (line.length < to && config.allow_optional_columns !== true)
      return { column: name, reason: `the line is too short: expected ${to} ${unit} for this column, found ${line.length}` };
    if (line.length <= from) {
      values.push(null);
      continue;
    }
    const text = line.cut(from, Math.min(to, line.length));
    if (text === undefined) return { column: name, reason: `${MALFORMED}, or positions ${from + 1} to ${to} cut a character` };
    values.push(textOrNull(trim(text, config.trim ?? 'both'), config.null_string));
  }
  if (line.length > end && config.allow_extra_columns !== true && !isBlank(line.cut(end, line.length)))
    return { column: null, reason: `the line is too long: expected ${end} ${unit}, found ${line.length}` };
  return { values };
}

const LEADING = /^[ \t\u3000]+/;
const TRAILING = /(?<![ \t\u3000])[ \t\u3000]+$/;

function isBlank(text: string | undefined): boolean {
  return text !== undefined && text.replace(LEADING, '') === '';
}

function trim(text: string, sides: 'both' | 'left' | 'right' | 'none'): string {
  switch (sides) {
    case 'both':
      return text.replace(LEADING, '').replace(TRAILING, '');
    case 'left':
      return text.replace(LEADING, '');
    case 'right':
      return text.replace(TRAILING, '');
    case 'none':
      return text;
  }
}

function cutCharacters(line: string): Cuttable {
  // Without surrogates every unit is a character.
  if (!/[\uD800-\uDFFF]/.test(line)) return { length: line.length, cut: (from, to) => line.slice(from, to) };
  const characters = Array.from(line);
  return { length: characters.length, cut: (from, to) => characters.slice(from, to).join('') };
}

function cutBytes(line: Buffer, decoder: { decode(bytes: Uint8Array): string }): Cuttable {
  return {
    length: line.length,
    cut(from, to) {
      try {
        return decoder.decode(line.subarray(from, to));
      } catch (error) {
        if (error instanceof TypeError) return undefined;
        throw error;
      }
    },
  };
}
