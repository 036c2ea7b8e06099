import { gzipSync } from 'node:zlib';
import { POINTS, type JsonObject } from '../../src/core/spi/index.js';
import { makeProject, type Project, type ProjectOptions } from '../reliability/project.js';

/** Those that a run into the warehouse reaches: other targets have points of their own. */
export const WAREHOUSE_POINTS = POINTS.filter((point) => !/^objects\.|^commit\.(target|ledger)_/.test(point));

/** Rows of one round: each round adds files, so that a table lives through all the crashes of a scenario. */
const ROWS = 12;

/** What the table holds after a round, and what it rejected. */
export interface Expected {
  /** `id` of every row, sorted. */
  readonly ids: readonly number[];
  readonly rejected: number;
}

export interface Scenario {
  readonly name: string;
  readonly config: JsonObject;
  /** Writes the files of round `n` (from 0). */
  addFiles(project: Project, round: number): Promise<void>;
  /** After rounds 0…n have committed. */
  expect(round: number): Expected;
  /** A further run finds nothing to do; in `replace` mode it loads the same again. */
  readonly replaces: boolean;
}

const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
  { name: 'at', type: 'timestamp' },
];

function firstId(round: number, part: number): number {
  return round * 1000 + part * 100;
}

function ids(from: number): number[] {
  return Array.from({ length: ROWS }, (_, i) => from + i);
}

function csv(from: number, bad: readonly string[] = []): string {
  const rows = ids(from).map((id) => `${id},"name, ${id}",2026-01-0${1 + (id % 3)} 10:00:00`);
  return `id,name,at\n${[...rows.slice(0, 5), ...bad, ...rows.slice(5)].join('\n')}\n`;
}

/** Ids up to a round of files with these numbers of parts. */
function allIds(rounds: readonly number[], parts: number): number[] {
  return rounds.flatMap((round) => Array.from({ length: parts }, (_, part) => ids(firstId(round, part))).flat()).sort((a, b) => a - b);
}

function upTo(round: number): number[] {
  return Array.from({ length: round + 1 }, (_, i) => i);
}

const input = (parser: JsonObject = {}): JsonObject => ({
  type: 'file',
  paths: ['data/**/*'],
  parser: { type: 'csv', skip_header_lines: 1, columns: COLUMNS, ...parser },
});
const output = (more: JsonObject = {}): JsonObject => ({ type: 'warehouse', table: 'shop.t', time_column: 'at', ...more });

/** Two tasks (plain and gz), a bad value in one and a bad shape in the other, both kept. */
const rejects: Scenario = {
  name: 'two tasks with rejects',
  config: { in: input(), out: output(), exec: { max_rejects: 1000, max_threads: 2 } },
  async addFiles(project, round) {
    await project.write(`data/${round}-a.csv`, csv(firstId(round, 0), ['x,bad,2026-01-01 10:00:00']));
    await project.write(`data/${round}-b.csv.gz`, gzipSync(csv(firstId(round, 1), ['1,2,3,4,5'])));
  },
  expect: (round) => ({ ids: allIds(upTo(round), 2), rejected: 2 * (round + 1) }),
  replaces: false,
};

/** A barrier after the spool: the `sql` filter sees the rows of both tasks at once. */
const whole: Scenario = {
  name: 'a whole-run filter',
  config: {
    in: input(),
    filters: [
      { type: 'where', condition: 'id % 2 = 0' },
      { type: 'sql', query: 'SELECT id, name, "at" FROM input ORDER BY id' },
    ],
    out: output(),
  },
  async addFiles(project, round) {
    await project.write(`data/${round}-a.csv`, csv(firstId(round, 0)));
    await project.write(`data/${round}-b.csv.gz`, gzipSync(csv(firstId(round, 1))));
  },
  expect: (round) => ({ ids: allIds(upTo(round), 2).filter((id) => id % 2 === 0), rejected: 0 }),
  replaces: false,
};

/** Each round's files take the place of those of the round before. */
const replace: Scenario = {
  name: 'replace',
  config: { in: { ...input(), paths: ['data/**/*'] }, out: output({ mode: 'replace' }) },
  async addFiles(project, round) {
    await project.write('data/a.csv', csv(firstId(round, 0)));
    await project.write('data/b.csv.gz', gzipSync(csv(firstId(round, 1))));
  },
  expect: (round) => ({ ids: allIds([round], 2), rejected: 0 }),
  replaces: true,
};

/** Our own tokenizer over compressed files in several folders: every task writes spool segments. */
const spool: Scenario = {
  name: 'own tokenizer, spool',
  config: { in: input({ trim_if_not_quoted: true, delimiter: ',' }), out: output({ partition_by: ['bucket(2, id)'] }), exec: { max_threads: 1 } },
  async addFiles(project, round) {
    for (const part of [0, 1, 2]) await project.write(`data/part=${part}/${round}.csv.gz`, gzipSync(csv(firstId(round, part))));
  },
  expect: (round) => ({ ids: allIds(upTo(round), 3), rejected: 0 }),
  replaces: false,
};

export const SCENARIOS: readonly Scenario[] = [rejects, whole, replace, spool];

export async function makeScenario(scenario: Scenario, options: ProjectOptions = {}): Promise<Project> {
  const project = await makeProject(options);
  await project.pipeline('load', scenario.config);
  return project;
}
