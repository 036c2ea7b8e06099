/** What visitors did: one row of the property's raw data. */
export interface Hit {
  /** Local minute `YYYYMMDDhhmm` in the property's zone. */
  readonly minute: string;
  readonly dimensions?: { readonly [name: string]: string };
  readonly metrics: { readonly [name: string]: number };
}

export interface PropertyField {
  readonly apiName: string;
  readonly uiName: string;
  readonly type?: string;
  readonly deprecatedApiNames?: readonly string[];
  readonly blockedReasons?: readonly string[];
}

/** What the server answers from. Tests change it between requests. */
export interface AnalyticsProperty {
  number: string;
  timeZone: string;
  currencyCode: string;
  dimensions: PropertyField[];
  metrics: PropertyField[];
  hits: Hit[];
  /** Today in the property's zone, `YYYYMMDD`. */
  today: string;
  /** Pairs that cannot stand in one report. */
  incompatible: [string, string][];
  /** Merged into the metadata of every report. */
  reportMetadata: object;
  propertyQuota: object;
}

interface Order {
  readonly desc?: boolean;
  readonly dimension?: { readonly dimensionName: string };
  readonly metric?: { readonly metricName: string };
}

/** A runReport body that has passed the protobuf check. */
export interface ReportBody {
  readonly dimensions?: readonly { readonly name: string }[];
  readonly metrics?: readonly { readonly name: string; readonly expression?: string; readonly invisible?: boolean }[];
  readonly dateRanges?: readonly { readonly startDate: string; readonly endDate: string }[];
  readonly dimensionFilter?: Expression;
  readonly orderBys?: readonly Order[];
  readonly offset?: string;
  readonly limit?: string;
  readonly returnPropertyQuota?: boolean;
  readonly currencyCode?: string;
}

interface Expression {
  readonly andGroup?: { readonly expressions: readonly Expression[] };
  readonly orGroup?: { readonly expressions: readonly Expression[] };
  readonly notExpression?: Expression;
  readonly filter?: {
    readonly fieldName: string;
    readonly stringFilter?: { readonly value: string };
    readonly inListFilter?: { readonly values: readonly string[] };
  };
}

export function makeProperty(): AnalyticsProperty {
  return {
    number: '123456789',
    timeZone: 'Asia/Tokyo',
    currencyCode: 'JPY',
    dimensions: [
      { apiName: 'date', uiName: 'Date' },
      { apiName: 'dateHour', uiName: 'Date + hour (YYYYMMDDHH)' },
      { apiName: 'dateHourMinute', uiName: 'Date hour and minute' },
      { apiName: 'hour', uiName: 'Hour' },
      { apiName: 'country', uiName: 'Country', deprecatedApiNames: ['nation'] },
      { apiName: 'deviceCategory', uiName: 'Device category' },
      { apiName: 'itemName', uiName: 'Item name' },
      { apiName: 'customEvent:level_name', uiName: 'Level' },
    ],
    metrics: [
      { apiName: 'activeUsers', uiName: 'Active users', type: 'TYPE_INTEGER' },
      { apiName: 'eventCount', uiName: 'Event count', type: 'TYPE_INTEGER' },
      { apiName: 'totalRevenue', uiName: 'Total revenue', type: 'TYPE_CURRENCY' },
      { apiName: 'averageSessionDuration', uiName: 'Average session duration', type: 'TYPE_SECONDS' },
      { apiName: 'advertiserAdCost', uiName: 'Ads cost', type: 'TYPE_CURRENCY', blockedReasons: ['NO_COST_METRICS'] },
    ],
    hits: [],
    today: '20240510',
    incompatible: [['itemName', 'activeUsers']],
    reportMetadata: {},
    propertyQuota: {
      tokensPerDay: { consumed: 5, remaining: 199_990 },
      tokensPerHour: { consumed: 5, remaining: 39_990 },
      concurrentRequests: { consumed: 0, remaining: 10 },
      serverErrorsPerProjectPerHour: { consumed: 0, remaining: 10 },
      potentiallyThresholdedRequestsPerHour: { consumed: 0, remaining: 120 },
      tokensPerProjectPerHour: { consumed: 5, remaining: 13_990 },
    },
  };
}

/** Groups, sorts and cuts the hits as a report does. */
export function answerReport(property: AnalyticsProperty, body: ReportBody): object {
  const dimensions = (body.dimensions ?? []).map((d) => d.name);
  const metrics = (body.metrics ?? []).filter((m) => m.invisible !== true);
  const groups = new Map<string, { keys: string[]; sums: number[] }>();
  for (const hit of property.hits) {
    const day = hit.minute.slice(0, 8);
    const inRange = (body.dateRanges ?? []).some((r) => dayOf(r.startDate, property) <= day && day <= dayOf(r.endDate, property));
    if (!inRange || (body.dimensionFilter && !matches(body.dimensionFilter, hit))) continue;
    const keys = dimensions.map((name) => dimensionOf(hit, name));
    const group = groups.get(keys.join('\u0000')) ?? { keys, sums: metrics.map(() => 0) };
    metrics.forEach((m, i) => (group.sums[i] = (group.sums[i] ?? 0) + (hit.metrics[m.name] ?? 0)));
    groups.set(keys.join('\u0000'), group);
  }
  const rows = [...groups.values()].sort(
    byOrder(
      body.orderBys ?? [],
      dimensions,
      metrics.map((m) => m.name),
    ),
  );
  const from = Number(body.offset ?? 0);
  const page = rows.slice(from, from + Number(body.limit ?? 10_000));
  return {
    dimensionHeaders: dimensions.map((name) => ({ name })),
    metricHeaders: metrics.map(({ name, expression }) => ({
      name,
      type: expression === undefined ? (property.metrics.find((m) => m.apiName === name)?.type ?? 'TYPE_FLOAT') : 'TYPE_FLOAT',
    })),
    ...(page.length === 0
      ? {}
      : {
          rows: page.map(({ keys, sums }) => ({
            dimensionValues: keys.map((value) => ({ value })),
            metricValues: sums.map((n) => ({ value: String(n) })),
          })),
        }),
    rowCount: rows.length,
    metadata: { currencyCode: body.currencyCode ?? property.currencyCode, timeZone: property.timeZone, ...property.reportMetadata },
    ...(body.returnPropertyQuota === true ? { propertyQuota: property.propertyQuota } : {}),
    kind: 'analyticsData#runReport',
  };
}

