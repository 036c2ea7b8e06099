import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { testCacheFolder } from '../test/servers/cache.js';

const run = promisify(execFile);

/** As measured; the ADBC driver is what dlt writes PostgreSQL with. */
const PACKAGES = [
  ...['sling-linux-amd64==1.4.11'],
  ...['dlt[postgres,filesystem,parquet]==1.31.0', 'connectorx==0.4.6', 'sqlalchemy==2.0.44', 'psycopg2-binary==2.9.13'],
  ...['duckdb==1.5.6', 'pyarrow==26.0.1', 'pandas==3.1.1', 'adbc-driver-manager==1.13.0', 'adbc-driver-postgresql==1.13.0'],
];

export interface PeerPrograms {
  readonly python: string;
  readonly sling: string;
  readonly versions: string;
}

/** Installs the peers from PyPI into a folder of the cache, once. */
export async function installPeers(): Promise<PeerPrograms> {
  const key = createHash('sha256').update(PACKAGES.join('\n')).digest('hex').slice(0, 12);
  const venv = join(testCacheFolder(), `peers-${key}`);
  const bin = join(venv, 'bin');
  if (!existsSync(join(venv, 'complete'))) {
    rmSync(venv, { recursive: true, force: true });
    mkdirSync(testCacheFolder(), { recursive: true });
    console.log(`installing ${PACKAGES.join(', ')}`);
    await run('python3', ['-m', 'venv', venv]);
    await run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
    writeFileSync(join(venv, 'complete'), '');
  }
  const { stdout } = await run(join(bin, 'python'), ['-c', 'import sling_linux_amd64 as s; print(s.__path__[0])']);
  const sling = join(stdout.trim(), 'bin', 'sling-linux-amd64');
  return { python: join(bin, 'python'), sling, versions: 'Sling 1.4.11, dlt 1.31.0 with connectorx 0.4.6' };
}
