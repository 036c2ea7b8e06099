import { test } from 'uvu';
import { testConcurrency } from './concurrency.js';

testConcurrency(async () => ({}));
test.run();
