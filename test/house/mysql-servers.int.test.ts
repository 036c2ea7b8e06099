import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createConnection } from 'mysql2/promise';
import { startMariadb } from '../servers/mariadb.js';
import type { MysqlServer } from '../servers/mysql-family.js';
import { startMysql } from '../servers/mysql.js';

async function queryOne(server: MysqlServer, sql: string): Promise<unknown> {
  const connection = await server.connect();
  try {
    const [rows] = await connection.query(sql);
    return (rows as { value: unknown }[])[0]?.value;
  } finally {
    await connection.end();
  }
}

for (const [start, version] of [
  [startMysql, /^8\./],
  [startMariadb, /MariaDB/],
] as const) {
  test(`${start.name}: starts, keeps its data over a crash, asks for TLS where it must, and leaves nothing behind`, async () => {
    const server = await start({ settings: { 'net-write-timeout': '7' } });
    try {
      assert.match(String(await queryOne(server, 'SELECT version() AS value')), version);
      assert.is(await queryOne(server, 'SELECT @@net_write_timeout AS value'), '7');
      await server.run(`CREATE TABLE kept (v VARCHAR(20)); INSERT INTO kept VALUES ('é€😀')`);
      await server.restart('clean');
      assert.is(await queryOne(server, 'SELECT v AS value FROM kept'), 'é€😀');
      await server.run(`CREATE DATABASE other; CREATE TABLE other.t (v INT); INSERT INTO other.t VALUES (1)`);
      await server.restart('crash');
      assert.is(await queryOne(server, 'SELECT v AS value FROM kept'), 'é€😀');

      const { host, port, password } = server;
      const account = { host: 'localhost', port, user: 'tls_only', password };
      const secure = await createConnection({ ...account, ssl: { ca: server.tls.ca, verifyIdentity: true } });
      await secure.end();
      const plain = await createConnection({ ...account, host }).then(
        () => 'connected',
        (error: { code?: string }) => error.code,
      );
      assert.is(plain, 'ER_ACCESS_DENIED_ERROR');
    } finally {
      await server.stop();
    }
    const refused = await server.connect().then(
      () => 'connected',
      (error: { code?: string }) => error.code,
    );
    assert.is(refused, 'ECONNREFUSED');
  });
}

test.run();
