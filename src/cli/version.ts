/** This package's version. The file lies at two levels: as source, and in the bundle. */
export async function version(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const file = await readFile(new URL('../../../package.json', import.meta.url), 'utf8').catch(() =>
    readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return (JSON.parse(file) as { version: string }).version;
}
