import { flag, text, type Command, type CommandContext } from '../command.js';
import { findJob } from '../find-job.js';
import { exportJobResult } from '../job-export.js';
import { followLog } from '../job-log.js';
import { printJobResult } from '../job-result.js';
import { jobFacts, jobLines } from '../job-text.js';
import { withSession, type Session } from '../session.js';
import { usageError } from '../subcommand.js';
import { RESULT_FORMATS } from '../result-writer.js';

const VERBS = ['show', 'log', 'result', 'kill', 'retry', 'export'];

export const command: Command = {
  name: 'job',
  usage: 'show|log|result|kill|retry|export JOB',
  summary: 'Show a job, follow its log, print, export or repeat it, or kill it.',
  details:
    'JOB is an id, the beginning or end of one, or `latest`. `export` sends the kept result of a SQL job; a target that needs a password is ' +
    'named by its connection, as NAME:table?mode=merge&keys=id.',
  options: {
    follow: { of: ['log'], short: 'f', help: 'go on until the job has ended' },
    format: { of: ['result'], value: 'FORMAT', help: `${RESULT_FORMATS.join(', ')} (default: table on a terminal, else csv)` },
    output: { of: ['result'], short: 'o', value: 'FILE', help: 'a file that appears complete or not at all' },
    force: { of: ['result'], help: 'overwrite the file of -o' },
    to: { of: ['export'], value: 'TARGET', help: 'where the result goes' },
  },
  examples: ['sluice job log latest -f', 'sluice job result 20261122T0000 --format jsonl', "sluice job export latest --to 'crm:totals?mode=replace'"],
  subcommands: VERBS,
  arity: [1, 2],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [verb = '', id] = context.args;
      if (id === undefined)
        throw usageError(`job ${verb}`, 'expected the id of a job', `\`sluice jobs\` lists them; \`sluice job ${verb} latest\` takes the newest one`);
      return runVerb(verb, id, context, session);
    }),
};

async function runVerb(verb: string, id: string, context: CommandContext, session: Session): Promise<number> {
  const { out } = context;
  const store = await session.metastore();
  const job = await findJob(store, id);
  switch (verb) {
    case 'show': {
      const exports = (await store.listJobs({ kind: 'export', limit: 1000 })).filter(({ parentId }) => parentId === job.id);
      if (out.json) await out.printJson({ ...jobFacts(job), exports: exports.map((each) => each.id) });
      else await out.printLine(jobLines(job, exports).join('\n'));
      return 0;
    }
    case 'log':
      return followLog(context, store, job, flag(context.options, 'follow'));
    case 'result':
      return printJobResult(context, session, job);
    case 'kill': {
      const alive = await store.killJob(job.id);
      if (out.json) await out.printJson({ event: 'job.kill', job_id: job.id, former_status: job.status, done: alive });
      else if (!alive) out.say(`job ${job.id} had ended (${job.status})`);
      else out.say(`job ${job.id} ${job.status === 'queued' ? 'is cancelled' : 'is being killed'}`);
      return 0;
    }
    case 'retry': {
      const again = await store.retryJob(job.id);
      if (out.json) await out.printJson({ event: 'job.retry', job_id: again, of: job.id });
      else out.say(`job ${again} repeats ${job.id}; \`sluice job log ${again} -f\` follows it`);
      return 0;
    }
    default: {
      const to = text(context.options, 'to');
      if (to === undefined) throw usageError('job export', 'expected --to TARGET, which is missing', "e.g. --to 'crm:totals?mode=replace'");
      return exportJobResult(context, session, job, to);
    }
  }
}
