import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type Test } from 'uvu';
import { TestProject } from './project.js';

interface Below {
  project: TestProject;
  /** What the folders lie in. */
  base: string;
  outside: string | undefined;
}

/** A suite whose project, and whose temporary files, lie below folders of such names. */
export function suiteBelow(folders: string, name: string): Test<Below> {
  const test = suite<Below>(name);
  test.before.each((context) => {
    context.outside = process.env['TMPDIR'];
    context.base = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    mkdirSync(join(context.base, folders), { recursive: true });
    process.env['TMPDIR'] = join(context.base, folders);
    context.project = new TestProject();
    context.project.write('sluice.yml', '');
  });
  test.after.each(({ project, base, outside }) => {
    project.remove();
    if (outside === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = outside;
    rmSync(base, { recursive: true });
  });
  return test;
}
