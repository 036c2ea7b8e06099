import { main } from '../../src/cli/main.js';

/** The command as a process of its own, from the sources. */
process.exitCode = await main(process.argv.slice(2));
