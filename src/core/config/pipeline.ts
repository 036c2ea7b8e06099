import { relative, sep } from 'node:path';
import type { DecoderPlugin, FileInputPlugin, FilterPlugin, InputPlugin, JsonObject, JsonValue, OutputPlugin, ParserPlugin } from '../spi/index.js';
import type { Registry } from '../registry/index.js';
import { hashJson } from './config-hash.js';
import type { ConfigPath } from './config-path.js';
import { readDocument } from './document.js';
import type { ConfigDocument } from './document.js';
import type { ExecConfig } from './exec.js';
import { configureExec } from './exec-section.js';
import { configureInput } from './input-section.js';
import { configureOutput } from './output-section.js';
import { LISTED_PIPELINE_SCHEMA, PIPELINES_FILE_SCHEMA, SINGLE_PIPELINE_SCHEMA } from './pipeline-schema.js';
import { makeProblem, throwProblems } from './problem.js';
import { readChecks, type CheckConfig } from './checks.js';
import { hasWrongConnection, ownPart, withConnection } from './connections.js';
import { displayPath, loadProject } from './project.js';
import type { ProjectConfig } from './project.js';
import { withDefaults } from './project-defaults.js';
import type { Environment } from './environment.js';
import { configure, findPlugin, layerAt, readType } from './section.js';
import type { Configured, Layer, SectionScope } from './section.js';
import { asNode } from './json-schema.js';
import type { SchemaNode } from './json-schema.js';
import { validateSection } from './validate.js';

/** One of several outputs, and the rows it takes: all, or those where a SQL condition is true. */
export interface OutputRoute {
  readonly output: Configured<OutputPlugin>;
  readonly where: string | undefined;
}

/** One pipeline, validated. `output` is undefined only where the caller asked for no output. */
export interface PipelineDraft {
  readonly name: string;
  /** Absolute path of the config file, or the name of a config without one. */
  readonly file: string;
  readonly root: string;
  readonly input: Configured<InputPlugin | FileInputPlugin>;
  /** Present exactly for inputs of the form `files`. */
  readonly parser: Configured<ParserPlugin> | undefined;
  /** Undefined: chosen by the files' extensions. */
  readonly decoders: readonly Configured<DecoderPlugin>[] | undefined;
  readonly filters: readonly Configured<FilterPlugin>[];
  readonly output: Configured<OutputPlugin> | undefined;
  /** Where `out` is a list: its outputs in order; `output` is then the first. */
  readonly routes?: readonly OutputRoute[];
  readonly unmatched: 'reject' | 'drop';
  readonly checks: readonly CheckConfig[];
  readonly exec: ExecConfig;
  readonly previewSampleRows: number;
  /** All that the config says but `exec`, without secrets. */
  readonly definition: JsonObject;
  /** Of {@link definition} without `checks`: they decide what may commit, not what is read and written. */
  readonly hash: string;
}

export interface PipelineConfig extends PipelineDraft {
  readonly output: Configured<OutputPlugin>;
}

export interface PipelineOptions {
  readonly registry: Registry;
  /** Default: the project the file belongs to. */
  readonly project?: ProjectConfig;
  /** Default `process.env`. */
  readonly env?: Environment;
  /** Default `process.cwd()`. */
  readonly cwd?: string;
  /** What `{{ scheduled_time }}` stands for, as text. */
  readonly scheduledTime?: string;
  /** Puts a config of another program's form into this one's, before anything is validated. */
  readonly rewrite?: (document: ConfigDocument) => ConfigDocument | Promise<ConfigDocument>;
  /** Values of the command line; they win. */
  readonly overrides?: { readonly exec?: JsonObject };
}

/** Reads a pipeline file. Throws ConfigErrors with every problem found. */
export async function loadPipelines(file: string, options: PipelineOptions): Promise<readonly PipelineConfig[]> {
  const { document, project } = await openPipelineFile(file, options);
  return loadPipelineDocument(document, { ...options, project });
}

