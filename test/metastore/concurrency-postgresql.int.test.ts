import { runConcurrency } from './concurrency.js';
import { postgresqlStore } from './stores-postgresql.js';

runConcurrency('postgresql', postgresqlStore);
