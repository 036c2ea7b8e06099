import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { migrate } from '../../src/metastore/migrate.js';
import { MIGRATIONS } from '../../src/metastore/migrations/index.js';
import type { Migration } from '../../src/metastore/migrations/migration.js';
import { openConnection } from '../../src/metastore/open-connection.js';
import { openMetastore } from '../../src/metastore/index.js';
import { errorOf, keyFor } from './stores.js';
import type { TestStore } from './stores.js';

const NEXT = MIGRATIONS.length + 1;

/** Old databases are brought up to date, newer ones refused. */
export function runUpgrade(kind: 'sqlite' | 'postgresql', start: () => Promise<TestStore>): void {
  const test = suite(`upgrades on ${kind}`);
  let database: TestStore;
  test.before.each(async () => {
    database = await start();
  });
  test.after.each(async () => {
    await database.stop();
  });

  test('a later migration runs once, keeps what is there, and shuts out the older program', async () => {
    const store = await openMetastore(database.options);
    const key = keyFor(await store.projectId(), 'kept');
    await store.setState(key, 't', { n: 1 });
    let applied = 0;
    const later: Migration = {
      version: NEXT,
      name: 'one more column',
      apply: async (tx) => {
        applied++;
        await tx.run('ALTER TABLE sluice_states ADD COLUMN note TEXT');
      },
    };
    const connection = await openConnection(database.options);
    await migrate(connection, [...MIGRATIONS, later]);
    await migrate(connection, [...MIGRATIONS, later]);
    assert.is(applied, 1);
    assert.equal((await store.getState(key))?.state, { n: 1 });
    const records = await connection.reader.all('SELECT version, name FROM sluice_migrations ORDER BY version');
    assert.equal(records.at(-1)?.['version'], NEXT);
    assert.equal(records.at(-1)?.['name'], 'one more column');
    const error = await errorOf(() => openMetastore(database.options));
    assert.is(error.code, 'METASTORE_NEWER');
    assert.match(error.message, `expected schema version ${MIGRATIONS.length} or older, found ${NEXT}`);
    assert.match(error.hint ?? '', 'upgrade Sluice');
    await connection.close();
    await store.close();
  });

  test('a migration that fails leaves the database at its old version', async () => {
    const connection = await openConnection(database.options);
    await migrate(connection);
    const failing: Migration = {
      version: NEXT,
      name: 'fails half way',
      apply: async (tx) => {
        await tx.run('CREATE TABLE half_done (n INT)');
        throw new Error('half way');
      },
    };
    assert.is((await errorOf(() => migrate(connection, [...MIGRATIONS, failing]))).message, 'half way');
    assert.not.ok(await connection.dialect.hasTable(connection.reader, 'half_done'));
    assert.is((await connection.reader.get('SELECT MAX(version) AS v FROM sluice_migrations'))?.['v'], MIGRATIONS.length);
    await connection.close();
  });

  test(`another engine's catalog is taken over, also in Iceberg's older schema`, async () => {
    const connection = await openConnection(database.options);
    await connection.transaction(async (tx) => {
      await tx.run(`CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
        metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, table_name))`);
      await tx.run(`INSERT INTO iceberg_tables VALUES ('sluice', 'theirs', 't', 'file:///1', NULL)`);
    });
    const store = await openMetastore(database.options);
    assert.is((await store.catalog.getTable('theirs', 't'))?.icebergType, null);
    assert.is(await store.transaction((tx) => store.catalog.swapTable(tx, 'theirs', 't', 'file:///1', 'file:///2')), true);
    await connection.transaction((tx) =>
      tx.run(
        `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type) VALUES ('sluice', 'theirs', 'v', 'file:///v', 'VIEW')`,
      ),
    );
    assert.is(await store.catalog.getTable('theirs', 'v'), undefined);
    assert.equal(
      (await store.catalog.listTables('theirs')).map((row) => row.icebergType),
      [null, 'VIEW'],
    );
    assert.is(await store.transaction((tx) => store.catalog.swapTable(tx, 'theirs', 'v', 'file:///v', 'file:///2')), false);
    assert.is(await store.transaction((tx) => store.catalog.deleteTable(tx, 'theirs', 'v', 'file:///v')), false);
    assert.is(await store.transaction((tx) => store.catalog.insertTable(tx, 'theirs', 'v', 'file:///2')), false);
    await store.close();
    await connection.close();
  });

  test('versions count up without gaps', () => {
    assert.equal(
      MIGRATIONS.map((each) => each.version),
      MIGRATIONS.map((_, i) => i + 1),
    );
  });

  test.run();
}
