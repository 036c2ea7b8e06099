import { runJobs } from './jobs.js';
import { postgresqlStore } from './stores-postgresql.js';

runJobs('postgresql', postgresqlStore);
