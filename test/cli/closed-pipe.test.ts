import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS } from './desk.js';

const BIN = fileURLToPath(new URL('../../bin/sluice.cjs', import.meta.url));

/** The built command, whose stdout is closed after its first bytes, like that of `sluice … | head -1`. */
async function readBeginning(desk: Desk, ...args: string[]): Promise<{ code: number | null; first: string; stderr: string }> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: desk.folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  child.stdout.destroy();
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, first: first.toString(), stderr };
}

for (const format of ['csv', 'table', 'jsonl']) {
  test(`a query ends quietly when its reader has seen enough: ${format}`, async () => {
    const desk = new Desk();
    try {
      desk.write('sluice.yml', 'name: test\n');
      const { code, first, stderr } = await readBeginning(desk, 'query', 'SELECT range AS n FROM range(3000000)', '--format', format);
      assert.is(code, 141);
      assert.match(first, 'n');
      assert.is(stderr, '');
    } finally {
      desk.remove();
    }
  });
}

test('an export to standard output whose reader leaves is cancelled, without a stack', async () => {
  const desk = new Desk();
  try {
    desk.write('sluice.yml', 'name: test\n');
    const { code, stderr } = await readBeginning(desk, 'export', 'SELECT range AS n FROM range(3000000)', '--to', 'stdout');
    assert.is(code, 141);
    assert.not.match(stderr, 'EPIPE');
    assert.is((await desk.json<{ status: string }>(['runs']))[0]?.status, 'cancelled');
  } finally {
    desk.remove();
  }
});

test('a load goes on when only the reader of its progress is gone', async () => {
  const desk = new Desk();
  try {
    desk.write('sluice.yml', 'name: test\n');
    desk.write('data/orders_1.csv', csv(1, 2));
    desk.write('orders.yml', ORDERS);
    const child = spawn(process.execPath, [BIN, 'run', 'orders.yml', '--log-level', 'debug'], {
      cwd: desk.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(child.stderr, 'data');
    child.stderr.destroy();
    const [code] = (await once(child, 'close')) as [number | null];
    assert.is(code, 0);
    assert.equal(await desk.ids(), [1, 2]);
  } finally {
    desk.remove();
  }
});

(process.platform === 'linux' ? test : test.skip)('a full disk below stdout is an error like any other, below stderr it stops nothing', async () => {
  const desk = new Desk();
  try {
    desk.write('sluice.yml', 'name: test\n');
    for (const query of ['SELECT 1', 'SELECT range AS n FROM range(300000)']) {
      const { code, stderr } = await withFullDisk(desk, 'stdout', 'query', query);
      assert.is(code, 4);
      assert.match(stderr, /^error DISK_FULL: writing to standard output: ENOSPC[^\n]*\nhint: free disk space there[^\n]*\n$/);
      assert.not.match(stderr, /temp_dir/);
    }
    desk.write('data/orders_1.csv', csv(1, 2));
    desk.write('orders.yml', ORDERS);
    assert.is((await withFullDisk(desk, 'stderr', 'run', 'orders.yml')).code, 0);
    assert.equal(await desk.ids(), [1, 2]);
  } finally {
    desk.remove();
  }
});

async function withFullDisk(desk: Desk, stream: 'stdout' | 'stderr', ...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: desk.folder,
    stdio: ['ignore', stream === 'stdout' ? full : 'ignore', stream === 'stderr' ? full : 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  closeSync(full);
  return { code, stderr };
}

test.run();
