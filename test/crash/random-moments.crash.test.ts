import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startProgram } from '../reliability/program.js';
import { createRandom, FULL, report } from '../reliability/project.js';
import { makeScenario, SCENARIOS, type Scenario } from './scenarios.js';
import { assertRecovers, countCommitted, hasCommitted } from './verify.js';

const ROUNDS = FULL ? 200 : 20;
const seed = Number(process.env['SLUICE_SEED'] ?? Date.now() % 1e9);
const random = createRandom(seed);

/** Milliseconds between a run's lease and its end, here and now; starting up is of little interest. */
async function measure(scenario: Scenario): Promise<number> {
  const project = await makeScenario(scenario);
  try {
    await scenario.addFiles(project, 0);
    const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'] });
    await program.reached('lease.acquired');
    const started = performance.now();
    assert.is((await program.ended).code, 0);
    return performance.now() - started;
  } finally {
    await project.remove();
  }
}

test(`kill -9 at ${ROUNDS} random moments (SLUICE_SEED=${seed})`, async () => {
  let killed = 0;
  let committed = 0;
  for (const [index, scenario] of SCENARIOS.entries()) {
    const duration = await measure(scenario);
    const project = await makeScenario(scenario);
    try {
      for (let round = 0; round < ROUNDS / SCENARIOS.length; round++) {
        await scenario.addFiles(project, round);
        const runsBefore = round === 0 ? 0 : await countCommitted(project);
        const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'] });
        // One in ten falls into the start-up; some come after the end, as machines differ.
        const early = random() < 0.1;
        if (!early) await program.reached('lease.acquired');
        const wait = duration * (early ? 0.5 : 1.05) * random();
        const timer = setTimeout(() => program.process.kill('SIGKILL'), wait);
        const end = await program.ended;
        clearTimeout(timer);
        if (end.signal === 'SIGKILL') killed++;
        else assert.is(end.code, 0, end.stderr);
        if (await hasCommitted(project, runsBefore)) committed++;
        await assertRecovers(project, scenario, round, `seed ${seed}, scenario ${index}, round ${round}, after ${Math.round(wait)} ms`, runsBefore);
      }
    } finally {
      await project.remove();
    }
  }
  report(`seed ${seed}: ${ROUNDS} rounds, ${killed} killed, ${committed} had committed before`);
});

test.run();
