import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runProgram } from '../reliability/program.js';
import { FULL, report } from '../reliability/project.js';
import { postgresqlProject } from '../reliability/postgresql-project.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { makeScenario, SCENARIOS, WAREHOUSE_POINTS, type Scenario } from './scenarios.js';
import { assertRecovers } from './verify.js';

/** Where the metastore matters most. */
const SHORT: readonly string[] = [
  'run.recorded',
  'task.report_stored',
  'commit.transaction_open',
  'commit.pointer_swapped',
  'commit.state_stored',
  'commit.done',
  'cleanup.done',
];
let server: PostgresServer;

test.before(async () => {
  server = await startPostgres();
});

test.after(() => server.stop());

test('kill -9 at points of a run with its metastore on PostgreSQL', async () => {
  const scenario = SCENARIOS[0] as Scenario;
  const options = postgresqlProject(server, await server.createDatabase());
  const project = await makeScenario(scenario, options);
  let kills = 0;
  try {
    for (const point of WAREHOUSE_POINTS) {
      if (point === 'spool.segment_written' || (!FULL && !SHORT.includes(point))) continue;
      await scenario.addFiles(project, kills);
      const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'], kill: { point, occurrence: 1 } }, { env: options.env });
      assert.is(end.signal, 'SIGKILL', `${point}: exit ${end.code}\n${end.stderr}`);
      await assertRecovers(project, scenario, kills, `PostgreSQL, ${point}`);
      kills++;
    }
  } finally {
    await project.remove();
  }
  report(`PostgreSQL: ${kills} kills`);
});

test.run();
