import { didYouMean, type ConfigPlace, type JsonObject, type JsonValue } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import type { GoogleAnalyticsConfig } from './config.js';
import { RANGE_DIMENSION, type ReportShape } from './report-shape.js';

/** `FilterExpression` and its parts, as the API's reference has them. */
const EXPRESSIONS = ['andGroup', 'orGroup', 'notExpression', 'filter'];
const FILTERS: Readonly<Record<string, readonly string[]>> = {
  stringFilter: ['matchType', 'value', 'caseSensitive'],
  inListFilter: ['values', 'caseSensitive'],
  numericFilter: ['operation', 'value'],
  betweenFilter: ['fromValue', 'toValue'],
  emptyFilter: [],
};
const MATCH_TYPES = ['EXACT', 'BEGINS_WITH', 'ENDS_WITH', 'CONTAINS', 'FULL_REGEXP', 'PARTIAL_REGEXP'];
const OPERATIONS = ['EQUAL', 'LESS_THAN', 'LESS_THAN_OR_EQUAL', 'GREATER_THAN', 'GREATER_THAN_OR_EQUAL'];
const ORDER_TYPES = ['ALPHANUMERIC', 'CASE_INSENSITIVE_ALPHANUMERIC', 'NUMERIC'];

/** Everything that is wrong with a report without asking the service: the API's own errors name no place in the config. */
export function checkRequest(config: GoogleAnalyticsConfig, shape: ReportShape, place: ConfigPlace): void {
  const check = new RequestCheck(place);
  check.names(shape);
  const metrics = shape.metrics.map(({ name }) => name);
  if (config.dimension_filter) check.expression(config.dimension_filter, 'dimension_filter', undefined);
  if (config.metric_filter) check.expression(config.metric_filter, 'metric_filter', metrics);
  (config.order_bys ?? []).forEach((order, i) =>
    check.order(
      order,
      `order_bys[${i}]`,
      shape.dimensions.map(({ name }) => name),
      metrics,
    ),
  );
  if (config.row_limit !== undefined && config.order_bys === undefined) {
    check.fail(
      'row_limit',
      'row_limit needs order_bys: without an order the first rows mean nothing',
      'e.g. order_bys: [{metric: {metricName: eventCount}, desc: true}]',
    );
  }
}

class RequestCheck {
  readonly #place: ConfigPlace;

  constructor(place: ConfigPlace) {
    this.#place = place;
  }

  fail(path: string, message: string, hint: string): never {
    throw configProblem(this.#place, path, { code: 'GA_REQUEST', message, hint });
  }

  names(shape: ReportShape): void {
    const seen = new Set<string>();
    for (const [key, list] of [
      ['dimensions', shape.dimensions],
      ['metrics', shape.metrics],
    ] as const) {
      list.forEach(({ name }, i) => {
        if (seen.has(name)) this.fail(`${key}[${i}]`, `${JSON.stringify(name)} stands in the report twice`, 'leave one of them out');
        seen.add(name);
      });
    }
    const range = shape.dimensions.findIndex(({ name }) => name === RANGE_DIMENSION);
    if (range >= 0) this.fail(`dimensions[${range}]`, 'the column date_range comes by itself with several date_ranges', 'leave the dimension out');
    if (shape.metrics.length === 0)
      this.fail('metrics', 'expected at least one metric, found none', 'e.g. metrics: [activeUsers]; `sluice guess` proposes some');
    if (shape.visible.length === 0)
      this.fail('metrics', 'expected a metric that gives a column, found invisible ones only', 'leave out invisible: true for one of them');
  }

  expression(value: JsonValue | undefined, path: string, fields: readonly string[] | undefined): void {
    const object = this.#object(value, path);
    const kind = this.#oneOf(object, EXPRESSIONS, path);
    const inner = object[kind];
    const at = `${path}.${kind}`;
    if (kind === 'filter') return this.#filter(this.#object(inner, at), at, fields);
    if (kind === 'notExpression') return this.expression(inner, at, fields);
    const group = this.#object(inner, at);
    this.#known(group, ['expressions'], at);
    const expressions = group['expressions'];
    if (!Array.isArray(expressions) || expressions.length === 0) {
      return this.fail(
        `${at}.expressions`,
        `expected a list of filter expressions, found ${shown(expressions)}`,
        'each is one of andGroup, orGroup, notExpression and filter',
      );
    }
    expressions.forEach((item: JsonValue, i) => this.expression(item, `${at}.expressions[${i}]`, fields));
  }

  order(order: JsonObject, path: string, dimensions: readonly string[], metrics: readonly string[]): void {
    const kind = this.#oneOf(order, ['dimension', 'metric'], path, ['desc']);
    if (order['desc'] !== undefined && typeof order['desc'] !== 'boolean')
      this.fail(`${path}.desc`, `expected true or false, found ${shown(order['desc'])}`, 'desc: true puts the largest first');
    const inner = this.#object(order[kind], `${path}.${kind}`);
    const key = kind === 'metric' ? 'metricName' : 'dimensionName';
    this.#known(inner, kind === 'metric' ? [key] : [key, 'orderType'], `${path}.${kind}`);
    this.#name(inner[key], `${path}.${kind}.${key}`, kind === 'metric' ? metrics : dimensions, kind);
    if (inner['orderType'] !== undefined) this.#word(inner['orderType'], ORDER_TYPES, `${path}.${kind}.orderType`);
  }

  #filter(filter: JsonObject, path: string, fields: readonly string[] | undefined): void {
    const kind = this.#oneOf(filter, Object.keys(FILTERS), path, ['fieldName']);
    this.#name(filter['fieldName'], `${path}.fieldName`, fields, 'metric');
    const at = `${path}.${kind}`;
    const inner = this.#object(filter[kind], at);
    this.#known(inner, FILTERS[kind] ?? [], at);
    if (inner['caseSensitive'] !== undefined && typeof inner['caseSensitive'] !== 'boolean') {
      this.fail(`${at}.caseSensitive`, `expected true or false, found ${shown(inner['caseSensitive'])}`, 'left out, case does not matter');
    }
    if (kind === 'stringFilter') {
      if (inner['matchType'] !== undefined) this.#word(inner['matchType'], MATCH_TYPES, `${at}.matchType`);
      if (typeof inner['value'] !== 'string') this.fail(`${at}.value`, `expected a text, found ${shown(inner['value'])}`, 'put numbers in quotes');
    } else if (kind === 'inListFilter') {
      const values = inner['values'];
      if (!Array.isArray(values) || values.length === 0 || !values.every((v) => typeof v === 'string')) {
        this.fail(`${at}.values`, `expected a list of texts, found ${shown(values)}`, 'put numbers in quotes');
      }
    } else if (kind === 'numericFilter') {
      this.#word(inner['operation'], OPERATIONS, `${at}.operation`);
      this.#number(inner['value'], `${at}.value`);
    } else if (kind === 'betweenFilter') {
      this.#number(inner['fromValue'], `${at}.fromValue`);
      this.#number(inner['toValue'], `${at}.toValue`);
    }
  }

