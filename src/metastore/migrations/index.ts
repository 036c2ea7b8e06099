import { firstTables } from './001-first-tables.js';
import { jobs } from './002-jobs.js';
import { jobLists } from './003-job-lists.js';
import { slas } from './004-slas.js';
import { messages } from './005-messages.js';
import type { Migration } from './migration.js';

/** In order of version, without gaps. Append only. */
export const MIGRATIONS: readonly Migration[] = [firstTables, jobs, jobLists, slas, messages];
