import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { identifyProcess, mayBeAlive } from '../../src/metastore/process-identity.js';

const test = suite('process identity');
const self = identifyProcess();

test('this process lives, and is told from another one that had its id', () => {
  assert.is(self.pid, process.pid);
  assert.ok(mayBeAlive(self, self));
  if (self.started !== '') assert.not.ok(mayBeAlive({ ...self, started: '1' }, self));
});

test('a process of another machine may live whatever its id', () => {
  assert.ok(mayBeAlive({ machine: 'elsewhere//', pid: 2 ** 22 + 1, started: '1' }, self));
});

test('a process that has ended is dead', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const pid = child.pid ?? 0;
  await once(child, 'exit');
  assert.not.ok(mayBeAlive({ machine: self.machine, pid, started: '' }, self));
});

test.run();
