import { runLeases } from './leases.js';
import { postgresqlStore } from './stores-postgresql.js';

runLeases('postgresql', postgresqlStore);
