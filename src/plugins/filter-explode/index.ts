import { defineFilter, quoteIdentifier, type ScalarFunction } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { assertDistinctNames, passColumn, requireColumn } from '../shared/filter-columns.js';
import { columnFromJson, columnTypeAt, wholeValue } from '../shared/json-columns.js';
import { elementsOf, kindOf, textOf } from '../shared/json-scanner.js';
import { explodeSchema, type ExplodeConfig } from './schema.js';

/** Joins elements in one text: a raw control character cannot stand in JSON. */
const SEPARATOR = '\u001e';

export default defineFilter<ExplodeConfig>({
  kind: 'filter',
  type: 'explode',
  summary: 'Makes a row of each element of a json array.',
  stability: 'beta',
  schema: explodeSchema,
  examples: [{ title: 'One row per tag', config: { type: 'explode', column: 'tags', element: { name: 'tag', type: 'string' } } }],

  async plan(config, input, ctx) {
    const source = requireColumn(input, config.column, ctx.place, 'column');
    if (source.type !== 'json')
      throw configProblem(ctx.place, 'column', {
        code: 'FILTER_OPTIONS',
        message: `expected a json column, got "${source.name}" of type ${source.type}`,
        hint: 'cast it first: {type: column, columns: [{name: …, type: json}]}',
      });
    const element = config.element ?? { name: source.name, type: 'json' };
    const made = columnFromJson('__element', columnTypeAt(element.type, ctx.place, 'element.type'), element);
    const columns = input.map((c) => (c.name === source.name ? made : passColumn(c)));
    assertDistinctNames(
      columns.map((c) => c.name),
      ctx.place.at('element.name'),
    );
    return {
      form: 'expand',
      schema: columns.map(({ name, type }) => ({ name, type })),
      list: `string_split(${JSON_ELEMENTS.name}(${quoteIdentifier(source.name)}::varchar), chr(30))`,
      columns,
      functions: [JSON_ELEMENTS],
    };
  },
});

const JSON_ELEMENTS: ScalarFunction = {
  name: '__json_elements',
  parameters: ['VARCHAR'],
  returns: 'VARCHAR',
  call([json]) {
    if (typeof json !== 'string') return null;
    const bytes = Buffer.from(json);
    const whole = wholeValue(bytes);
    const kind = kindOf(bytes, whole.start);
    if (kind === 'null') return null;
    if (kind !== 'array') return textOf(bytes, whole);
    const texts = Array.from(elementsOf(bytes, whole), (slice) => textOf(bytes, slice));
    return texts.length === 0 ? null : texts.join(SEPARATOR);
  },
};
