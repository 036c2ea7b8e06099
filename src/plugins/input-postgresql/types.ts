import { parseColumnType, quoteIdentifier, type ColumnType, type TextFormat } from '../../core/spi/index.js';

/** A result column as the server describes it. Domains come as their base type. */
export interface PgColumn {
  readonly name: string;
  /** `pg_type.typname`, e.g. `int4`. */
  readonly typeName: string;
  /** Whether the type is the server's own rather than a user's. */
  readonly builtIn: boolean;
  /** `pg_type.typtype`: b base, c composite, e enum, r range, m multirange, p pseudo. */
  readonly typeKind: string;
  readonly category: string;
  /** `atttypmod`; -1: none. */
  readonly modifier: number;
  /** `format_type`, e.g. `numeric(10,2)`. */
  readonly spelling: string;
}

/** What a column becomes, and the expression that makes the server write it so. */
export interface MappedColumn {
  readonly type: ColumnType;
  readonly text: TextFormat;
  readonly sql: string;
  /** What the user should know. */
  readonly note?: string;
}

interface TypeRule {
  /** Type names, or words for a family of types. */
  readonly source: readonly string[];
  readonly matches?: (column: PgColumn) => boolean;
  readonly becomes: ColumnType | 'decimal(p,s)';
  /** For the docs. */
  readonly remark: string;
  readonly map: (column: PgColumn, ref: string, facts: TypeFacts) => MappedColumn;
}

/** What only the server knows. */
export interface TypeFacts {
  /** Fraction digits of money in the server's locale. */
  readonly moneyScale: number;
}

const plain =
  (type: ColumnType): TypeRule['map'] =>
  (_column, ref) => ({ type, text: {}, sql: ref });

const OUT_OF_RANGE = '`infinity`, `-infinity`, years BC and beyond 9999 are rejected; `column_options` with `type: string` keeps their text';

/** Rules in order of trial; the last one takes every type. The docs table is made from it. */
export const TYPE_RULES: readonly TypeRule[] = [
  { source: ['bool'], becomes: 'boolean', remark: '', map: plain('boolean') },
  { source: ['int2', 'int4', 'int8', 'oid', 'xid', 'cid'], becomes: 'long', remark: '', map: plain('long') },
  { source: ['xid8'], becomes: 'decimal(20,0)', remark: '', map: plain('decimal(20,0)') },
  {
    source: ['float4', 'float8'],
    becomes: 'double',
    remark: 'The shortest text that gives the value back is read, so `real` 0.1 is 0.1; NaN and infinities are kept',
    map: plain('double'),
  },
  {
    source: ['numeric'],
    becomes: 'decimal(p,s)',
    remark:
      'With at most 38 digits. `numeric` without a precision, or with a larger one: `string`, every digit kept (`column_options` gives it a decimal type). NaN and infinities are rejected from a decimal',
    map: (column, ref) => {
      const type = numericType(column.modifier);
      if (type !== undefined) return { type, text: {}, sql: ref };
      return {
        type: 'string',
        text: {},
        sql: ref,
        note: `${column.name} (${column.spelling}) has no precision that a decimal can hold, so it is read as string; column_options can give it e.g. type: decimal(38,10)`,
      };
    },
  },
  {
    source: ['money'],
    becomes: 'decimal(p,s)',
    remark: '`decimal(19,s)`, s = the fraction digits of the server’s `lc_monetary` (mostly 2)',
    map: (_column, ref, { moneyScale }) => ({ type: `decimal(19,${moneyScale})`, text: {}, sql: `${ref}::numeric` }),
  },
  { source: ['date'], becomes: 'date', remark: OUT_OF_RANGE, map: plain('date') },
  { source: ['timestamp'], becomes: 'datetime', remark: `Without zone, as it stands; ${OUT_OF_RANGE}`, map: plain('datetime') },
  {
    source: ['timestamptz'],
    becomes: 'timestamp',
    remark: `The instant, in UTC; ${OUT_OF_RANGE}`,
    // Text without an offset converts fastest; UTC is what a timestamp without a zone means.
    map: (_column, ref) => ({ type: 'timestamp', text: {}, sql: `${ref} AT TIME ZONE 'UTC'` }),
  },
  {
    source: ['time', 'timetz'],
    becomes: 'string',
    remark: '`13:45:00.5`, `13:45:00.5+02`; `24:00:00` stays',
    map: plain('string'),
  },
  { source: ['interval'], becomes: 'string', remark: 'ISO 8601, e.g. `P1Y2M3DT4H5M6.5S`', map: plain('string') },
  {
    source: ['bytea'],
    becomes: 'binary',
    remark: '',
    map: (_column, ref) => ({ type: 'binary', text: { format: 'hex' }, sql: `encode(${ref}, 'hex')` }),
  },
  {
    source: ['json', 'jsonb'],
    becomes: 'json',
    remark: '`json` keeps its text; `jsonb` has the form the server gives it. Numbers keep every digit; a lone surrogate (`\\ud800`) is rejected',
    map: plain('json'),
  },
  {
    source: ['hstore'],
    matches: (column) => column.typeName === 'hstore',
    becomes: 'json',
    remark: 'An object of strings and nulls',
    map: (_column, ref) => ({ type: 'json', text: {}, sql: `${ref}::json` }),
  },
  {
    source: ['arrays'],
    matches: (column) => (column.category === 'A' || column.typeName === '_record') && column.typeName.startsWith('_'),
    becomes: 'json',
    remark:
      'Nested lists; decimals keep every digit, NaN and infinities become strings, other types their text; lower bounds other than 1 are not kept',
    map: (_column, ref) => ({ type: 'json', text: {}, sql: `to_json(${ref})` }),
  },
  {
    source: ['composite types', 'record'],
    matches: (column) => column.typeKind === 'c' || (column.builtIn && column.typeName === 'record'),
    becomes: 'json',
    remark: 'An object by field name',
    map: (_column, ref) => ({ type: 'json', text: {}, sql: `to_json(${ref})` }),
  },
  {
    source: ['text', 'varchar', 'name', 'uuid', 'enums', 'xml', 'inet', 'cidr', 'macaddr', 'bit', 'varbit', 'citext'],
    matches: (column) => ['text', 'varchar', 'name', 'uuid', 'xml', 'inet', 'cidr', 'macaddr', 'bit', 'varbit', 'citext'].includes(column.typeName),
    becomes: 'string',
    remark: 'The server’s text; bits as `0101`',
    map: plain('string'),
  },
  { source: ['bpchar'], becomes: 'string', remark: 'With the blanks that pad it', map: plain('string') },
  {
    source: ['ranges and multiranges', 'tsvector', 'tsquery', 'geometric types', 'everything else'],
    matches: () => true,
    becomes: 'string',
    remark: 'The text that the server writes, e.g. `[1,10)`; it reads it back to the same value',
    map: plain('string'),
  },
];

