import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Point } from '../../../src/core/spi/index.js';
import { TestProject } from '../../engine/project.js';
import { startSftp, type SftpServer } from '../../servers/sftp.js';

const test = suite('output sftp');
let server: SftpServer;

test.before(async () => {
  server = await startSftp();
});
test.after(() => server.stop());

interface Options {
  readonly login?: string;
  readonly more?: string;
  readonly incremental?: boolean;
}

/** A project that sends two files to the server. */
function makeProject(folder: string, { login, more = 'mode: append', incremental = false }: Options = {}): TestProject {
  const project = new TestProject();
  project.write('a.csv', 'id,name\n1,x\n2,y\n');
  project.write('b.csv.gz', gzipSync('id,name\n3,z\n'));
  project.write('key', server.privateKey);
  project.write(
    'p.yml',
    `in: {type: file, paths: ["*.csv*"], incremental: ${incremental}, parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}, {name: name, type: string}]}}
out:
  type: sftp
  host: ${server.host}
  port: ${server.port}
  user: ${server.user}
  ${login ?? `private_key: {file: key}\n  known_hosts: ${server.knownHosts}`}
  path_prefix: ${folder}/orders_
  formatter: {type: csv, newline: LF}
  ${more}
`,
  );
  return project;
}

/** Objects below a folder of the server, without Sluice's own. */
function objects(folder: string): Map<string, string> {
  const base = join(server.folder, folder);
  const names = readdirSync(base, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.parentPath.includes('_sluice'),
  );
  return new Map(names.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), 'utf8')]));
}

function stagedLeft(folder: string): readonly string[] {
  return (
    readdirSync(join(server.folder, folder, '_sluice'), { recursive: true, withFileTypes: true }) as readonly {
      name: string;
      parentPath: string;
      isFile(): boolean;
    }[]
  )
    .filter((entry) => entry.isFile() && /\.(staging|commits)/.test(entry.parentPath))
    .map((entry) => entry.name);
}

test('sends each file whole, with a manifest, and leaves nothing behind', async () => {
  const project = makeProject('plain/deep');
  try {
    const summary = await project.run('p.yml');
    assert.is(summary.written, 3);
    const found = objects('plain/deep');
    assert.is(found.size, 2);
    assert.equal([...found.values()].sort(), ['id,name\n1,x\n2,y\n', 'id,name\n3,z\n']);
    const manifest = JSON.parse(readFileSync(join(server.folder, `plain/deep/_sluice/p/${summary.run_id}.json`), 'utf8')) as {
      files: { name: string }[];
      rows: number;
    };
    assert.equal(manifest.files.map((file) => file.name).sort(), [...found.keys()].sort());
    assert.is(manifest.rows, 3);
    assert.equal(stagedLeft('plain/deep'), []);
  } finally {
    project.remove();
  }
});

test('replace deletes what the run before had written', async () => {
  const project = makeProject('replace', { more: 'mode: replace' });
  try {
    await project.run('p.yml');
    const before = [...objects('replace').keys()];
    await project.run('p.yml');
    const after = [...objects('replace').keys()];
    assert.is(after.length, 2);
    assert.ok(after.every((name) => !before.includes(name)));
  } finally {
    project.remove();
  }
});

test('a file of another run is not replaced', async () => {
  const project = makeProject('fixed', { more: 'sequence_format: "%03d"' });
  try {
    await project.run('p.yml');
    const outcome = await project.sluice(['run', 'p.yml']);
    assert.is(outcome.code, 2);
    assert.match(outcome.stderr, /orders_00\d\.csv exists, and this run did not write it/);
    assert.match(outcome.stderr, /overwrite: true/);
  } finally {
    project.remove();
  }
});

test('a commit that was cut off is completed by the next run', async () => {
  for (const point of ['objects.one_published', 'objects.manifest_written'] satisfies Point[]) {
    const folder = point.replace('.', '-');
    const project = makeProject(folder, { incremental: true });
    try {
      const outcome = await project.sluice(['run', 'p.yml'], {
        reach(reached) {
          if (reached === point) throw new Error('cut off');
        },
      });
      assert.is.not(outcome.code, 0, point);
      const summary = await project.run('p.yml', '--resume');
      const found = objects(folder);
      assert.equal([...found.values()].sort(), ['id,name\n1,x\n2,y\n', 'id,name\n3,z\n'], point);
      for (const name of found.keys()) assert.ok(name.startsWith(`orders_${summary.run_id}.`), `${point}: ${name}`);
    } finally {
      project.remove();
    }
  }
});

