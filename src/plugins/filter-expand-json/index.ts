import { defineFilter, quoteIdentifier, type FilterColumn, type FilterPlanContext } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { assertDistinctNames, passColumn, requireColumn } from '../shared/filter-columns.js';
import { columnFromJson, columnTypeAt, elementSql, JSON_ELEMENT } from '../shared/json-columns.js';
import { parsePointer } from '../shared/json-scanner.js';
import { expandJsonSchema, type ExpandJsonConfig } from './schema.js';

export default defineFilter<ExpandJsonConfig>({
  kind: 'filter',
  type: 'expand_json',
  summary: 'Makes columns of the members of a json column.',
  stability: 'beta',
  schema: expandJsonSchema,
  examples: [
    {
      title: 'Two members',
      config: {
        type: 'expand_json',
        column: 'payload',
        columns: [
          { name: 'id', type: 'long' },
          { name: 'city', type: 'string', path: '/address/city' },
        ],
      },
    },
  ],

  async plan(config, input, ctx) {
    const source = requireColumn(input, config.column, ctx.place, 'column');
    if (source.type !== 'json')
      throw configProblem(ctx.place, 'column', {
        code: 'FILTER_OPTIONS',
        message: `expected a json column, got "${source.name}" of type ${source.type}`,
        hint: 'cast it first: {type: column, columns: [{name: …, type: json}]}',
      });
    const root = pointerAt(config.root, ctx, 'root');
    const expanded = config.columns.map((column, i): FilterColumn => {
      const path = `columns[${i}]`;
      const type = columnTypeAt(column.type, ctx.place, `${path}.type`);
      const below =
        column.path === undefined ? `/${column.name.replaceAll('~', '~0').replaceAll('/', '~1')}` : pointerAt(column.path, ctx, `${path}.path`);
      return columnFromJson(elementSql(quoteIdentifier(source.name), `${root}${below}`, type), type, column);
    });
    const columns = input.flatMap((c) => (c.name === source.name ? [...(config.keep ? [passColumn(c)] : []), ...expanded] : [passColumn(c)]));
    assertDistinctNames(
      columns.map((c) => c.name),
      ctx.place.at('columns'),
    );
    return { form: 'rows', columns, functions: [JSON_ELEMENT] };
  },
});

function pointerAt(pointer: string, ctx: FilterPlanContext, path: string): string {
  if (parsePointer(pointer) !== undefined) return pointer;
  throw configProblem(ctx.place, path, {
    code: 'JSON_POINTER',
    message: `expected a JSON pointer, got ${JSON.stringify(pointer)}`,
    hint: 'write /address/city; ~1 stands for a slash in a name and ~0 for a tilde',
  });
}
