import { ConfigError, type ConfigPlace } from '../../core/spi/index.js';
import type { MergeOrder, WriteMode, WriteRequest } from '../../warehouse/index.js';

export interface ModeConfig {
  readonly mode: 'append' | 'insert' | 'insert_direct' | 'replace' | 'truncate' | 'truncate_insert' | 'merge' | 'merge_direct' | 'update';
  readonly merge_keys?: string | readonly string[];
  readonly keys?: string | readonly string[];
  readonly unique?: string | readonly string[];
  readonly merge_order_by?: string | readonly string[];
  readonly delete_column?: string;
  readonly replace_where?: string;
}

const KEY_OPTIONS = ['merge_keys', 'keys', 'unique'] as const;

/** The mode that a config means, whatever its spelling. */
export function writeModeOf({ mode, replace_where: where }: ModeConfig): WriteMode {
  switch (mode) {
    case 'append':
    case 'insert':
    case 'insert_direct':
      return 'append';
    case 'replace':
      return where === undefined ? 'replace' : 'replace_where';
    case 'truncate':
    case 'truncate_insert':
      return 'truncate';
    case 'merge':
    case 'merge_direct':
    case 'update':
      return 'merge';
  }
}

/** What the mode's own options ask of the warehouse. Errors: ConfigError MODE_OPTION for options of other modes. */
export function modeRequest(
  config: ModeConfig,
  fullRefresh: boolean,
  place: ConfigPlace,
): Pick<WriteRequest, 'mode' | 'mergeKeys' | 'mergeOrderBy' | 'refreshesMerge' | 'replaceWhere'> {
  const mode = writeModeOf(config);
  const keys = KEY_OPTIONS.filter((option) => config[option] !== undefined);
  const [first, second] = keys;
  if (second !== undefined) throw wrongOption(second, `${first} and ${second} say the same`, 'leave one of them out', place);
  const others = (['merge_order_by', 'delete_column'] as const).filter((option) => config[option] !== undefined);
  const merging = [...keys, ...others];
  const [odd] = merging;
  if (odd !== undefined && mode !== 'merge')
    throw wrongOption(odd, `${odd} belongs to mode: merge, found mode: ${config.mode}`, 'set mode: merge, or remove it', place);
  if (config.replace_where !== undefined && mode !== 'replace_where')
    throw wrongOption('replace_where', `replace_where belongs to mode: replace, found mode: ${config.mode}`, 'set mode: replace', place);
  // A refresh reads everything; a range is refreshed by every run.
  if (fullRefresh && mode === 'append') return { mode: 'replace' };
  const refreshesMerge = fullRefresh && mode === 'merge';
  return {
    ...(refreshesMerge ? { mode: 'replace', refreshesMerge } : { mode }),
    ...(first === undefined ? {} : { mergeKeys: listOf(config[first]) }),
    ...(config.merge_order_by === undefined ? {} : { mergeOrderBy: listOf(config.merge_order_by).map((text) => parseOrder(text, place)) }),
    ...(config.replace_where === undefined ? {} : { replaceWhere: config.replace_where }),
  };
}

/** A list, or text that separates names by commas. */
function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string'
    ? value
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
    : value;
}

function parseOrder(text: string, place: ConfigPlace): MergeOrder {
  const [, column, direction = 'asc'] = /^\s*(\S(?:.*?\S)??)(?:\s+(asc|desc))?\s*$/i.exec(text) ?? [];
  if (column === undefined) throw wrongOption('merge_order_by', 'merge_order_by: expected a column', 'e.g. merge_order_by: updated_at', place);
  return { column, descending: direction.toLowerCase() === 'desc' };
}

function wrongOption(option: string, problem: string, hint: string, place: ConfigPlace): ConfigError {
  return new ConfigError({ code: 'MODE_OPTION', message: `out: ${problem}`, hint, where: place.at(option) });
}