/** As {@link loadPipelines}, for preview: `out` may be missing. */
export async function loadDrafts(file: string, options: PipelineOptions): Promise<readonly PipelineDraft[]> {
  const { document, project } = await openPipelineFile(file, options);
  return readPipelines(document, { ...options, project }, false);
}

/** As {@link loadPipelines}, for a config that was parsed or built by a command. */
export async function loadPipelineDocument(
  document: ConfigDocument,
  options: PipelineOptions & { readonly project: ProjectConfig },
): Promise<readonly PipelineConfig[]> {
  return (await readPipelines(document, options, true)) as readonly PipelineConfig[];
}

/** The parsed file and its project. */
export async function openPipelineFile(
  file: string,
  options: Omit<PipelineOptions, 'registry'>,
): Promise<{ document: ConfigDocument; project: ProjectConfig }> {
  const { env = process.env, cwd = process.cwd() } = options;
  const project = options.project ?? (await loadProject(file, { env, cwd }));
  const document = await readDocument(file, { env, scheduledTime: options.scheduledTime }, displayPath(file, cwd));
  return { document: options.rewrite === undefined ? document : await options.rewrite(document), project };
}

/** The name of a pipeline file without `name:`: its path from the root without extension. */
export function pipelineName(file: string, root: string): string {
  return relative(root, file)
    .split(sep)
    .join('/')
    .replace(/\.ya?ml(\.liquid)?$/, '');
}

export function makeScope(document: ConfigDocument, options: PipelineOptions & { readonly project: ProjectConfig }): SectionScope {
  const { env = process.env, project, registry, scheduledTime } = options;
  return { registry, problems: [], references: { env, root: project.root, commands: () => false, tokens: document.secrets, scheduledTime } };
}

async function readPipelines(
  document: ConfigDocument,
  options: PipelineOptions & { readonly project: ProjectConfig },
  needsOutput: boolean,
): Promise<readonly PipelineDraft[]> {
  const scope = makeScope(document, options);
  const root = asNode(document.value) as JsonObject | undefined;
  if (root === undefined) {
    throw makeProblem({
      code: 'CONFIG_WRONG_TYPE',
      text: `expected a mapping with in: and out:, found ${document.value === null ? 'nothing' : 'something else'}`,
      where: document.locate([]),
      hint: 'see docs/reference/config.md, or write a config with `sluice guess`',
    });
  }
  const reader = new PipelineReader(document, options, scope, needsOutput);
  const pipelines = Object.hasOwn(root, 'pipelines') ? await reader.readList(root) : [await reader.readSingle(root)];
  throwProblems(scope.problems);
  return pipelines.filter((pipeline) => pipeline !== undefined);
}

/** Reads the pipelines of one file; problems gather in the scope. */
class PipelineReader {
  readonly #document: ConfigDocument;
  readonly #options: PipelineOptions & { readonly project: ProjectConfig };
  readonly #scope: SectionScope;
  readonly #needsOutput: boolean;

  constructor(document: ConfigDocument, options: PipelineOptions & { readonly project: ProjectConfig }, scope: SectionScope, needsOutput: boolean) {
    this.#document = document;
    this.#options = options;
    this.#scope = scope;
    this.#needsOutput = needsOutput;
  }

