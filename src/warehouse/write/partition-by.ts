import { ConfigError } from '../../core/spi/index.js';
import type { NestedField, PartitionField } from '../table/model.js';
import { parseTransform, transformProblem } from '../table/transforms.js';

/** A partition field before it has an id. */
export type PartitionChoice = Omit<PartitionField, 'field-id'>;

const FORMS = 'day(column), hour(column), month(column), year(column), bucket(16, column), truncate(4, column), or just column';

/** Parses the texts of `partition_by` against the table's fields. Errors: ConfigError PARTITION_BY. */
export function parsePartitionBy(texts: readonly string[], fields: readonly NestedField[]): readonly PartitionChoice[] {
  const chosen: PartitionChoice[] = [];
  for (const [index, text] of texts.entries()) {
    const { transform, column } = parseOne(text, index);
    const field = fields.find((f) => f.name.toLowerCase() === column.toLowerCase());
    if (!field || typeof field.type !== 'string') {
      throw new ConfigError({
        code: 'PARTITION_BY',
        message: `partition_by[${index}]: expected a column of the table in ${JSON.stringify(text)}, found none named ${JSON.stringify(column)}`,
        hint: `columns: ${fields.map((f) => f.name).join(', ')}`,
      });
    }
    const problem = transformProblem(parseTransform(transform), field.type);
    if (problem !== undefined)
      throw new ConfigError({ code: 'PARTITION_BY', message: `partition_by[${index}]: ${text}: ${problem}`, hint: `forms: ${FORMS}` });
    const choice = partitionChoice(transform, field, fields, chosen);
    if (chosen.some((c) => c['source-id'] === choice['source-id'] && c.transform === choice.transform)) {
      throw new ConfigError({ code: 'PARTITION_BY', message: `partition_by[${index}]: ${text} is given twice`, hint: 'remove one of them' });
    }
    chosen.push(choice);
  }
  return chosen;
}

function parseOne(text: string, index: number): { readonly transform: string; readonly column: string } {
  const match = /^\s*(?:(\w+)\s*(?:\[\s*(\d+)\s*\])?\s*\(\s*(?:(\d+)\s*,\s*)?(.+?)\s*\)|([^()[\],]+?))\s*$/.exec(text);
  const [, kind, inBrackets, first, inside, bare] = match ?? [];
  if (bare !== undefined) return { transform: 'identity', column: unquote(bare) };
  const width = inBrackets ?? first;
  const name = kind?.toLowerCase().replace(/^(year|month|day|hour)s$/, '$1');
  if (match && inside !== undefined && name !== undefined && !(inBrackets !== undefined && first !== undefined)) {
    const transform = width === undefined ? name : `${name}[${Number(width)}]`;
    const parsed = parseTransform(transform);
    if (parsed.kind !== 'unknown' && parsed.kind !== 'void') return { transform, column: unquote(inside) };
  }
  throw new ConfigError({
    code: 'PARTITION_BY',
    message: `partition_by[${index}]: expected a partition transform, got ${JSON.stringify(text)}`,
    hint: `forms: ${FORMS}`,
  });
}

function unquote(name: string): string {
  return name.startsWith('"') && name.endsWith('"') && name.length > 1 ? name.slice(1, -1).replaceAll('""', '"') : name;
}

const NAME_SUFFIX: Readonly<Record<string, string>> = {
  bucket: '_bucket',
  truncate: '_trunc',
  year: '_year',
  month: '_month',
  day: '_day',
  hour: '_hour',
};

/** A partition field named as other engines name it; only identity may have its column's name. */
export function partitionChoice(
  transform: string,
  field: NestedField,
  fields: readonly NestedField[],
  chosen: readonly PartitionChoice[],
): PartitionChoice {
  const suffix = NAME_SUFFIX[parseTransform(transform).kind] ?? '';
  const taken = new Set([...fields.filter((f) => suffix !== '' || f.id !== field.id).map((f) => f.name), ...chosen.map((c) => c.name)]);
  let name = `${field.name}${suffix}`;
  for (let n = 2; taken.has(name); n++) name = `${field.name}${suffix}_${n}`;
  return { 'source-id': field.id, name, transform };
}

/** The default: the day of the time column, or of a column `time`; else unpartitioned. */
export function defaultPartition(timeColumn: string | undefined, fields: readonly NestedField[]): readonly PartitionChoice[] {
  const field = timeField(timeColumn, fields);
  if (!field) return [];
  const transform = field.type === 'long' ? 'truncate[86400]' : 'day';
  return [partitionChoice(transform, field, fields, [])];
}

const TIME_TYPES: ReadonlySet<unknown> = new Set(['timestamptz', 'timestamp', 'date', 'long', 'int']);

/** The table's time column: the one that was named, or `time` when it is a timestamp or a long. */
export function timeField(timeColumn: string | undefined, fields: readonly NestedField[]): NestedField | undefined {
  if (timeColumn === undefined) return fields.find((f) => f.name === 'time' && (f.type === 'timestamptz' || f.type === 'long'));
  const field = fields.find((f) => f.name.toLowerCase() === timeColumn.toLowerCase());
  if (!field) {
    throw new ConfigError({
      code: 'TIME_COLUMN',
      message: `time_column: expected a column of the table, found none named ${JSON.stringify(timeColumn)}`,
      hint: `columns: ${fields.map((f) => f.name).join(', ')}`,
    });
  }
  if (!TIME_TYPES.has(field.type)) {
    throw new ConfigError({
      code: 'TIME_COLUMN',
      message: `time_column: expected ${field.name} to be a timestamp, datetime, date or long (epoch seconds), found ${String(field.type)}`,
      hint: 'choose another column, or give partition_by',
    });
  }
  return field;
}

/** `day(ordered_at), country` for messages. */
export function describePartition(partition: readonly PartitionChoice[], fields: readonly NestedField[]): string {
  if (partition.length === 0) return 'nothing';
  return partition
    .map((p) => {
      const column = fields.find((f) => f.id === p['source-id'])?.name ?? `field ${p['source-id']}`;
      return p.transform === 'identity' ? column : `${p.transform}(${column})`;
    })
    .join(', ');
}
