import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../src/core/duckdb/index.js';
import { quoteLiteral } from '../../src/core/spi/index.js';

test('nothing of a file that was read stays in memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-file-cache-'));
  const database = await openDatabase({ threads: 1 });
  const connection = await database.connect();
  try {
    const file = quoteLiteral(join(folder, 'rows.parquet'));
    await connection.run(`COPY (SELECT range AS id, 'name ' || range % 7 AS name FROM range(100000)) TO ${file} (FORMAT parquet)`);
    assert.equal(await connection.rows(`SELECT count(DISTINCT id) AS n, max(name) AS name FROM read_parquet(${file})`), [
      { n: 100_000n, name: 'name 6' },
    ]);
    assert.equal(await connection.rows(`SELECT memory_usage_bytes AS bytes FROM duckdb_memory() WHERE tag = 'EXTERNAL_FILE_CACHE'`), [{ bytes: 0n }]);
  } finally {
    connection.close();
    database.close();
    await rm(folder, { recursive: true });
  }
});

test.run();
