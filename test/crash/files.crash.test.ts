import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject, Point } from '../../src/core/spi/index.js';
import { runProgram } from '../reliability/program.js';
import { FULL, makeProject, type Project } from '../reliability/project.js';

/** Points of a run whose target is a folder of files, from the first task to the end. */
const PLACES: readonly Point[] = [
  'task.staging_recorded',
  'objects.copied',
  'objects.staged',
  'task.report_stored',
  'commit.started',
  'objects.intent_written',
  'objects.one_published',
  'objects.published',
  'objects.manifest_written',
  'objects.replaced',
  'commit.state_stored',
  'commit.done',
  'cleanup.started',
];
const SHORT: ReadonlySet<Point> = new Set([
  'objects.staged',
  'objects.intent_written',
  'objects.one_published',
  'objects.manifest_written',
  'objects.replaced',
]);

function config(out: JsonObject): JsonObject {
  return {
    in: { type: 'file', path_prefix: 'in/', parser: { type: 'csv', columns: [{ name: 'id', type: 'long' }] } },
    out: { type: 'file', path_prefix: 'out/x_', formatter: { type: 'csv', header_line: false, newline: 'LF' }, max_file_size: '1KB', ...out },
    exec: { max_threads: 1 },
  };
}

/** Ids of all files that a reader would see, sorted. */
async function readIds(project: Project): Promise<number[]> {
  const base = join(project.root, 'out');
  const names = (await readdir(base, { recursive: true })).filter((name) => !name.startsWith('_sluice') && name.endsWith('.csv'));
  const texts = await Promise.all(names.map((name) => readFile(join(base, name), 'utf8')));
  return texts.flatMap((text) => text.trim().split('\n').map(Number)).sort((a, b) => a - b);
}

/** Names that the manifests list, and names that are there. */
async function compareWithManifests(project: Project, what: string): Promise<void> {
  const base = join(project.root, 'out');
  const all = await readdir(base, { recursive: true });
  const manifests = all.filter((name) => name.startsWith('_sluice') && !name.includes('/.') && name.endsWith('.json'));
  const listed = await Promise.all(
    manifests.map(async (name) =>
      (JSON.parse(await readFile(join(base, name), 'utf8')) as { files: { name: string }[] }).files.map((file) => file.name),
    ),
  );
  assert.equal(listed.flat().sort(), all.filter((name) => name.endsWith('.csv') && !name.startsWith('_sluice')).sort(), what);
}

for (const mode of ['append', 'replace']) {
  test(`kill -9 at the points of a run that writes files: ${mode}`, async () => {
    const project = await makeProject();
    try {
      await project.pipeline('files', config({ mode }));
      const ids: number[] = [];
      let round = 0;
      for (const point of PLACES) {
        if (!FULL && !SHORT.has(point)) continue;
        const fresh = Array.from({ length: 300 }, (_, i) => round * 1000 + i);
        await project.write(`in/${String(round++).padStart(3, '0')}.csv`, `${fresh.join('\n')}\n`);
        ids.push(...fresh);
        const end = await runProgram({ cwd: project.root, argv: ['run', 'files.yml'], kill: { point, occurrence: 1 } });
        assert.is(end.signal, 'SIGKILL', `${point}: exit ${end.code}\n${end.stderr}`);
        await project.must('run', 'files.yml');
        assert.equal(await readIds(project), ids, `${mode}, ${point}`);
        await compareWithManifests(project, `${mode}, ${point}`);
      }
    } finally {
      await project.remove();
    }
  });
}

test.run();
