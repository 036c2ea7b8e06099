import { BugError } from '../spi/index.js';
import type { FileInputPlugin, InputPlugin, JsonObject, JsonValue } from '../spi/index.js';
import type { ExecConfig } from './exec.js';
import { ownPart, withConnection } from './connections.js';
import { configureExec } from './exec-section.js';
import { splitInput } from './input-section.js';
import { asNode } from './json-schema.js';
import { makeScope, openPipelineFile } from './pipeline.js';
import type { PipelineOptions } from './pipeline.js';
import { makeProblem, throwProblems } from './problem.js';
import type { ProjectConfig } from './project.js';
import { withDefaults } from './project-defaults.js';
import { configure, layerAt } from './section.js';
import type { Configured } from './section.js';
import type { SecretTokens } from './template.js';

/** An unfinished config, as guess takes it: `in` names the files, the rest may be missing or partial. */
export interface SeedConfig {
  readonly file: string;
  readonly project: ProjectConfig;
  /** The whole file as it was written; secrets as references. */
  readonly value: JsonObject;
  /** The `in` section in its long form: `parser` and `decoders` as the user gave them, not validated. */
  readonly inSection: JsonObject;
  readonly input: Configured<InputPlugin | FileInputPlugin>;
  readonly exec: ExecConfig;
}

/** Reads a seed config. Only the input's own keys and `exec` are validated. */
export async function loadSeed(file: string, options: PipelineOptions): Promise<SeedConfig> {
  const { document, project } = await openPipelineFile(file, options);
  const scope = makeScope(document, { ...options, project });
  const value = asNode(document.value) as JsonObject | undefined;
  const section = asNode(value?.['in']) as JsonObject | undefined;
  if (value === undefined || section === undefined) {
    throw makeProblem({
      code: 'CONFIG_MISSING_KEY',
      text: 'expected a mapping with the key "in"',
      where: document.locate(['in'], 'key'),
      hint: 'write at least in: {type: file, path_prefix: ./data/name_}',
    });
  }
  const layer = withConnection(layerAt(section, document.locate, ['in']), project, scope.problems);
  const parts = await splitInput(layer, scope);
  const extraKeys = parts?.plugin.form === 'files' ? ['parser', 'decoders'] : [];
  const input = parts && (await configure(parts.plugin, withDefaults(parts.input, 'in', parts.plugin.type, project), scope, extraKeys));
  const ownExec = layerAt((asNode(value['exec']) ?? {}) as JsonObject, document.locate, ['exec']);
  const exec = await configureExec([ownExec], project, options.overrides?.exec, scope);
  throwProblems(scope.problems);
  if (parts === undefined || input === undefined || exec === undefined)
    throw new BugError({ code: 'SEED_INCOMPLETE', message: 'a seed without a problem is complete' });
  const own = ownPart(parts.input.value, section);
  const inSection: JsonObject = {
    ...own,
    ...(own['connection'] === undefined ? { type: parts.plugin.type } : {}),
    ...(parts.parser === undefined ? {} : { parser: parts.parser.value }),
    ...(parts.decoders === undefined ? {} : { decoders: parts.decoders }),
  };
  const restore = (written: JsonObject): JsonObject => restoreReferences(written, document.secrets) as JsonObject;
  return { file: document.file, project, value: restore(value), inSection: restore(inSection), input, exec };
}

/** Puts `{env: NAME}` where a template wrote a secret, so that the config can be written out. */
export function restoreReferences(value: JsonValue, tokens: SecretTokens): JsonValue {
  if (typeof value === 'string') {
    const name = tokens.exact(value);
    return name === undefined ? value : { env: name };
  }
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => restoreReferences(item, tokens));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, restoreReferences(inner as JsonValue, tokens)]));
}
