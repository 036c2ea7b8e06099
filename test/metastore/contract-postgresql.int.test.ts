import { runContract } from './contract.js';
import { postgresqlStore } from './stores-postgresql.js';

runContract('postgresql', postgresqlStore);
