import type { Command } from '../command.js';

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** All verbs; a verb's module is imported when it is used, so that `--help` stays quick. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'init', summary: 'lay out a new project', load: async () => (await import('./init.js')).command },
  { name: 'load', summary: 'load files into a table, guessing format and types', load: async () => (await import('./load.js')).command },
  { name: 'guess', summary: 'write a config from a sample of the data', load: async () => (await import('./guess.js')).command },
  {
    name: 'check',
    summary: 'check configs, files, target and permissions without moving rows',
    load: async () => (await import('./check.js')).command,
  },
  {
    name: 'preview',
    summary: 'show the first typed rows of a config and what would be rejected',
    load: async () => (await import('./preview.js')).command,
  },
  { name: 'run', summary: 'run the pipelines of config files', load: async () => (await import('./run.js')).command },
  { name: 'convert', summary: 'write a config of Embulk in the native form', load: async () => (await import('./convert.js')).command },
  { name: 'query', summary: 'run SQL over the tables', load: async () => (await import('./query.js')).command },
  { name: 'export', summary: 'write the result of a query to a database, file or bucket', load: async () => (await import('./export.js')).command },
  { name: 'tables', summary: 'list all tables and views', load: async () => (await import('./tables.js')).command },
  { name: 'show', summary: 'show a table: columns, size, snapshots', load: async () => (await import('./show.js')).command },
  { name: 'drop', summary: 'take a table out of the warehouse', load: async () => (await import('./drop.js')).command },
  { name: 'undrop', summary: 'bring back a dropped table', load: async () => (await import('./undrop.js')).command },
  { name: 'rename', summary: 'give a table another name', load: async () => (await import('./rename.js')).command },
  { name: 'swap', summary: 'exchange two tables in one step', load: async () => (await import('./swap.js')).command },
  { name: 'maintain', summary: 'look after tables: compaction, expiry, left-over files', load: async () => (await import('./maintain.js')).command },
  { name: 'runs', summary: 'list runs, or show one', load: async () => (await import('./runs.js')).command },
  { name: 'rejects', summary: 'show the records a run rejected', load: async () => (await import('./rejects.js')).command },
  { name: 'commit', summary: 'commit a held run', load: async () => (await import('./commit.js')).command },
  { name: 'discard', summary: 'end a held or failed run without a commit', load: async () => (await import('./discard.js')).command },
  { name: 'cleanup', summary: 'delete what a run left behind', load: async () => (await import('./cleanup.js')).command },
  { name: 'undo', summary: 'take back a committed run: table and state', load: async () => (await import('./undo.js')).command },
  {
    name: 'schedule',
    summary: 'list schedules, run their periods by hand, pause and resume them',
    load: async () => (await import('./schedule.js')).command,
  },
  { name: 'conns', summary: 'list, test and look into the connections of sluice.yml', load: async () => (await import('./conns.js')).command },
  { name: 'key', summary: 'make, list and revoke keys of the HTTP API', load: async () => (await import('./key.js')).command },
  { name: 'state', summary: 'show, set, reset or move what pipelines know to be loaded', load: async () => (await import('./state.js')).command },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./completion.js')).completionCommand(() => Promise.all(COMMANDS.map((entry) => entry.load()))),
  },
  { name: 'serve', summary: 'run schedules and jobs, and answer the HTTP API', load: async () => (await import('./serve.js')).command },
  { name: 'status', summary: 'an overview on one screen: servers, jobs, what comes next', load: async () => (await import('./status.js')).command },
  { name: 'jobs', summary: 'list jobs', load: async () => (await import('./jobs.js')).command },
  { name: 'job', summary: 'show, follow, export, repeat or kill a job', load: async () => (await import('./job.js')).command },
  { name: 'new', summary: 'make a plugin of your own', load: async () => (await import('./new.js')).command },
];
