import { parseColumnType, type ColumnType } from '../../../core/spi/index.js';

/**
 * How the bytes of a field become CSV: `text` may need quotes, `plain` never does, `hex` and `bits` are raw bytes, `date` is
 * plain text that may be a zero date.
 */
export type Encoding = 'text' | 'plain' | 'hex' | 'bits' | 'date';

/** A column of a result as the driver describes it (protocol: column definition packet). */
export interface WireColumn {
  readonly name: string;
  readonly columnType?: number | undefined;
  readonly characterSet?: number | undefined;
  readonly flags: number | readonly string[];
  readonly columnLength?: number | undefined;
  readonly decimals?: number | undefined;
  /** MariaDB says `json` here, whose JSON is a text on the wire. */
  readonly extendedFormat?: string | undefined;
}

export interface ResultColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly encoding: Encoding;
  /** For people and docs, e.g. `bigint unsigned`. */
  readonly sourceType: string;
  /** FLOAT: its text has only 6 digits, so `column + 0e0` must be selected. */
  readonly isFloat: boolean;
  readonly note?: string;
}

/** Field types of the protocol. */
const TYPE = {
  decimalOld: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  newDate: 14,
  varchar: 15,
  bit: 16,
  vector: 242,
  json: 245,
  newDecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  string: 254,
  geometry: 255,
} as const;

const BINARY_CHARSET = 63;
const FLAG_UNSIGNED = 0x20;
const FLAG_ENUM = 0x100;
const FLAG_SET = 0x800;

const INTEGER_NAMES: Readonly<Record<number, string>> = {
  [TYPE.tiny]: 'tinyint',
  [TYPE.short]: 'smallint',
  [TYPE.int24]: 'mediumint',
  [TYPE.long]: 'int',
  [TYPE.longlong]: 'bigint',
};

/** The column type and encoding of each type on the wire; MySQL and MariaDB agree but for JSON. */
export function readResultColumn(column: WireColumn): ResultColumn {
  const { name, columnType: type = TYPE.string, characterSet: charset = BINARY_CHARSET, columnLength: length = 0, decimals = 0 } = column;
  const flags = typeof column.flags === 'number' ? column.flags : 0;
  const made = (sourceType: string, columnType: ColumnType, encoding: Encoding = 'plain'): ResultColumn => ({
    name,
    type: columnType,
    encoding,
    sourceType,
    isFloat: type === TYPE.float,
  });
  const unsigned = (flags & FLAG_UNSIGNED) !== 0;
  const integer = INTEGER_NAMES[type];
  if (integer !== undefined) {
    const word = `${integer}${type === TYPE.tiny && length === 1 ? '(1)' : ''}${unsigned ? ' unsigned' : ''}`;
    return made(word, type === TYPE.longlong && unsigned ? 'decimal(20,0)' : 'long');
  }
  switch (type) {
    case TYPE.decimalOld:
    case TYPE.newDecimal:
      return readDecimal(made, length - (decimals > 0 ? 1 : 0) - (unsigned ? 0 : 1), decimals, name);
    case TYPE.float:
      return made('float', 'double');
    case TYPE.double:
      return made('double', 'double');
    case TYPE.null:
      return made('null', 'string');
    case TYPE.timestamp:
      return made('timestamp', 'timestamp', 'date');
    case TYPE.datetime:
      return made('datetime', 'datetime', 'date');
    case TYPE.date:
    case TYPE.newDate:
      return made('date', 'date', 'date');
    case TYPE.time:
      return made('time', 'string');
    case TYPE.year:
      return made('year', 'long');
    case TYPE.bit:
      return made(`bit(${length})`, length === 1 ? 'boolean' : length < 64 ? 'long' : 'decimal(20,0)', 'bits');
    // Its character set says binary, but it is UTF-8.
    case TYPE.json:
      return made('json', 'json', 'text');
    case TYPE.geometry:
      return made('geometry', 'binary', 'hex');
    case TYPE.vector:
      return made('vector', 'binary', 'hex');
    default:
      if (column.extendedFormat === 'json') return made('json', 'json', 'text');
      if ((flags & FLAG_ENUM) !== 0 || type === TYPE.enum) return made('enum', 'string', 'text');
      if ((flags & FLAG_SET) !== 0 || type === TYPE.set) return made('set', 'string', 'text');
      return charset === BINARY_CHARSET ? made('binary', 'binary', 'hex') : made('text', 'string', 'text');
  }
}

function readDecimal(made: (sourceType: string, type: ColumnType) => ResultColumn, precision: number, scale: number, name: string): ResultColumn {
  const sourceType = `decimal(${precision},${scale})`;
  const type = parseColumnType(sourceType);
  if (type !== undefined) return made(sourceType, type);
  const note = `${name} (${sourceType}) has more digits than a decimal can hold, so it is read as string`;
  return { ...made(sourceType, 'string'), note };
}
