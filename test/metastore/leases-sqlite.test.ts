import { runLeases } from './leases.js';
import { sqliteStore } from './stores.js';

runLeases('sqlite', sqliteStore);
