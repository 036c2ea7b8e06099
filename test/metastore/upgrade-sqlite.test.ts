import { sqliteStore } from './stores.js';
import { runUpgrade } from './upgrade.js';

runUpgrade('sqlite', sqliteStore);
