import { didYouMean, type ConfigPlace, type SourceColumn } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { PRESET_NULL, PRESETS } from '../shared/apache-logs.js';
import { textOrNull, type LineFormat } from '../shared/line-reading.js';
import { readTextColumns, type TextColumnConfig } from '../shared/text-columns.js';
import type { RegexpConfig } from './schema.js';

const NOWHERE: ConfigPlace = { at: (path) => ({ path }) };

/** The config as columns and a function for one line, or an error at the option that is wrong. */
export function readLayout(config: RegexpConfig, place: ConfigPlace = NOWHERE): LineFormat {
  const { pattern, columns, nullString } = chooseSource(config, place);
  const expression = compile(pattern, place);
  const types: readonly SourceColumn[] = readTextColumns(columns, config, place);
  const groups = groupNames(expression);
  const wanted = columns.map((column) => column.group ?? column.name);
  wanted.forEach((group, i) => {
    if (groups.includes(group)) return;
    throw configProblem(place, `columns[${i}].${columns[i]?.group === undefined ? 'name' : 'group'}`, {
      code: 'REGEXP_GROUP',
      message: `the pattern has no group named "${group}"${didYouMean(group, groups)}`,
      hint: groups.length === 0 ? 'name the groups: (?<name>...)' : `groups of the pattern: ${groups.join(', ')}`,
    });
  });
  return {
    columns: types,
    parseText(line) {
      const found = expression.exec(line)?.groups;
      if (!found) return { column: null, reason: 'the line does not match the pattern' };
      return { values: wanted.map((group) => textOrNull(found[group], nullString)) };
    },
  };
}

interface Source {
  readonly pattern: string;
  readonly columns: readonly (TextColumnConfig & { readonly group?: string })[];
  readonly nullString: string | undefined;
}

function chooseSource(config: RegexpConfig, place: ConfigPlace): Source {
  if ((config.pattern === undefined) === (config.format === undefined)) {
    throw configProblem(place, config.pattern === undefined ? '' : 'format', {
      code: 'REGEXP_PATTERN',
      message: config.pattern === undefined ? 'neither pattern nor format is given' : 'pattern and format are both given',
      hint: 'give a pattern with columns, or format: apache_common or apache_combined',
    });
  }
  if (config.format !== undefined) {
    const preset = PRESETS[config.format];
    const own = config.columns?.map((column) => ({ ...usualFormat(preset.columns, column), ...column }));
    return { pattern: preset.pattern, columns: own ?? preset.columns, nullString: config.null_string ?? PRESET_NULL };
  }
  if (config.columns === undefined) {
    throw configProblem(place, 'columns', { code: 'REGEXP_COLUMNS', message: 'columns are missing', hint: 'name a column for each group to keep' });
  }
  return { pattern: config.pattern ?? '', columns: config.columns, nullString: config.null_string };
}

/** The log's time format, for a column of a preset that is listed with its own type again. */
function usualFormat(preset: readonly TextColumnConfig[], column: TextColumnConfig & { readonly group?: string }): { format?: string } {
  const usual = preset.find((c) => c.name === (column.group ?? column.name));
  return usual?.format !== undefined && usual.type === column.type ? { format: usual.format } : {};
}

function compile(pattern: string, place: ConfigPlace): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`, 'us');
  } catch (cause) {
    throw configProblem(place, 'pattern', {
      code: 'REGEXP_PATTERN',
      message: (cause as Error).message.replace(/^Invalid regular expression: .*: /, 'not a regular expression: '),
      hint: 'a JavaScript regular expression with the flag u: escape only characters with a meaning, so " and - stand without a backslash',
      cause,
    });
  }
}

/** All groups, also of alternatives that do not take part in a match. */
function groupNames(expression: RegExp): readonly string[] {
  return Object.keys(new RegExp(`${expression.source}|`, expression.flags).exec('')?.groups ?? {});
}
