import {
  ConfigError,
  quoteIdentifier,
  quoteLiteral,
  type FilePlan,
  type OutputPlanContext,
  type RowRefusal,
  type Schema,
} from '../../../core/spi/index.js';
import { readSize, splitTarget, type ObjectOutputConfig } from './config.js';
import { sequenceProblem, type NamePattern } from './naming.js';

/** The stored part of an object output's plan. */
export interface ObjectPlan {
  readonly file: FilePlan;
  readonly pattern: NamePattern;
  readonly replaces: boolean;
  readonly overwrite: boolean;
  /** Folder columns with the SQL of their texts. */
  readonly partition: readonly { readonly name: string; readonly sql: string }[];
  readonly maxFileBytes: number | null;
}

/** What readers of such folders take for NULL. */
export const NULL_FOLDER = '__HIVE_DEFAULT_PARTITION__';
/** File systems allow names of 255 bytes. */
const MAX_ENCODED = 200;

export interface PlannedObjects {
  readonly details: ObjectPlan;
  readonly refusals: readonly RowRefusal[];
  readonly notes: readonly string[];
}

/** Decides names, folders and format; throws ConfigErrors. Looks at nothing but the config and the schema. */
export function planObjects(config: ObjectOutputConfig, schema: Schema, replaces: boolean, ctx: OutputPlanContext): PlannedObjects {
  const partition = partitionColumns(config, schema, ctx);
  const names = new Set(partition.map((column) => column.name));
  const file = config.format.plan(schema.filter((column) => !names.has(column.name)));
  const array = file.format.form === 'lines' && file.format.array === true;
  if (array && (config.max_file_size !== undefined || partition.length > 0)) {
    throw fault(ctx, config.max_file_size === undefined ? 'partition_by' : 'max_file_size', {
      message: 'a JSON array can be neither split nor partitioned',
      hint: 'use formatter: {type: jsonl}, which has one object a line',
    });
  }
  return {
    details: {
      file,
      pattern: namePattern(config, file.extension),
      replaces,
      overwrite: config.overwrite,
      partition,
      maxFileBytes: config.max_file_size === undefined ? null : readSize(config.max_file_size),
    },
    refusals: partition.map(({ name, sql }) => ({
      column: name,
      sql: `(length(url_encode(${sql})) > ${MAX_ENCODED} OR ${sql} = ${quoteLiteral(NULL_FOLDER)})`,
      reason: `cannot be the name of a folder (at most ${MAX_ENCODED} bytes encoded, and not ${NULL_FOLDER})`,
    })),
    notes: [],
  };
}

/** Keys that do not go together. Needs no schema, so that it can come before anything is opened. */
export function checkKeys(config: ObjectOutputConfig, ctx: OutputPlanContext): void {
  const { path, path_prefix: prefix, sequence_format: sequence } = config;
  if ((path === undefined) === (prefix === undefined)) {
    throw fault(ctx, path === undefined ? '' : 'path', {
      message: `expected path_prefix or path, found ${path === undefined ? 'neither' : 'both'}`,
      hint: 'path_prefix: out/orders_ lets each run add files; path: out/orders.csv names the one file of a run',
    });
  }
  if (path !== undefined) {
    const clash = (['sequence_format', 'file_ext', 'max_file_size', 'partition_by'] as const).find((key) => config[key] !== undefined);
    if (clash !== undefined)
      throw fault(ctx, clash, { message: `${clash} does not go with path, which names one file`, hint: 'use path_prefix instead of path' });
    if (splitTarget(config).stem === '')
      throw fault(ctx, 'path', { message: 'path: expected the name of a file, found a folder', hint: 'use path_prefix' });
  }
  const problem = sequence === undefined ? undefined : sequenceProblem(sequence);
  if (problem !== undefined)
    throw fault(ctx, 'sequence_format', { message: `sequence_format: ${JSON.stringify(sequence)} ${problem}`, hint: 'an example: %03d.%02d' });
  if (config.partition_by !== undefined && config.max_file_size !== undefined)
    throw fault(ctx, 'max_file_size', { message: 'max_file_size does not go with partition_by', hint: 'leave one of them out' });
}

function partitionColumns(config: ObjectOutputConfig, schema: Schema, ctx: OutputPlanContext): ObjectPlan['partition'] {
  return (config.partition_by ?? []).map((name, i) => {
    const column = schema.find((c) => c.name === name);
    const place = `partition_by[${i}]`;
    if (column === undefined)
      throw fault(ctx, place, {
        message: `partition_by: expected a column, found ${JSON.stringify(name)}`,
        hint: `the columns are ${schema.map((c) => c.name).join(', ')}`,
      });
    if (!/^[A-Za-z0-9_-]+$/.test(name))
      throw fault(ctx, place, {
        message: `partition_by: column ${JSON.stringify(name)} cannot name a folder`,
        hint: 'rename it to letters, digits and _ (filter rename)',
      });
    return { name, sql: config.format.text.sql(quoteIdentifier(name), column.type) };
  });
}

function namePattern(config: ObjectOutputConfig, ending: string): NamePattern {
  const { stem } = splitTarget(config);
  if (config.path !== undefined) return { stem, sequence: '', extension: '' };
  const sequence = config.sequence_format ?? null;
  if (config.file_ext === undefined) return { stem, sequence, extension: sequence?.endsWith('.') === true ? ending.replace(/^\./, '') : ending };
  // With a format of its own, names are put together as they are written, as in Embulk.
  const extension = sequence === null && !/^(\.|$)/.test(config.file_ext) ? `.${config.file_ext}` : config.file_ext;
  return { stem, sequence, extension };
}

function fault(ctx: OutputPlanContext, path: string, { message, hint }: { message: string; hint: string }): ConfigError {
  return new ConfigError({ code: 'CONFIG_VALUE', message, hint, where: ctx.place.at(path) });
}
