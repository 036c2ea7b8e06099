/**
 * Builds dist/: declarations by tsc, code by esbuild. The command starts in a fraction of the time when its modules come as a
 * few files instead of two hundred; npm packages stay outside. All entry points share chunks, so that a plugin's
 * `sluice/spi` and the command's own are one.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Packages of nearly every run that come as many files: finding and loading those took longer than what they do. */
const BUNDLED = ['ajv', 'yaml', '@duckdb/node-api'];
const require = createRequire(import.meta.url);

/** CommonJS packages inside the bundle, with the named exports that Node would find in them. */
const bundled = {
  name: 'bundled-packages',
  setup({ onResolve, onLoad }) {
    const names = BUNDLED.join('|');
    onResolve({ filter: new RegExp(`^(${names})$`) }, ({ path, namespace }) =>
      namespace === 'named' ? { path: require.resolve(path) } : { path, namespace: 'named' },
    );
    onLoad({ filter: /./, namespace: 'named' }, ({ path }) => {
      const names = Object.keys(require(path)).filter((name) => name !== 'default');
      return { contents: `import all from '${path}'; export default all; export const { ${names.join(', ')} } = all;`, resolveDir: root };
    });
    // DuckDB's binary stays where npm put it, beside the package that names it.
    onResolve({ filter: /^@duckdb\/node-bindings$/ }, ({ path }) => ({ path, namespace: 'binary' }));
    onLoad({ filter: /./, namespace: 'binary' }, ({ path }) => ({
      contents: `module.exports = require('node:module').createRequire(require.resolve('@duckdb/node-api'))('${path}');`,
    }));
  },
};

const root = fileURLToPath(new URL('..', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const types = !process.argv.includes('--no-types');

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'src/index.ts', out: 'index' },
    { in: 'src/cli/main.ts', out: 'cli/main' },
    { in: 'src/core/spi/index.ts', out: 'core/spi/index' },
    { in: 'src/conformance/index.ts', out: 'conformance/index' },
    // Found by its place beside the chunk that starts it.
    { in: 'src/metastore/lease-renewal-worker.ts', out: 'chunks/lease-renewal-worker' },
    { in: 'src/server/runner/worker-program.ts', out: 'chunks/job-worker' },
  ],
  outdir: 'dist/src',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
  plugins: [bundled],
  // Bundled CommonJS code asks for Node's own modules and the binary with `require`.
  banner: { js: `import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);` },
  legalComments: 'none',
  logLevel: 'warning',
});
if (types) execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
