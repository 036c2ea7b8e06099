import type { analyticsdata_v1beta } from 'googleapis/build/src/apis/analyticsdata/v1beta.js';
import { didYouMean, type ConfigPlace, type JsonObject } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import type { GoogleAnalyticsConfig } from './config.js';
import type { ReportShape } from './report-shape.js';

export type Metadata = analyticsdata_v1beta.Schema$Metadata;
type Field = analyticsdata_v1beta.Schema$DimensionMetadata | analyticsdata_v1beta.Schema$MetricMetadata;
export type Compatibility = analyticsdata_v1beta.Schema$CheckCompatibilityResponse;

/** Finds names that the property does not have; answers notes about deprecated and blocked ones. */
export function checkNames(config: GoogleAnalyticsConfig, shape: ReportShape, metadata: Metadata, place: ConfigPlace): readonly string[] {
  const dimensions = byName(metadata.dimensions ?? []);
  const metrics = byName(metadata.metrics ?? []);
  const notes: string[] = [];
  const check = (name: string, path: string, kind: 'dimension' | 'metric'): void => {
    const [own, other] = kind === 'dimension' ? [dimensions, metrics] : [metrics, dimensions];
    const field = own.get(name);
    if (!field) throw unknownName(name, path, kind, own, other.has(name), config, place);
    if (field.apiName !== name) notes.push(`${kind} ${name} is deprecated: its name is now ${field.apiName ?? ''}`);
    const blocked = (field as { blockedReasons?: readonly string[] | null }).blockedReasons ?? [];
    if (blocked.length > 0) notes.push(`metric ${name} is blocked for these credentials (${blocked.join(', ')}): all its values are 0`);
  };
  shape.dimensions.forEach((dimension, i) => {
    const { dimensionExpression: expression } = dimension;
    if (expression === undefined) return check(dimension.name, `dimensions[${i}]`, 'dimension');
    for (const [name, path] of namesWithin(expression)) check(name, `dimensions[${i}].dimensionExpression.${path}`, 'dimension');
  });
  // Expressions have a syntax of their own; the probing request judges them.
  shape.metrics.forEach((metric, i) => void (metric.expression === undefined && check(metric.name, `metrics[${i}]`, 'metric')));
  for (const [name, path] of filterFields(config.dimension_filter, 'dimension_filter')) {
    if (!shape.dimensions.some((dimension) => dimension.name === name)) check(name, path, 'dimension');
  }
  return notes;
}

/** What keeps these fields from standing in one report; undefined when nothing is known to. */
export function incompatibleFields(shape: ReportShape, answer: Compatibility): readonly string[] {
  const names = new Set([...shape.dimensions, ...shape.metrics].map(({ name }) => name));
  const bad = [
    ...(answer.dimensionCompatibilities ?? []).map((c) => [c.compatibility, c.dimensionMetadata?.apiName] as const),
    ...(answer.metricCompatibilities ?? []).map((c) => [c.compatibility, c.metricMetadata?.apiName] as const),
  ];
  return bad.flatMap(([compatibility, name]) => (compatibility === 'INCOMPATIBLE' && typeof name === 'string' && names.has(name) ? [name] : []));
}

export function incompatibleProblem(fields: readonly string[], shape: ReportShape, place: ConfigPlace): Error {
  const [first = ''] = fields;
  const metric = shape.metrics.findIndex(({ name }) => name === first);
  const path = metric >= 0 ? `metrics[${metric}]` : `dimensions[${shape.dimensions.findIndex(({ name }) => name === first)}]`;
  return configProblem(place, path, {
    code: 'GA_INCOMPATIBLE',
    message: `these cannot stand in one report: ${fields.join(', ')}`,
    hint: 'they have different scopes (user, session, event, item): leave some out, or make a report of each kind',
  });
}

function unknownName(
  name: string,
  path: string,
  kind: 'dimension' | 'metric',
  known: ReadonlyMap<string, Field>,
  isOther: boolean,
  config: GoogleAnalyticsConfig,
  place: ConfigPlace,
): Error {
  const other = kind === 'dimension' ? 'metric' : 'dimension';
  // A custom field is easily written without its prefix.
  const custom = [...known.keys()].find((full) => full.endsWith(`:${name}`));
  const meant = custom === undefined ? didYouMean(name, known.keys()) : `, did you mean ${JSON.stringify(custom)}?`;
  return configProblem(place, path, {
    code: 'GA_UNKNOWN_NAME',
    message: `expected a ${kind} of property ${String(config.property)}, found ${JSON.stringify(name)}${isOther ? `, which is a ${other}` : meant}`,
    hint: isOther ? `move it to ${other}s` : `names are as in the API (camelCase, custom ones as customEvent:name); ${known.size} ${kind}s are known`,
  });
}

function byName(fields: readonly Field[]): Map<string, Field> {
  const names = new Map<string, Field>();
  for (const field of fields) for (const name of field.deprecatedApiNames ?? []) names.set(name, field);
  for (const field of fields) if (typeof field.apiName === 'string') names.set(field.apiName, field);
  return names;
}

function namesWithin(expression: JsonObject): [name: string, path: string][] {
  return Object.entries(expression).flatMap(([kind, inner]): [string, string][] => {
    if (typeof inner !== 'object' || inner === null) return [];
    const { dimensionName, dimensionNames } = inner as JsonObject;
    if (typeof dimensionName === 'string') return [[dimensionName, `${kind}.dimensionName`]];
    if (!Array.isArray(dimensionNames)) return [];
    return dimensionNames.flatMap((name, i) => (typeof name === 'string' ? [[name, `${kind}.dimensionNames[${i}]`] as [string, string]] : []));
  });
}

function* filterFields(value: unknown, path: string): Generator<[name: string, path: string]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    if (key === 'fieldName' && typeof inner === 'string') yield [inner, at];
    else yield* filterFields(inner, at);
  }
}
