import { main } from '../../src/cli/main.js';

// The command as the bin starts it, from the sources.
process.exitCode = await main(process.argv.slice(2));
