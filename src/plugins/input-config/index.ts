import {
  ConfigError,
  COLUMN_TYPE_NAMES,
  defineInput,
  parseColumnType,
  type ConfigPlace,
  type JsonValue,
  type SourceColumn,
} from '../../core/spi/index.js';
import { configInputSchema } from './schema.js';

interface ColumnConfig {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly timezone?: string;
  readonly date?: string;
}

type Row = readonly JsonValue[];

export interface ConfigInputConfig {
  readonly type: 'config';
  readonly columns: readonly ColumnConfig[];
  readonly rows?: readonly Row[];
  readonly values?: readonly (readonly Row[])[];
  readonly default_timezone?: string;
  readonly default_timestamp_format?: string;
  readonly default_date?: string;
}

export default defineInput<ConfigInputConfig>({
  kind: 'input',
  form: 'tasks',
  type: 'config',
  summary: 'Rows written in the config, for tests and examples.',
  stability: 'stable',
  schema: configInputSchema,
  examples: [
    {
      title: 'Two rows',
      config: {
        type: 'config',
        columns: [
          { name: 'id', type: 'long' },
          { name: 'name', type: 'string' },
        ],
        rows: [
          [1, 'ann'],
          [2, null],
        ],
      },
    },
  ],

  plan(config, ctx) {
    const tasks = tasksOf(config);
    tasks.forEach((rows, task) => checkRows(rows, config, (row) => ctx.place.at(config.values ? `values[${task}][${row}]` : `rows[${row}]`)));
    return Promise.resolve({
      columns: config.columns.map((column, i) => readColumn(column, i, config, ctx.place)),
      tasks: tasks.map((_, index) => ({ index })),
      notes: [],
    });
  },

  open(task, plan, config) {
    const rows = tasksOf(config)[Number(task['index'])] ?? [];
    return Promise.resolve({ form: 'rows', columns: plan.columns, source: 'config', batches: () => batchesOf(rows) });
  },
});

function tasksOf(config: ConfigInputConfig): readonly (readonly Row[])[] {
  return config.values ?? [config.rows ?? []];
}

async function* batchesOf(rows: readonly Row[]): AsyncGenerator<readonly (readonly unknown[])[]> {
  if (rows.length > 0) yield rows.map((row) => row.map(textOf));
}

/** Every value travels as text, so that the run's strict conversions judge it like any other source's. */
function textOf(value: JsonValue): string | null {
  if (value === null || typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function checkRows(rows: readonly Row[], config: ConfigInputConfig, at: (row: number) => ReturnType<ConfigPlace['at']>): void {
  rows.forEach((row, index) => {
    if (row.length === config.columns.length) return;
    throw new ConfigError({
      code: 'ROW_WIDTH',
      message: `in: row ${index + 1} has ${row.length} values, but there are ${config.columns.length} columns`,
      hint: 'give each row one value a column; write null for an absent one',
      where: at(index),
    });
  });
}

function readColumn(column: ColumnConfig, index: number, config: ConfigInputConfig, place: ConfigPlace): SourceColumn {
  const type = parseColumnType(column.type);
  if (!type) {
    throw new ConfigError({
      code: 'UNKNOWN_COLUMN_TYPE',
      message: `in.columns[${index}].type: expected a column type, found "${column.type}"`,
      hint: `use one of ${COLUMN_TYPE_NAMES.join(', ')}`,
      where: place.at(`columns[${index}].type`),
    });
  }
  const format = column.format ?? (type === 'timestamp' || type === 'datetime' ? config.default_timestamp_format : undefined);
  const timezone = type === 'timestamp' ? (column.timezone ?? config.default_timezone) : undefined;
  const date = column.date ?? config.default_date;
  const timed = type === 'timestamp' || type === 'datetime' || type === 'date';
  return {
    name: column.name,
    type,
    text: timed
      ? { ...(format === undefined ? {} : { format }), ...(timezone === undefined ? {} : { timezone }), ...(date === undefined ? {} : { date }) }
      : {},
  };
}
