import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder of everything that scripts/setup-tests.sh installs; outside the repository so that a clean checkout starts quickly. */
export function testCacheFolder(): string {
  return process.env['SLUICE_TEST_CACHE'] ?? join(homedir(), '.cache', 'sluice-test');
}