function ruleOf(column: PgColumn): TypeRule {
  const rule = TYPE_RULES.find(({ matches, source }) => (matches ? matches(column) : column.builtIn && source.includes(column.typeName)));
  return rule as TypeRule;
}

export function mapColumn(column: PgColumn, facts: TypeFacts): MappedColumn {
  return ruleOf(column).map(column, quoteIdentifier(column.name), facts);
}

/** The expression that suits a type other than the usual one; its text is then converted strictly. */
export function expressionFor(column: PgColumn, type: ColumnType): string {
  const ref = quoteIdentifier(column.name);
  const kind = ruleOf(column).becomes;
  if (type === 'json' && kind !== 'json') return `to_json(${ref})`;
  if (type === 'binary' && column.typeName === 'bytea') return `encode(${ref}, 'hex')`;
  if (kind === 'boolean' && type !== 'string' && type !== 'boolean') return `${ref}::int`;
  if (column.typeName === 'money' && type !== 'string') return `${ref}::numeric`;
  return ref;
}

/** PostgreSQL 15 allows scales below 0 and above the precision. Undefined: no decimal of at most 38 digits holds it. */
function numericType(modifier: number): ColumnType | undefined {
  if (modifier < 4) return undefined;
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const rawScale = (modifier - 4) & 0x7ff;
  const scale = rawScale >= 1024 ? rawScale - 2048 : rawScale;
  const digits = Math.max(precision - Math.min(scale, 0), scale);
  return parseColumnType(`decimal(${digits},${Math.max(scale, 0)})`);
}

/** The table of the docs, as Markdown. */
export function describeTypes(): string {
  const rows = TYPE_RULES.map(
    ({ source, becomes, remark }) =>
      `| ${source.map((name) => (/^[a-z0-9]+$/.test(name) && name !== 'arrays' && name !== 'enums' ? `\`${name}\`` : name)).join(', ')} | \`${becomes}\` | ${remark} |`,
  );
  return ['| PostgreSQL | Sluice | remarks |', '| --- | --- | --- |', ...rows].join('\n');
}
