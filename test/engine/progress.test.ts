import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunEvent } from '../../src/core/engine/events.js';
import { RunProgress } from '../../src/core/engine/progress.js';

function progressOf(tasks: number) {
  let last: RunEvent | undefined;
  const progress = new RunProgress('p', tasks, 1000, (event) => (last = event));
  const told = (): readonly unknown[] => {
    progress.tell();
    return last?.event === 'progress' ? [last.rows, last.bytes, last.fraction] : [];
  };
  return { progress, told };
}

test('rows that were counted ahead of the conversion count as far as that has come', () => {
  const { progress, told } = progressOf(2);
  progress.restart(0, 500, true);
  progress.add(0, 100, 400);
  assert.equal(told(), [0, 400, 0], 'nothing is converted yet');
  progress.reach(0, 0.4);
  assert.equal(told(), [50, 400, 0.2]);
  progress.reach(0, 0.9);
  assert.equal(told(), [100, 400, 0.45], 'no more than were counted');
  progress.finish(0, 123, 500);
  assert.equal(told(), [123, 500, 0.5]);
});

test('where nobody counts, bytes follow the conversion, and rows what finished tasks had for theirs', () => {
  const { progress, told } = progressOf(2);
  progress.restart(0, 600, true);
  progress.reach(0, 0.5);
  assert.equal(told(), [0, 300, 0.25], 'nothing to guess from');
  progress.finish(0, 60, 600);
  progress.restart(1, 400, true);
  progress.reach(1, 0.5);
  assert.equal(told(), [80, 800, 0.75]);
  progress.restart(1, 400, true);
  assert.equal(told(), [60, 600, 0.5], 'another attempt starts anew');
});

test('where the engine makes no estimate, what was counted is taken as it is', () => {
  const { progress, told } = progressOf(2);
  progress.restart(0, 500, false);
  assert.equal(told(), [0, 0, 0]);
  progress.add(0, 100, 400);
  assert.equal(told(), [100, 400, 0.4]);
  progress.add(0, 30, 110);
  assert.equal(told(), [130, 510, 0.5], 'a file may have grown');
});

test('sources without files count what they have given', () => {
  const { progress, told } = progressOf(1);
  progress.restart(0, undefined, true);
  progress.add(0, 7, 90);
  assert.equal(told(), [7, 90, 0]);
});

test.run();
