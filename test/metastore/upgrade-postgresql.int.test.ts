import { postgresqlStore } from './stores-postgresql.js';
import { runUpgrade } from './upgrade.js';

runUpgrade('postgresql', postgresqlStore);
