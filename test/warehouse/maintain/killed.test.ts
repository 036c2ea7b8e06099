import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { reachableFiles } from '../../../src/warehouse/maintain/reachable-files.js';
import { load, openFixture, readRows, type Fixture } from '../write/warehouse-fixture.js';

const test = suite<{ f: Fixture }>('killed compaction');
test.before.each(async (context) => {
  context.f = await openFixture();
  context.f.time = Date.now();
});
test.after.each(({ f }) => f.close());

const DAY = 86_400_000;
const request = { table: 'shop.t', schema: [{ name: 'id', type: 'long' }] } as const;

function runUntilKilled(f: Fixture, point: string): Promise<NodeJS.Signals | null> {
  const program = fileURLToPath(new URL('./killed-program.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, f.dir, point, String(f.time)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
}

/** Data files on disk that neither the table nor the record names. */
async function unknownFiles(f: Fixture): Promise<{ unknown: readonly string[]; total: number }> {
  const { metadata, metadataLocation } = await f.warehouse.catalog.loadTable('shop.t');
  const named = await reachableFiles(f.reopen().reader, metadataLocation, metadata);
  const recorded = new Set(await f.metastore.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, 1e6));
  const found: string[] = [];
  for await (const { uri } of f.warehouse.storage.list(`${metadata.location}/data`)) found.push(uri);
  return { unknown: found.filter((uri) => !named.has(uri) && !recorded.has(uri)), total: found.length };
}

/** Folders of work on its way, which hold no files any more or still do. */
async function stagingFolders(f: Fixture): Promise<readonly string[]> {
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  return readdir(fileURLToPath(`${metadata.location}/data/_staging`));
}

for (const [point, files] of [
  ['swap', 4],
  ['committed', 4],
] as const) {
  test(`kill -9 at ${point}: all rows are there, each file is known, and what is not needed goes later`, async ({ f }) => {
    for (let i = 0; i < 3; i++) await load(f, request, `SELECT ${i}::BIGINT AS id, 0 AS st`);
    assert.is(await runUntilKilled(f, point), 'SIGKILL');
    assert.equal(await unknownFiles(f), { unknown: [], total: files });
    assert.equal(await readRows(f, 'shop.t', 'list(id ORDER BY id) AS l'), [{ l: [0n, 1n, 2n] }]);
    const compacted = (await f.warehouse.catalog.loadTable('shop.t')).metadata.snapshots.length === 4;
    assert.is(compacted, point === 'committed');
    f.time += 4 * DAY;
    await f.warehouse.maintain();
    assert.equal(await stagingFolders(f), []);
    // The three old files stay for time travel, beside one new file.
    assert.equal(await unknownFiles(f), { unknown: [], total: 4 });
    assert.equal(await f.metastore.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, 10), []);
    assert.equal(await readRows(f, 'shop.t', 'list(id ORDER BY id) AS l'), [{ l: [0n, 1n, 2n] }]);
  });
}

test.run();