  #number(value: JsonValue | undefined, path: string): void {
    const object = this.#object(value, path);
    const kind = this.#oneOf(object, ['int64Value', 'doubleValue'], path);
    const number = object[kind];
    const right =
      kind === 'doubleValue' ? typeof number === 'number' : Number.isSafeInteger(number) || (typeof number === 'string' && /^-?\d+$/.test(number));
    if (!right)
      this.fail(
        `${path}.${kind}`,
        `expected a ${kind === 'doubleValue' ? 'number' : 'whole number'}, found ${shown(number)}`,
        'e.g. {int64Value: "10"} or {doubleValue: 1.5}',
      );
  }

  #object(value: JsonValue | undefined, path: string): JsonObject {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
    return this.fail(
      path,
      `expected a mapping as in the API, found ${shown(value)}`,
      'see FilterExpression and OrderBy in the reference of the Data API',
    );
  }

  /** The one key of several that an object of the API must have. */
  #oneOf(object: JsonObject, keys: readonly string[], path: string, also: readonly string[] = []): string {
    this.#known(object, [...keys, ...also], path);
    const found = keys.filter((key) => object[key] !== undefined);
    const [first] = found;
    if (first !== undefined && found.length === 1) return first;
    return this.fail(
      path,
      `expected exactly one of ${keys.join(', ')}, found ${found.length === 0 ? 'none' : found.join(' and ')}`,
      'combine several with andGroup or orGroup',
    );
  }

  #known(object: JsonObject, keys: readonly string[], path: string): void {
    for (const key of Object.keys(object)) {
      if (keys.includes(key)) continue;
      this.fail(
        `${path}.${key}`,
        `unknown key${didYouMean(key, keys)}`,
        keys.length === 0 ? 'it takes no keys' : `known here: ${keys.join(', ')}; keys are written as in the API (camelCase)`,
      );
    }
  }

  #word(value: JsonValue | undefined, words: readonly string[], path: string): void {
    if (typeof value === 'string' && words.includes(value)) return;
    this.fail(
      path,
      `expected one of ${words.join(', ')}, found ${shown(value)}${typeof value === 'string' ? didYouMean(value, words) : ''}`,
      'words are written as in the API',
    );
  }

  #name(value: JsonValue | undefined, path: string, names: readonly string[] | undefined, what: string): void {
    if (typeof value !== 'string' || value === '') return this.fail(path, `expected an API name, found ${shown(value)}`, 'e.g. fieldName: country');
    if (names && !names.includes(value)) {
      this.fail(
        path,
        `expected a ${what} of this report, found ${JSON.stringify(value)}${didYouMean(value, names)}`,
        `add it to ${what}s${what === 'metric' ? ' (invisible: true gives no column)' : ''}, or name one of ${names.join(', ')}`,
      );
    }
  }
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
