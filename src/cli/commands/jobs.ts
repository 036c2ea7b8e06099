import type { JobStatus } from '../../core/spi/index.js';
import { text, type Command } from '../command.js';
import { formatTable } from '../format.js';
import { JOB_HEADERS, jobCells, jobFacts } from '../job-text.js';
import { withSession } from '../session.js';
import { countOption, usageError } from '../subcommand.js';

const STATUSES: readonly JobStatus[] = ['queued', 'running', 'success', 'error', 'killed'];

export const command: Command = {
  name: 'jobs',
  usage: '',
  summary: 'List the jobs of this project, newest first.',
  details: 'Jobs are made by schedules, by `sluice schedule run`, by the HTTP API and by `sluice job export`; `sluice serve` runs them.',
  options: {
    status: { value: 'STATUS', help: `only jobs that are ${STATUSES.join(', ')}` },
    name: { value: 'NAME', help: 'only jobs of this schedule or pipeline' },
    tag: { value: 'TAG', help: 'only jobs with this tag' },
    limit: { value: 'N', help: 'how many, at most 1000 (default: 20)' },
  },
  examples: ['sluice jobs --status error', 'sluice jobs --name nightly --limit 5'],
  arity: [0, 0],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const { options, out } = context;
      const store = await session.metastore();
      const status = readStatus(text(options, 'status'));
      const [name, tag] = [text(options, 'name'), text(options, 'tag')];
      const limit = countOption('jobs', 'limit', text(options, 'limit')) ?? 20;
      const jobs = await store.listJobs({
        limit,
        ...(status === undefined ? {} : { status }),
        ...(name === undefined ? {} : { name }),
        ...(tag === undefined ? {} : { tag }),
      });
      if (out.json) for (const job of jobs) await out.printJson(jobFacts(job));
      else if (jobs.length === 0) out.say('no jobs');
      else await out.printLine(formatTable(JOB_HEADERS, jobs.map(jobCells)));
      return 0;
    }),
};

function readStatus(given: string | undefined): JobStatus | undefined {
  if (given === undefined) return undefined;
  const status = STATUSES.find((each) => each === given);
  if (!status) throw usageError('jobs', `--status: expected ${STATUSES.join(', ')}, found ${given}`, 'e.g. --status error');
  return status;
}
