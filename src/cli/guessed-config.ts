import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuessedConfig } from '../core/engine/guess/index.js';
import type { JsonObject } from '../core/spi/index.js';
import { formatTable } from './format.js';

/** What was guessed about the target, for keys that the user left open. */
export function timeKeys(guessed: GuessedConfig, given: JsonObject): JsonObject {
  if (given['time_column'] !== undefined || given['partition_by'] !== undefined || guessed.timeColumn === undefined) return {};
  return { time_column: guessed.timeColumn, ...(guessed.partitionBy === undefined ? {} : { partition_by: [...guessed.partitionBy] }) };
}

/** Columns with their types and why, and how the files are read. */
export function formatGuess({ in: section, notes }: GuessedConfig): string {
  const parser = (section['parser'] ?? {}) as JsonObject;
  const why = new Map(notes.map((note) => [note.path, note.text]));
  const columns = (parser['columns'] ?? []) as readonly JsonObject[];
  const facts = Object.entries(parser)
    .filter(([key, value]) => key !== 'columns' && key !== 'type' && typeof value !== 'object' && value !== false)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  const decoders = ((section['decoders'] ?? []) as readonly JsonObject[]).map((decoder) => `${String(decoder['type'])} → `).join('');
  const lines = [`  read as ${decoders}${String(parser['type'])}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`];
  if (columns.length === 0) lines.push('  columns come from the files');
  else {
    const rows = columns.map((column, i) => [String(column['name']), typeOf(column), why.get(`parser.columns[${i}]`) ?? '']);
    lines.push(formatTable(['column', 'type', 'why'], rows).replaceAll(/^/gm, '  '));
  }
  return lines.join('\n');
}

function typeOf(column: JsonObject): string {
  const format = column['format'];
  return `${String(column['type'])}${typeof format === 'string' ? ` ${format}` : ''}`;
}

/** Where an editor finds the schema of a config in `folder`: relative where the package is part of the project. */
export function schemaPath(folder: string, root: string): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const schema = join(at, 'configs', 'schema', 'pipeline.schema.json');
    if (existsSync(schema)) return schema.startsWith(root + sep) ? relative(folder, schema).split(sep).join('/') : schema;
    if (at === dirname(at)) return 'configs/schema/pipeline.schema.json';
  }
}
