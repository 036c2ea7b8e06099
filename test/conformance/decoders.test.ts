import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkDecoder } from '../../src/conformance/index.js';
import bzip2 from '../../src/plugins/decoder-bzip2/index.js';
import gzip from '../../src/plugins/decoder-gzip/index.js';
import zstd from '../../src/plugins/decoder-zstd/index.js';

const decoded = Buffer.from('id,name\n1,日本\n'.repeat(200));
const pack = (command: string, ...args: readonly string[]): Buffer => execFileSync(command, args, { input: decoded });

test('decoder gzip keeps its contract', async () => {
  const names = await checkDecoder(gzip, [
    { title: 'one member', encoded: gzipSync(decoded), decoded },
    { title: 'two members', encoded: Buffer.concat([gzipSync(decoded), gzipSync('x')]), decoded: Buffer.concat([decoded, Buffer.from('x')]) },
    { title: 'nothing', encoded: gzipSync(''), decoded: Buffer.alloc(0) },
  ]);
  assert.ok(names.includes('one member: a stream that is cut off is an error'));
});

test('decoder bzip2 keeps its contract', () =>
  checkDecoder(bzip2, [{ title: 'one stream', encoded: pack('bzip2', '-c'), decoded }]).then(() => undefined));

test('decoder zstd keeps its contract', () =>
  checkDecoder(zstd, [{ title: 'one frame', encoded: pack('zstd', '-c', '--check'), decoded }]).then(() => undefined));

test.run();
