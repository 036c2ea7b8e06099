import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RejectBudget } from '../../src/core/engine/reject-budget.js';

test('a share is judged by the tasks that have ended: of the others only the rejects are known', () => {
  const budget = new RejectBudget({ percent: 1 });
  budget.report(1, 2_000, 0);
  budget.report(0, 0, 150_000);
  assert.not(budget.isExceeded(false));
  budget.report(1, 2_000, 1_000_000);
  assert.not(budget.isExceeded(false));
  assert.not(budget.isExceeded(true));
});

test('a share that ended tasks have passed stops the run; few records wait for the end', () => {
  const budget = new RejectBudget({ percent: 1 });
  budget.report(0, 500, 40_000);
  assert.not(budget.isExceeded(false));
  assert.ok(budget.isExceeded(true));
  budget.report(1, 900, 70_000);
  assert.ok(budget.isExceeded(false));
});

test('a number of rejects counts while tasks are under way', () => {
  const budget = new RejectBudget({ rows: 10 });
  budget.report(0, 10, 0);
  assert.not(budget.isExceeded(false));
  budget.report(1, 1, 0);
  assert.ok(budget.isExceeded(false));
});

test.run();
