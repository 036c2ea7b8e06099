// Adds to package-lock.json the platform packages (optional dependencies for other systems) that the registry at hand could not resolve.
// Behind a mirror that lags, npm leaves them out, and `npm ci` then refuses the lock file. Run it after `npm install`; `--check` only tells.
import { readFile, writeFile } from 'node:fs/promises';

const lockFile = new URL('../package-lock.json', import.meta.url);
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/** What the package's own package.json says; needed so that npm does not fetch it on other systems. */
function readPlatform(name) {
  const words = name.split('/').at(-1).split(/[-.]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) throw new Error(`${name}: expected a system and a processor in the name`);
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : words.some((word) => word.startsWith('gnu')) ? 'glibc' : undefined;
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }), os: [os] };
}

const lock = JSON.parse(await readFile(lockFile, 'utf8'));
const missing = {};
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (`node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages) continue;
    if (!/^\d/.test(version)) throw new Error(`${name}: expected an exact version, found "${version}"`);
    missing[`node_modules/${name}`] = { version, ...readPlatform(name), ...(entry.dev ? { dev: true } : {}), optional: true };
  }
}
const names = Object.keys(missing);
if (names.length === 0) {
  console.log('package-lock.json is complete');
} else if (process.argv.includes('--check')) {
  console.log(`package-lock.json lacks ${names.join(', ')}: run node scripts/complete-lock.mjs`);
  process.exitCode = 1;
} else {
  const root = lock.packages[''];
  const rest = Object.entries({ ...lock.packages, ...missing }).filter(([path]) => path !== '');
  lock.packages = Object.fromEntries([['', root], ...rest.sort(([left], [right]) => left.localeCompare(right, 'en'))]);
  await writeFile(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`added to package-lock.json: ${names.join(', ')}`);
}
