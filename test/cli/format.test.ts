import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatBytes } from '../../src/cli/format.js';

test('bytes are shown whole below a kilobyte, with one digit above; a rate is no whole number', () => {
  assert.equal([0, 1.9261637239165328, 999.4, 1000, 15_250_000].map(formatBytes), ['0 B', '2 B', '999 B', '1.0 kB', '15.3 MB']);
});

test.run();
