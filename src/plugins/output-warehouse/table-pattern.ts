import { ConfigError, quoteIdentifier, quoteLiteral, type ErrorPlace, type RowRefusal, type Schema } from '../../core/spi/index.js';

/** A table named by values, such as `shop.logs_${country}`. */
export interface TablePattern {
  readonly text: string;
  readonly namespace: string;
  /** Text and column names in turn, the text first: `['logs_', 'country', '']`. */
  readonly parts: readonly string[];
}

const PLACEHOLDER = /\$\{\s*([^}]+?)\s*\}/;
const NAME = '[a-z0-9_]{1,64}';
const LONGEST_NAME = 128;

/** Undefined: a name without a placeholder. Errors: ConfigError TABLE_NAME. */
export function parseTablePattern(text: string, where: ErrorPlace): TablePattern | undefined {
  const parts = text.split(PLACEHOLDER);
  if (parts.length === 1) return undefined;
  const [lead = ''] = parts;
  const dot = lead.indexOf('.');
  const namespace = dot < 0 ? 'main' : lead.slice(0, dot);
  const own = [lead.slice(dot + 1), ...parts.slice(1)];
  const texts = own.filter((_, i) => i % 2 === 0);
  if (/^[a-z0-9_]+$/.test(namespace) && texts.every((part) => /^[a-z0-9_]*$/.test(part)) && !(dot < 0 && texts.join('').includes('.')))
    return { text, namespace, parts: own };
  throw new ConfigError({
    code: 'TABLE_NAME',
    message: `table: expected a name such as shop.logs_\${country}, with a fixed namespace and of a-z, 0-9 and _, got ${JSON.stringify(text)}`,
    hint: 'only the part after the dot may hold values',
    where,
  });
}

/** Columns that the pattern names, as the schema spells them. Errors: ConfigError TABLE_COLUMN. */
export function patternColumns(pattern: TablePattern, schema: Schema, where: ErrorPlace): readonly string[] {
  return pattern.parts
    .filter((_, i) => i % 2 === 1)
    .map((name) => {
      const column = schema.find((c) => c.name === name) ?? schema.find((c) => c.name.toLowerCase() === name.toLowerCase());
      if (column && column.type !== 'binary' && column.type !== 'json') return column.name;
      throw new ConfigError({
        code: 'TABLE_COLUMN',
        message: `table: ${pattern.text}: ${column ? `${name} is ${column.type}, which cannot name a table` : `there is no column ${name}`}`,
        hint: `columns: ${schema.map((c) => c.name).join(', ')}`,
        where,
      });
    });
}

function valueSql(column: string): string {
  return `lower(CAST(${quoteIdentifier(column)} AS VARCHAR))`;
}

/** SQL over the run's columns that gives the name without its namespace. */
export function tableNameSql(pattern: TablePattern, columns: readonly string[]): string {
  const texts = pattern.parts.filter((_, i) => i % 2 === 0).map(quoteLiteral);
  return texts.flatMap((text, i) => (columns[i] === undefined ? [text] : [text, valueSql(columns[i])])).join(' || ');
}

/** Values that cannot be part of a name, and names that are not free. */
export function patternRefusals(pattern: TablePattern, columns: readonly string[]): readonly RowRefusal[] {
  const values = columns.map((column): RowRefusal => {
    const sql = `NOT coalesce(regexp_full_match(${valueSql(column)}, ${quoteLiteral(NAME)}), false)`;
    return { sql, column, reason: 'cannot be part of a table name (a-z, 0-9, _; 1 to 64 characters)' };
  });
  const name = tableNameSql(pattern, columns);
  const taken = `coalesce(regexp_matches(${name}, '^__|__rejects$') OR length(${name}) > ${LONGEST_NAME}, false)`;
  return [...values, { sql: taken, column: columns[0] ?? null, reason: 'gives a table name that is reserved or too long' }];
}

/** A fixed name for what belongs to no single table: its rejects. `logs_${country}` gives `logs`. */
export function fixedName(pattern: TablePattern): string {
  const name = pattern.parts
    .filter((_, i) => i % 2 === 0)
    .join('_')
    .replaceAll(/_+/g, '_')
    .replaceAll(/^_|_$/g, '');
  return `${pattern.namespace}.${name === '' ? 'routed' : name}`;
}
