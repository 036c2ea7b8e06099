import { runContract } from './contract.js';
import { sqliteStore } from './stores.js';

runContract('sqlite', sqliteStore);
