#!/usr/bin/env node
process.env.UV_THREADPOOL_SIZE ??= '16';
import('../dist/src/cli/main.js')
  .then((cli) => cli.main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code;
  });
