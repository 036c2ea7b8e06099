import type { ColumnType, SourceColumn } from '../core/spi/index.js';

/** Texts and what each must be in the end (as DuckDB shows it), by type. The values that plugins most often change. */
export const AWKWARD: readonly { readonly type: ColumnType; readonly texts: readonly (readonly [text: string, shown: string])[] }[] = [
  {
    type: 'string',
    texts: [
      ['日本語 ünïcode \u{1F680}', '日本語 ünïcode \u{1F680}'],
      ['O\'Neil "quoted", \\back;slash', 'O\'Neil "quoted", \\back;slash'],
      ['null', 'null'],
      ['0012', '0012'],
    ],
  },
  {
    type: 'long',
    texts: [
      ['9007199254740993', '9007199254740993'],
      ['-9223372036854775808', '-9223372036854775808'],
      ['9223372036854775807', '9223372036854775807'],
    ],
  },
  {
    type: 'double',
    texts: [
      ['0.1', '0.1'],
      ['-2.5', '-2.5'],
    ],
  },
  { type: 'decimal(38,10)', texts: [['1234567890123456789012345678.0123456789', '1234567890123456789012345678.0123456789']] },
  {
    type: 'boolean',
    texts: [
      ['true', 'true'],
      ['false', 'false'],
    ],
  },
  {
    type: 'date',
    texts: [
      ['2024-02-29', '2024-02-29'],
      ['0001-01-01', '0001-01-01'],
    ],
  },
  {
    type: 'timestamp',
    texts: [
      ['2024-03-10T02:30:00-08:00', '2024-03-10 10:30:00+00'],
      ['2024-12-31T23:59:59.999999Z', '2024-12-31 23:59:59.999999+00'],
      ['2024-06-01T00:00:00+14:00', '2024-05-31 10:00:00+00'],
    ],
  },
  { type: 'datetime', texts: [['2024-03-31 02:30:00', '2024-03-31 02:30:00']] },
  { type: 'json', texts: [['{"a":[1.10,12345678901234567890.123,null],"b":"é"}', '{"a":[1.10,12345678901234567890.123,null],"b":"é"}']] },
];

/** One column of every type. */
export const EVERY_TYPE: readonly SourceColumn[] = AWKWARD.map(({ type }, i) => ({ name: `c${i}`, type, text: {} }));

/** Rows over {@link EVERY_TYPE} as texts, the first one all NULL; and the same as DuckDB shows them. */
export function awkwardRows(): { readonly texts: (string | null)[][]; readonly shown: (string | null)[][] } {
  const height = Math.max(...AWKWARD.map(({ texts }) => texts.length));
  const pick = (side: 0 | 1): (string | null)[][] => [
    AWKWARD.map(() => null),
    ...Array.from({ length: height }, (_, row) => AWKWARD.map(({ texts }) => texts[row]?.[side] ?? null)),
  ];
  return { texts: pick(0), shown: pick(1) };
}

export const WIDE = 1000;
