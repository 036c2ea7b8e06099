import { runConcurrency } from './concurrency.js';
import { sqliteStore } from './stores.js';

runConcurrency('sqlite', sqliteStore);
