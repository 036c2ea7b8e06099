import { mock } from 'node:test';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startLongTimer } from '../../src/server/long-timer.js';

const DAY = 86_400_000;

test('a wait of months is no wait of a millisecond', () => {
  const waits: { readonly ms: number; readonly act: () => void }[] = [];
  const timers = mock.method(globalThis, 'setTimeout', (act: () => void, ms: number) => {
    waits.push({ ms, act });
    return undefined;
  });
  try {
    let fired = 0;
    startLongTimer(60 * DAY, () => fired++);
    for (let at = 0; at < waits.length; at++) {
      assert.is(fired, 0);
      waits[at]?.act();
    }
    assert.is(fired, 1);
    assert.ok(waits.every(({ ms }) => ms > 0 && ms < 2 ** 31));
    assert.is(
      waits.reduce((sum, { ms }) => sum + ms, 0),
      60 * DAY,
    );
  } finally {
    timers.mock.restore();
  }
});

test('it can be called off', async () => {
  let fired = false;
  const stop = startLongTimer(0, () => (fired = true));
  stop();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.not.ok(fired);
});

test.run();
