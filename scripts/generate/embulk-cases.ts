import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../src/core/spi/index.js';
import { escapeCell } from './markdown.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly input: JsonValue;
  readonly expected: JsonValue;
}

interface Difference {
  readonly result: JsonValue;
  readonly reason: string;
}

/** Areas that have no counterpart here: there is no formatter of files. */
const WITHOUT_COUNTERPART: ReadonlySet<string> = new Set(['csv_format_field']);
const START = '<!-- generated: cases -->';
const END = '<!-- end of generated part -->';

/** The page with the table between its marks made anew from the lists that the conformance tests use. */
export async function writeEmbulkPage(page: string, folder: string): Promise<string> {
  const from = page.indexOf(START);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/embulk-differences.md: expected the marks ${START} and ${END}`);
  return `${page.slice(0, from)}${START}\n${await writeCases(folder)}${page.slice(to)}`;
}

async function writeCases(folder: string): Promise<string> {
  const all = JSON.parse(await readFile(join(folder, 'embulk-cases.json'), 'utf8')) as readonly Case[];
  const cases = all.filter(({ area }) => !WITHOUT_COUNTERPART.has(area));
  const rows: string[] = [];
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('-differences.json')).sort()) {
    const differences = JSON.parse(await readFile(join(folder, file), 'utf8')) as { readonly [name: string]: Difference };
    for (const [name, { result, reason }] of Object.entries(differences)) {
      const known = cases.find((c) => c.name === name);
      if (known === undefined) throw new Error(`${file}: there is no case "${name}" in embulk-cases.json`);
      const [embulk, sluice] = compare(known.expected, result);
      rows.push(`| ${known.area}: ${name.replace(/-QUIRK$/, '')} | ${show(embulk)} | ${show(sluice)} | ${escapeCell(reason)} |`);
    }
  }
  const title = `Of ${cases.length} cases taken from Embulk's documentation and tests, ${cases.length - rows.length} give the same result and ${rows.length} another one:`;
  return [title, '', '| case | Embulk | Sluice | why |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** Of two objects only what differs. */
function compare(expected: JsonValue, result: JsonValue): readonly [JsonValue | undefined, JsonValue | undefined] {
  if (Array.isArray(expected) && Array.isArray(result) && expected.every(isObject) && result.every(isObject) && expected.length === result.length) {
    const pairs = expected.flatMap((item, i) => {
      const name = item['name'];
      const [a, b] = compare(item, result[i] as JsonValue) as [JsonObject, JsonObject];
      return JSON.stringify(a) === JSON.stringify(b)
        ? []
        : [
            [
              { ...(name === undefined ? {} : { name }), ...a },
              { ...(name === undefined ? {} : { name }), ...b },
            ] as const,
          ];
    });
    return [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
  }
  if (!isObject(expected) || !isObject(result)) return [expected, result];
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(result)])].filter(
    (key) => JSON.stringify(expected[key]) !== JSON.stringify(result[key]),
  );
  const pairs = keys.map(
    (key) =>
      [key, expected[key] === undefined || result[key] === undefined ? [expected[key], result[key]] : compare(expected[key], result[key])] as const,
  );
  const side = (at: 0 | 1): JsonObject => Object.fromEntries(pairs.flatMap(([key, values]) => (values[at] === undefined ? [] : [[key, values[at]]])));
  return [side(0), side(1)];
}

const LONGEST = 160;

function show(value: JsonValue | undefined): string {
  if (value === 'error') return 'an error or a reject';
  const text = JSON.stringify(value ?? null).replaceAll('\0', String.raw`\0`);
  return `\`${escapeCell(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)}\``;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
