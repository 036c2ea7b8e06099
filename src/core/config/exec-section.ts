import type { JsonObject } from '../spi/index.js';
import { EXEC_SCHEMA, readExec } from './exec.js';
import type { ExecConfig } from './exec.js';
import { makeProblem } from './problem.js';
import type { ProjectConfig } from './project.js';
import { layerAt, mergeLayers } from './section.js';
import type { Layer, SectionScope } from './section.js';
import { validateSection } from './validate.js';

/** The `exec` section: sluice.yml, then what the file gives for all its pipelines, the pipeline's own, the command line. */
export async function configureExec(
  layers: readonly Layer[],
  project: ProjectConfig,
  commandLine: JsonObject | undefined,
  scope: SectionScope,
): Promise<ExecConfig | undefined> {
  const layer = mergeLayers([
    layerAt(project.exec, project.locate, ['exec']),
    ...layers,
    layerAt(commandLine ?? {}, (at) => ({ path: at.join('.') }), ['exec']),
  ]);
  const { config, problems } = await validateSection(layer.value, EXEC_SCHEMA, { ...scope.references, locate: layer.locate });
  scope.problems.push(...problems);
  if (problems.length > 0) return undefined;
  const exec = readExec(config);
  if (exec.memoryLimitBytes >= LEAST_MEMORY) return exec;
  scope.problems.push(
    makeProblem({
      code: 'CONFIG_VALUE',
      text: `expected at least 64MB, found ${JSON.stringify(config['memory_limit'])}`,
      where: layer.locate(['memory_limit']),
      hint: 'the process itself takes more than 100 MB; runs of any size fit into 800MB',
    }),
  );
  return undefined;
}

/** Below it no limit could be kept: Node and DuckDB take more before the first row. */
const LEAST_MEMORY = 64_000_000;
