import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure, type Run } from './measure.js';
import { COLUMNS } from './data.js';

const bin = fileURLToPath(new URL('../bin/sluice.cjs', import.meta.url));

/** A throw-away project; `sluice` runs the built command in it and measures the whole process. */
export class BenchProject {
  readonly folder = mkdtempSync(join(process.env['SLUICE_BENCH_TMP'] ?? tmpdir(), 'sluice-bench-project-'));

  constructor() {
    writeFileSync(join(this.folder, 'sluice.yml'), 'name: bench\n');
  }

  pipeline(name: string, yaml: string): string {
    writeFileSync(join(this.folder, name), yaml);
    return name;
  }

  sluice(...args: string[]): Promise<Run> {
    return measure([bin, ...args], { cwd: this.folder });
  }

  /** Forgets all tables and states. */
  reset(): void {
    rmSync(join(this.folder, '.sluice'), { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function columnsYaml(): string {
  return COLUMNS.map((c) => `      - {name: ${c.name}, type: ${c.type}${'format' in c ? `, format: "${c.format}"` : ''}}`).join('\n');
}

export function csvPipeline(input: string, extra: { parser?: string; exec?: string } = {}): string {
  return `in:
  type: file
  ${input}
  parser:
    type: csv
    skip_header_lines: 1
${extra.parser ?? ''}    columns:
${columnsYaml()}
out: {type: warehouse, table: bench.rows, time_column: created_at}
${extra.exec === undefined ? '' : `exec: ${extra.exec}\n`}`;
}

export function jsonPipeline(path: string): string {
  return `in:
  type: file
  paths: ["${path}"]
  parser:
    type: json
    columns:
${columnsYaml()}
out: {type: warehouse, table: bench.rows, time_column: created_at}
`;
}
