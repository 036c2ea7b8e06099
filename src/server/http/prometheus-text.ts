import type { Gauge } from './dependencies.js';

export type Labels = Readonly<Record<string, string>>;

/** Prometheus' text format 0.0.4. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface Counter {
  add(labels: Labels, n?: number): void;
  text(): string;
}

export interface Histogram {
  observe(labels: Labels, value: number): void;
  text(): string;
}

export function createCounter(name: string, help: string): Counter {
  const values = new Map<string, number>();
  return {
    add(labels, n = 1) {
      const key = formatLabels(labels);
      values.set(key, (values.get(key) ?? 0) + n);
    },
    text: () =>
      family(
        name,
        help,
        'counter',
        [...values].map(([labels, value]) => `${name}${labels} ${value}`),
      ),
  };
}

export function createHistogram(name: string, help: string, bounds: readonly number[]): Histogram {
  const series = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>();
  return {
    observe(labels, value) {
      const key = formatLabels(labels);
      let one = series.get(key);
      if (!one) series.set(key, (one = { labels, counts: bounds.map(() => 0), sum: 0, count: 0 }));
      bounds.forEach((bound, i) => {
        if (one && value <= bound) one.counts[i] = (one.counts[i] ?? 0) + 1;
      });
      one.sum += value;
      one.count++;
    },
    text() {
      const lines: string[] = [];
      for (const { labels, counts, sum, count } of series.values()) {
        bounds.forEach((bound, i) => lines.push(`${name}_bucket${formatLabels({ ...labels, le: String(bound) })} ${counts[i] ?? 0}`));
        lines.push(`${name}_bucket${formatLabels({ ...labels, le: '+Inf' })} ${count}`);
        lines.push(`${name}_sum${formatLabels(labels)} ${sum}`, `${name}_count${formatLabels(labels)} ${count}`);
      }
      return family(name, help, 'histogram', lines);
    },
  };
}

export function gaugeText({ name, help, samples }: Gauge): string {
  return family(
    name,
    help,
    name.endsWith('_total') ? 'counter' : 'gauge',
    samples.map(({ labels, value }) => `${name}${formatLabels(labels ?? {})} ${value}`),
  );
}

function family(name: string, help: string, type: string, lines: readonly string[]): string {
  return [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
