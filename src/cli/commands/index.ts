import type { Command } from '../command.js';

/** All verbs; a verb's module is imported when it is used, so that `--help` stays quick. */
export const COMMANDS: readonly { readonly name: string; readonly summary: string; load(): Promise<Command> }[] = [
  { name: 'run', summary: 'run the pipelines of config files', load: async () => (await import('./run.js')).command },
  { name: 'query', summary: 'run SQL over the tables', load: async () => (await import('./query.js')).command },
];