/** What the API refuses beyond its types; the first problem, in its words. */
export function refuseReport(property: AnalyticsProperty, body: ReportBody): string | undefined {
  const dimensions = (body.dimensions ?? []).map((d) => d.name);
  const metrics = (body.metrics ?? []).map((m) => m.name);
  const known = (fields: readonly PropertyField[], name: string): boolean =>
    fields.some((f) => f.apiName === name || f.deprecatedApiNames?.includes(name) === true);
  for (const { name, ...rest } of body.dimensions ?? []) {
    if (Object.keys(rest).length === 0 && !known(property.dimensions, name)) return `Field ${name} is not a valid dimension.`;
  }
  for (const { name, expression } of body.metrics ?? []) {
    if (expression === undefined && !known(property.metrics, name)) return `Field ${name} is not a valid metric.`;
  }
  if (metrics.length === 0 && dimensions.length === 0) return 'A request must have at least one dimension or metric.';
  if (dimensions.length > 9 || metrics.length > 10) return 'Requests are limited to 9 dimensions and 10 metrics.';
  const limit = Number(body.limit ?? 10_000);
  if (limit < 1 || limit > 250_000) return 'The value of limit must be positive and at most 250000.';
  for (const { dimension, metric } of body.orderBys ?? []) {
    if (dimension && !dimensions.includes(dimension.dimensionName)) return `Dimension ${dimension.dimensionName} of orderBys is not in the request.`;
    if (metric && !metrics.includes(metric.metricName)) return `Metric ${metric.metricName} of orderBys is not in the request.`;
  }
  for (const { startDate, endDate } of body.dateRanges ?? []) {
    for (const text of [startDate, endDate]) if (!/^(\d{4}-\d{2}-\d{2}|today|yesterday|\d+daysAgo)$/.test(text)) return `Invalid date: ${text}.`;
    if (dayOf(startDate, property) > dayOf(endDate, property)) return 'startDate must be before endDate.';
  }
  if (incompatibleNames(property, [...dimensions, ...metrics]).length > 0) {
    return "Please remove fields to make the request compatible. The request's dimensions & metrics are incompatible.";
  }
  return undefined;
}

export function incompatibleNames(property: AnalyticsProperty, names: readonly string[]): string[] {
  return property.incompatible.filter((pair) => pair.every((name) => names.includes(name))).flat();
}

function dayOf(text: string, property: AnalyticsProperty): string {
  const today = Date.parse(`${property.today.slice(0, 4)}-${property.today.slice(4, 6)}-${property.today.slice(6)}`);
  const ago = text === 'today' ? 0 : text === 'yesterday' ? 1 : /^(\d+)daysAgo$/.exec(text)?.[1];
  const day = ago === undefined ? text : new Date(today - Number(ago) * 86_400_000).toISOString().slice(0, 10);
  return day.replaceAll('-', '');
}

function dimensionOf(hit: Hit, name: string): string {
  if (name in (hit.dimensions ?? {})) return hit.dimensions?.[name] ?? '';
  if (name === 'date') return hit.minute.slice(0, 8);
  if (name === 'dateHour') return hit.minute.slice(0, 10);
  if (name === 'dateHourMinute') return hit.minute;
  if (name === 'hour') return hit.minute.slice(8, 10);
  return '(not set)';
}

function matches(expression: Expression, hit: Hit): boolean {
  if (expression.andGroup) return expression.andGroup.expressions.every((e) => matches(e, hit));
  if (expression.orGroup) return expression.orGroup.expressions.some((e) => matches(e, hit));
  if (expression.notExpression) return !matches(expression.notExpression, hit);
  const { fieldName = '', stringFilter, inListFilter } = expression.filter ?? {};
  const value = dimensionOf(hit, fieldName);
  return stringFilter ? value === stringFilter.value : inListFilter?.values.includes(value) === true;
}

type Group = { readonly keys: readonly string[]; readonly sums: readonly number[] };

function byOrder(orders: readonly Order[], dimensions: readonly string[], metrics: readonly string[]): (a: Group, b: Group) => number {
  const compare = <T>(a: T | undefined, b: T | undefined): number => (a === b ? 0 : (a as T) < (b as T) ? -1 : 1);
  return (a, b) => {
    for (const { dimension, metric, desc } of orders) {
      const [d, m] = [dimensions.indexOf(dimension?.dimensionName ?? ''), metrics.indexOf(metric?.metricName ?? '')];
      const order = dimension ? compare(a.keys[d], b.keys[d]) : compare(a.sums[m], b.sums[m]);
      if (order !== 0) return desc === true ? -order : order;
    }
    return 0;
  };
}
