import { duckdbType, type ColumnType } from '../../src/core/spi/index.js';
import { describeTypes } from '../../src/plugins/input-postgresql/types.js';
import { typeToMake as mysqlType } from '../../src/plugins/output-mysql/make-column.js';
import { typeToMake as postgresqlType } from '../../src/plugins/output-postgresql/column-types.js';
import { GENERATED_NOTE } from './markdown.js';

const TYPES: readonly { readonly type: ColumnType; readonly shown?: string; readonly remark: string }[] = [
  { type: 'boolean', remark: 'MySQL: 1 and 0' },
  { type: 'long', remark: '' },
  { type: 'double', remark: 'MySQL holds neither NaN nor infinities: rejected' },
  { type: 'decimal(12,2)', shown: 'decimal(p,s)', remark: 'MySQL: s up to 30; with more a text of the digits' },
  {
    type: 'string',
    remark: 'MySQL, as a key of a table that is made: `varchar` with the collation `utf8mb4_bin`. PostgreSQL holds no U+0000: rejected',
  },
  { type: 'date', remark: 'MySQL: years 1 to 9999' },
  { type: 'timestamp', remark: 'MySQL: the instant in UTC; `timestamp` would end in 2038. Another zone with `column_options` or `default_timezone`' },
  { type: 'datetime', remark: '' },
  {
    type: 'json',
    remark:
      'MySQL keeps numbers with a fraction as doubles and one of two equal keys: what would change is rejected. MariaDB and PostgreSQL keep the text',
  },
  { type: 'binary', remark: '' },
];

/** What each column type becomes in tables that outputs make, and what the types of a source become here. */
export function writeTypeMatrixPage(): string {
  const rows = TYPES.map(
    ({ type, shown = type, remark }) =>
      `| \`${shown}\` | \`${generic(duckdbType(type))}\` | \`${generic(postgresqlType(type))}\` | \`${generic(mysqlType(type).replace(/ CHARACTER SET .*/, ''))}\` | ${remark} |`,
  );
  return `${GENERATED_NOTE}

# Types across systems

## From Sluice into tables that are made

A table that exists keeps its columns; each value then fits unchanged, or its row is rejected.

| type | in the engine and in Parquet | PostgreSQL | MySQL, MariaDB | remarks |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Texts of MySQL are in utf8mb4, whatever the default of the database is. \`column_options: {name: {type: …}}\` chooses another type.

## From PostgreSQL

${describeTypes()}

## From MySQL and MariaDB

See [MySQL and MariaDB](../connectors/mysql.md#types-in).
`;
}

/** Sizes of the example as the letters of its name. */
function generic(sqlType: string): string {
  return sqlType.replace(/\(12, ?2\)/, '(p,s)');
}
