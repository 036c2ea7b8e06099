import { runJobs } from './jobs.js';
import { sqliteStore } from './stores.js';

runJobs('sqlite', sqliteStore);
