import { isAbsolute, join } from 'node:path';
import { memoryLimitOf, type ProjectConfig } from '../core/config/index.js';
import { PROCESS_RESERVE } from '../core/engine/pipeline.js';
import type { SqlDefaults } from '../warehouse/index.js';

const LEAST_MEMORY = 128 * 1024 * 1024;

/** What the `exec` section of sluice.yml means for SQL statements. What it does not give is DuckDB's own default. */
export function sqlLimits(project: ProjectConfig): SqlDefaults {
  const { max_threads: threads, temp_dir: tempDir } = project.exec;
  const memory = memoryLimitOf(project.exec);
  return {
    ...(memory === undefined ? {} : { maxMemory: Math.max(LEAST_MEMORY, memory - PROCESS_RESERVE) }),
    ...(typeof threads === 'number' ? { threads } : {}),
    ...(typeof tempDir === 'string' ? { tempDir: isAbsolute(tempDir) ? tempDir : join(project.root, tempDir) } : {}),
  };
}
