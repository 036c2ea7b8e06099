import { defineFilter, quoteIdentifier, quoteLiteral, type Column, type FilterColumn } from '../../core/spi/index.js';
import { passColumn, requireColumn } from '../shared/filter-columns.js';
import { configProblem, unwrapSql } from '../shared/config-problem.js';
import { maskSchema, type MaskConfig } from './schema.js';

type Entry = MaskConfig['columns'][number];

export default defineFilter<MaskConfig>({
  kind: 'filter',
  type: 'mask',
  summary: 'Replaces characters of texts, e.g. of e-mail addresses and card numbers.',
  stability: 'stable',
  schema: maskSchema,
  examples: [
    {
      title: 'Addresses and card numbers',
      config: {
        type: 'mask',
        columns: [
          { name: 'email', pattern: 'email' },
          { name: 'card', pattern: 'keep_last', length: 4 },
          { name: 'note', pattern: 'regex', match: '[0-9]{4,}' },
        ],
      },
    },
  ],

  async plan(config, input, ctx) {
    const masks = new Map<string, Entry>();
    for (const [i, entry] of config.columns.entries()) {
      const path = `columns[${i}]`;
      const column = requireColumn(input, entry.name, ctx.place, `${path}.name`);
      if (column.type === 'binary')
        throw configProblem(ctx.place, `${path}.name`, {
          code: 'FILTER_OPTIONS',
          message: 'a binary column cannot be masked',
          hint: 'use the filter hash or remove_columns',
        });
      if ((entry.pattern === 'regex') !== (entry.match !== undefined))
        throw configProblem(ctx.place, path, {
          code: 'FILTER_OPTIONS',
          message: 'match belongs to the pattern regex',
          hint: 'write {pattern: regex, match: "[0-9]+"}',
        });
      // Bound once, so that a broken expression is found before rows move.
      if (entry.match !== undefined)
        unwrapSql(await ctx.check.expression(`regexp_matches('', ${quoteLiteral(entry.match)})`, input), ctx.place, `${path}.match`, input);
      masks.set(column.name, entry);
    }
    return { form: 'rows', hidesValues: true, columns: input.map((c) => maskColumn(c, masks.get(c.name))) };
  },
});

function maskColumn(column: Column, entry: Entry | undefined): FilterColumn {
  if (entry === undefined) return passColumn(column);
  return { name: column.name, type: 'string', sql: maskSql(`${quoteIdentifier(column.name)}::varchar`, entry) };
}

function maskSql(text: string, entry: Entry): string {
  const mask = quoteLiteral(entry.mask ?? '*');
  const length = entry.length ?? 4;
  const hide = (part: string): string =>
    entry.mask_length === undefined
      ? `repeat(${mask}, length(${part}))`
      : `repeat(${mask}, case when length(${part}) > 0 then ${entry.mask_length} else 0 end)`;
  switch (entry.pattern ?? 'all') {
    case 'all':
      return hide(text);
    case 'email':
      return `case when contains(${text}, '@') then ${hide(`regexp_extract(${text}, '^(?s:(.*))@', 1)`)} || '@' || regexp_extract(${text}, '@([^@]*)$', 1) else ${hide(text)} end`;
    case 'keep_first':
      return `case when length(${text}) > ${length} then left(${text}, ${length}) || ${hide(`substring(${text}, ${length + 1})`)} else ${hide(text)} end`;
    case 'keep_last':
      return `case when length(${text}) > ${length} then ${hide(`left(${text}, length(${text}) - ${length})`)} || right(${text}, ${length}) else ${hide(text)} end`;
    case 'regex':
      return maskMatches(text, entry.match ?? '', hide);
  }
}

/** Two code points that Unicode keeps out of texts; they mark where matches begin and end. */
const [BEGIN, END] = ['\ufdd0', '\ufdd1'];

/**
 * Matches are marked by one global replacement: splitting a text by an expression looks at each rest anew, where `^` matches
 * again. A text with the marks in it is masked whole.
 */
function maskMatches(text: string, match: string, hide: (part: string) => string): string {
  const pattern = quoteLiteral(match);
  const [begin, end] = [quoteLiteral(BEGIN), quoteLiteral(END)];
  const parts = `string_split(regexp_replace(${text}, ${pattern}, ${quoteLiteral(`${BEGIN}\\0${END}`)}, 'g'), ${begin})`;
  const part = `case when i = 1 then p else ${hide(`split_part(p, ${end}, 1)`)} || split_part(p, ${end}, 2) end`;
  const masked = `array_to_string(list_transform(${parts}, lambda p, i: ${part}), '')`;
  const marked = `contains(${text}, ${begin}) or contains(${text}, ${end})`;
  return `case when not regexp_matches(${text}, ${pattern}) then ${text} when ${marked} then ${hide(text)} else ${masked} end`;
}