  async readSingle(value: JsonObject): Promise<PipelineDraft | undefined> {
    const shape = await this.#checkShape(value, [], SINGLE_PIPELINE_SCHEMA, ['pipelines']);
    const name = shape['name'] ?? pipelineName(this.#document.file, this.#options.project.root);
    return this.#readPipeline(value, [], String(name), [], Number(shape['preview_sample_rows']));
  }

  async readList(value: JsonObject): Promise<readonly (PipelineDraft | undefined)[]> {
    const shape = await this.#checkShape(value, [], PIPELINES_FILE_SCHEMA, []);
    const entries = value['pipelines'];
    if (!Array.isArray(entries)) return [];
    const shared = asNode(value['exec']) as JsonObject | undefined;
    const names = new Set<string>();
    const pipelines: (PipelineDraft | undefined)[] = [];
    for (const [i, entry] of (entries as readonly JsonValue[]).entries()) {
      const path = ['pipelines', i];
      const pipeline = asNode(entry) as JsonObject | undefined;
      if (pipeline === undefined) continue;
      const { name } = await this.#checkShape(pipeline, path, LISTED_PIPELINE_SCHEMA, []);
      if (typeof name === 'string' && names.has(name))
        this.#addProblem([...path, 'name'], {
          code: 'CONFIG_VALUE',
          text: `expected a name of its own, found "${name}" twice`,
          hint: 'names keep the states of pipelines apart',
        });
      names.add(String(name));
      const exec = shared === undefined ? [] : [layerAt(shared, this.#document.locate, ['exec'])];
      pipelines.push(await this.#readPipeline(pipeline, path, String(name), exec, Number(shape['preview_sample_rows'])));
    }
    return pipelines;
  }

  /** Validates the keys of this level; the sections below are emptied, because their plugins judge them. */
  async #checkShape(value: JsonObject, path: ConfigPath, schema: SchemaNode, extraKeys: readonly string[]): Promise<JsonObject> {
    const skeleton = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, emptySection(key, inner)]));
    const { config, problems } = await validateSection(
      skeleton,
      schema,
      { ...this.#scope.references, locate: layerAt(value, this.#document.locate, path).locate },
      extraKeys,
    );
    this.#scope.problems.push(...problems);
    return config;
  }

  async #readPipeline(
    value: JsonObject,
    path: ConfigPath,
    name: string,
    sharedExec: readonly Layer[],
    previewSampleRows: number,
  ): Promise<PipelineDraft | undefined> {
    const { project } = this.#options;
    const section = asNode(value['in']) as JsonObject | undefined;
    const input =
      section === undefined ? undefined : await configureInput(layerAt(section, this.#document.locate, [...path, 'in']), this.#scope, project);
    const filters = [
      ...(await this.#readFilters(value['filters'], [...path, 'filters'])),
      ...(await this.#readWhere(value['out'], [...path, 'out'])),
    ];
    const routes = await this.#readOutputs(value, path);
    const output = routes[0]?.output;
    const isList = Array.isArray(value['out']);
    const unmatched = value['unmatched'] === 'drop' ? 'drop' : 'reject';
    const checks = await readChecks(value['checks'], this.#document, [...path, 'checks'], this.#scope);
    const exec = await this.#readExec(value, path, sharedExec);
    if (input === undefined || exec === undefined || this.#scope.problems.length > 0) return undefined;
    const definition: JsonObject = {
      in: {
        ...ownPart(input.input.given, section),
        ...(input.parser ? { parser: input.parser.given } : {}),
        ...(input.decoders ? { decoders: input.decoders.map((decoder) => decoder.given) } : {}),
      },
      filters: filters.map((filter) => filter.given),
      ...(isList ? { out: routes.map((route) => route.given), unmatched } : routes[0] ? { out: routes[0].given } : {}),
    };
    // A connection that now leads elsewhere makes another pipeline of it.
    const connected = { in: input.input.given, out: routes.map((route) => route.output.given) };
    return {
      name,
      file: this.#document.file,
      root: project.root,
      ...input,
      filters,
      output,
      ...(isList ? { routes } : {}),
      unmatched,
      checks,
      exec,
      previewSampleRows,
      definition: checks.length > 0 ? { ...definition, checks: checks.map((check) => check.given) } : definition,
      hash: hashJson(usesConnection(definition) ? { ...definition, connected } : definition),
    };
  }

  async #readFilters(value: JsonValue | undefined, path: ConfigPath): Promise<readonly Configured<FilterPlugin>[]> {
    if (!Array.isArray(value)) return [];
    const filters: Configured<FilterPlugin>[] = [];
    for (const [i, entry] of (value as readonly JsonValue[]).entries()) {
      const layer = layerAt((asNode(entry) ?? {}) as JsonObject, this.#document.locate, [...path, i]);
      const type = readType(entry, 'filter', layer.locate, this.#scope.problems);
      const plugin = type === undefined ? undefined : await findPlugin('filter', type, layer.locate, this.#scope);
      if (plugin) filters.push(await configure(plugin, withDefaults(layer, 'filters', plugin.type, this.#options.project), this.#scope));
    }
    return filters;
  }

  /** `where` of a single output is a filter: what it leaves out goes nowhere. */
  async #readWhere(out: JsonValue | undefined, path: ConfigPath): Promise<readonly Configured<FilterPlugin>[]> {
    const section = asNode(out) as JsonObject | undefined;
    if (section === undefined || Array.isArray(out) || typeof section['where'] !== 'string') return [];
    const plugin = await this.#scope.registry.find('filter', 'where');
    if (!plugin) return [];
    const value = { condition: section['where'] };
    return [await configure(plugin, { value, locate: (_, part) => this.#document.locate([...path, 'where'], part) }, this.#scope)];
  }

  /** `out`: one output, or several with the rows each takes. Empty where there is none. */
  async #readOutputs(value: JsonObject, path: ConfigPath): Promise<readonly (OutputRoute & { readonly given: JsonObject })[]> {
    const { out } = value;
    if (out === undefined && this.#needsOutput)
      this.#addProblem([...path, 'out'], {
        code: 'CONFIG_MISSING_KEY',
        text: 'expected the key "out", which is missing',
        hint: 'add out: {type: warehouse, table: namespace.name}',
      });
    const list = Array.isArray(out);
    const routes: (OutputRoute & { readonly given: JsonObject })[] = [];
    for (const [i, entry] of (list ? (out as readonly JsonValue[]) : [out]).entries()) {
      const section = asNode(entry) as JsonObject | undefined;
      if (section === undefined) continue;
      const { where, ...own } = section;
      const at = list ? [...path, 'out', i] : [...path, 'out'];
      if (where !== undefined && typeof where !== 'string')
        this.#addProblem([...at, 'where'], {
          code: 'CONFIG_WRONG_TYPE',
          text: 'expected a SQL condition as text',
          hint: 'such as where: "country = \'jp\'"',
        });
      const written = layerAt(own, this.#document.locate, at);
      const layer = withConnection(written, this.#options.project, this.#scope.problems);
      if (hasWrongConnection(written, this.#options.project)) continue;
      const output = await configureOutput(layer, this.#scope, this.#options.project);
      const condition = list && typeof where === 'string' ? where : undefined;
      if (output)
        routes.push({ output, where: condition, given: { ...ownPart(output.given, own), ...(condition === undefined ? {} : { where: condition }) } });
    }
    return routes;
  }

  #readExec(value: JsonObject, path: ConfigPath, shared: readonly Layer[]): Promise<ExecConfig | undefined> {
    const { project, overrides } = this.#options;
    const own = layerAt((asNode(value['exec']) ?? {}) as JsonObject, this.#document.locate, [...path, 'exec']);
    return configureExec([...shared, own], project, overrides?.exec, this.#scope);
  }

  #addProblem(path: ConfigPath, problem: { code: string; text: string; hint: string }): void {
    this.#scope.problems.push(makeProblem({ ...problem, where: this.#document.locate(path, 'key') }));
  }
}

function usesConnection(definition: JsonObject): boolean {
  return [definition['in'], definition['out']].flat().some((section) => asNode(section)?.['connection'] !== undefined);
}

function emptySection(key: string, value: JsonValue): JsonValue {
  if (!['in', 'out', 'exec', 'filters', 'checks', 'pipelines'].includes(key)) return value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => (asNode(item) ? {} : item));
  return asNode(value) ? {} : value;
}