test('the server must prove who it is', async () => {
  const key = 'private_key: {file: key}';
  const good = makeProject('proof', { login: `${key}\n  host_fingerprint: "${server.fingerprint}"` });
  const bad = makeProject('proof', { login: `${key}\n  host_fingerprint: "SHA256:${'A'.repeat(43)}"` });
  const unknown = makeProject('proof', { login: `${key}\n  known_hosts: empty` });
  unknown.write('empty', '# nobody\nexample.com ssh-ed25519 AAAA\n');
  try {
    assert.is((await good.sluice(['run', 'p.yml'])).code, 0);
    const wrong = await bad.sluice(['run', 'p.yml']);
    assert.is(wrong.code, 2);
    assert.match(wrong.stderr, /the server cannot be trusted: its key is SHA256:/);
    const missing = await unknown.sluice(['run', 'p.yml']);
    assert.is(missing.code, 2);
    assert.match(missing.stderr, /it is not in known_hosts/);
    assert.match(missing.stderr, /host_fingerprint/);
  } finally {
    for (const project of [good, bad, unknown]) project.remove();
  }
});

test('a port that refuses is said by check and run at once, without a retry', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const project = makeProject('refused', { more: `port: ${port}`, login: `private_key: {file: key}\n  host_fingerprint: "${server.fingerprint}"` });
  project.write('p.yml', readFileSync(join(project.folder, 'p.yml'), 'utf8').replace(`  port: ${server.port}\n`, ''));
  try {
    for (const args of [
      ['check', 'p.yml'],
      ['run', 'p.yml'],
    ]) {
      const { code, stderr } = await project.sluice(args);
      assert.is(code, args[0] === 'check' ? 2 : 4, stderr);
      assert.match(stderr, new RegExp(`SFTP: connecting to sftp \\S+:${port}: .*ECONNREFUSED[^]*hint: check host, port`));
      assert.not.match(stderr, /tried again|attempt/);
    }
    // Nothing was begun: a task would have been.
    assert.not.match((await project.sluice(['runs'])).stdout, /failed|running/);
  } finally {
    project.remove();
  }
});

test('a refused login says so and tells no secret', async () => {
  const project = makeProject('login', { login: `password: not-the-password\n  known_hosts: ${server.knownHosts}` });
  try {
    const outcome = await project.sluice(['run', 'p.yml']);
    assert.is(outcome.code, 2);
    assert.match(outcome.stderr, /refused the login/);
    assert.not.match(outcome.stderr, /not-the-password/);
  } finally {
    project.remove();
  }
});

test('a private key that cannot be read is told as such, and is not shown', async () => {
  const project = makeProject('unreadable', { login: `private_key: no-such-key\n  known_hosts: ${server.knownHosts}` });
  try {
    const { code, stderr } = await project.sluice(['run', 'p.yml']);
    assert.is(code, 2);
    assert.match(stderr, 'SFTP_LOGIN');
    assert.match(stderr, 'expected the text of a private key');
    assert.match(stderr, 'private_key: {file: ');
    assert.not.match(stderr, 'no-such-key');
  } finally {
    project.remove();
  }
});

test('configs/servers/output-sftp.yml', async () => {
  const project = new TestProject();
  try {
    project.write('key', server.privateKey);
    project.write('p.yml', readFileSync(new URL('../../../configs/servers/output-sftp.yml', import.meta.url)));
    const env = { SFTP_HOST: server.host, SFTP_PORT: String(server.port), SFTP_USER: server.user, SFTP_FINGERPRINT: server.fingerprint };
    assert.is((await project.sluice(['run', 'p.yml'], { env })).code, 0);
    assert.equal([...objects('config').values()], ['id,price\n1,10.50\n2,0.99\n']);
  } finally {
    project.remove();
  }
});

test.run();
