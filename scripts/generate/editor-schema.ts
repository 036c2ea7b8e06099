import {
  EXEC_SCHEMA,
  PIPELINES_FILE_SCHEMA,
  PROJECT_SCHEMA,
  SINGLE_PIPELINE_SCHEMA,
  SCHEDULE_SCHEMA,
  SCHEDULES_FILE_SCHEMA,
} from '../../src/core/config/index.js';
import { CHECK_SCHEMAS } from '../../src/core/config/checks.js';
import { decimalOf } from '../../src/core/spi/index.js';
import type { DocumentedPlugin } from './plugins.js';

type Node = { [keyword: string]: unknown };

const DRAFT = 'http://json-schema.org/draft-07/schema#';
const SIMPLE_TYPES = ['boolean', 'long', 'double', 'string', 'date', 'timestamp', 'datetime', 'json', 'binary'];

/** What may stand in place of a plain value. */
const REFERENCES = {
  env: {
    type: 'object',
    additionalProperties: false,
    required: ['env'],
    properties: { env: { type: 'string', description: 'Name of an environment variable.' } },
  },
  file: {
    type: 'object',
    additionalProperties: false,
    required: ['file'],
    properties: { file: { type: 'string', description: 'A file that holds the secret.' } },
  },
  command: {
    type: 'object',
    additionalProperties: false,
    required: ['command'],
    properties: { command: { type: 'string', description: 'A shell command that prints the secret.' } },
  },
};

/** The editor's schema of a pipeline file (draft-07), with every built-in plugin. */
export function makePipelineSchema(plugins: readonly DocumentedPlugin[]): Node {
  const ofKind = (kind: string): readonly DocumentedPlugin[] => plugins.filter((plugin) => plugin.kind === kind);
  const definitions: Node = { env: REFERENCES.env, file: REFERENCES.file, exec: forEditors(EXEC_SCHEMA, 'exec', false) };
  for (const plugin of plugins) {
    const name = `${plugin.kind}-${plugin.type}`;
    const node = withEngineKeys(plugin, forEditors(plugin.schema, name, false));
    definitions[name] = plugin.kind === 'output' ? withKeys(node, { where: ROUTE_CONDITION }, []) : node;
  }
  for (const [type, schema] of Object.entries(CHECK_SCHEMAS)) definitions[`check-${type}`] = forEditors(schema, `check-${type}`, false);
  definitions['check'] = chooseByType(
    Object.keys(CHECK_SCHEMAS).map((type) => ({ type, target: `check-${type}` })),
    false,
  );
  for (const kind of ['output', 'filter', 'parser', 'decoder', 'formatter', 'encoder'])
    definitions[kind] = chooseByType(
      ofKind(kind).map((plugin) => ({ type: plugin.type, summary: plugin.summary, target: `${kind}-${plugin.type}` })),
    );
  definitions['input'] = orByConnection(chooseInput(ofKind('input'), ofKind('parser'), definitions));
  definitions['output'] = orByConnection(definitions['output'] as Node);
  const sections = {
    in: ref('input'),
    filters: { type: 'array', items: ref('filter') },
    out: { if: { type: 'array' }, then: { type: 'array', minItems: 1, items: ref('output') }, else: ref('output') },
    checks: { type: 'array', items: ref('check') },
    exec: ref('exec'),
  };
  const single = forEditors(SINGLE_PIPELINE_SCHEMA, '', false);
  definitions['pipeline'] = replaceKeys(single, sections);
  definitions['listed-pipeline'] = { ...replaceKeys(forEditors(SINGLE_PIPELINE_SCHEMA, '', false), sections), required: ['name', 'in'] };
  definitions['pipelines'] = replaceKeys(forEditors(PIPELINES_FILE_SCHEMA, '', false), {
    pipelines: { type: 'array', minItems: 1, items: ref('listed-pipeline') },
    exec: ref('exec'),
  });
  return {
    $schema: DRAFT,
    title: 'A Sluice pipeline',
    type: 'object',
    if: { required: ['pipelines'] },
    then: ref('pipelines'),
    else: ref('pipeline'),
    definitions,
  };
}

/** The editor's schema of sluice.yml. */
export function makeProjectSchema(): Node {
  return { $schema: DRAFT, title: 'A Sluice project', ...forEditors(PROJECT_SCHEMA, '', true), definitions: REFERENCES };
}

/** A file of `schedules/`: one schedule, or several by name. */
export function makeScheduleSchema(): Node {
  const anyOf = [forEditors(SCHEDULE_SCHEMA, '', false), forEditors(SCHEDULES_FILE_SCHEMA, '', false)];
  return { $schema: DRAFT, title: 'Schedules of a Sluice project', anyOf, definitions: REFERENCES };
}

const DECODERS = {
  type: 'array',
  description: 'Decoders of the files, outermost first. Default: by the names of the files.',
  items: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/decoder' }] },
};

const ENCODERS = {
  type: 'array',
  description: 'Encoders of the files, in this order.',
  items: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/encoder' }] },
};

const ROUTE_CONDITION = { type: 'string', description: 'In a list of outputs: a SQL condition, true for the rows that this one takes.' };

/** A section that names a connection of sluice.yml: which plugin it is for, and what the connection gives, is not seen from here. */
function orByConnection(section: Node): Node {
  const connection = { type: 'string', description: 'A connection of sluice.yml, whose keys hold where this section gives none.' };
  return { if: { type: 'object', required: ['connection'] }, then: { type: 'object', properties: { connection } }, else: section };
}

/** The sections that the engine reads for inputs and outputs made of files. */
function withEngineKeys(plugin: DocumentedPlugin, node: Node): Node {
  if (plugin.form === 'files') return withKeys(node, { parser: { anyOf: [{ type: 'string' }, ref('parser')] }, decoders: DECODERS }, ['parser']);
  if (plugin.takesFormat === undefined) return node;
  const formatter = { anyOf: [{ type: 'string' }, ref('formatter')] };
  return withKeys(node, { formatter, encoders: ENCODERS }, plugin.takesFormat.default === undefined ? ['formatter'] : []);
}

function ref(name: string): Node {
  return { $ref: `#/definitions/${name}` };
}

/** Picks a schema by `type`; with `open`, types of third-party plugins pass. */
function chooseByType(choices: readonly { type: string; summary?: string; target: string }[], open = true): Node {
  const names = choices.map(({ type }) => type);
  const described = choices.flatMap(({ type, summary }) => (summary === undefined ? [] : [`${type}: ${summary}`]));
  return {
    type: 'object',
    required: ['type'],
    properties: {
      type: {
        ...(open ? { anyOf: [{ enum: names }, { type: 'string' }] } : { enum: names }),
        ...(described.length > 0 ? { description: described.join('\n') } : {}),
      },
    },
    allOf: choices.map(({ type, target }) => ({ if: { required: ['type'], properties: { type: { const: type } } }, then: ref(target) })),
  };
}

/** Inputs, and the short form in which a parser's name stands for a file input with that parser. */
function chooseInput(inputs: readonly DocumentedPlugin[], parsers: readonly DocumentedPlugin[], definitions: Node): Node {
  const choices = inputs.map((plugin) => ({ type: plugin.type, summary: plugin.summary, target: `input-${plugin.type}` }));
  const file = inputs.find((plugin) => plugin.type === 'file');
  for (const parser of file === undefined ? [] : parsers) {
    if (choices.some(({ type }) => type === parser.type)) continue;
    const own = forEditors(parser.schema, `parser-${parser.type}`, false);
    const files = forEditors(file?.schema ?? {}, 'input-file', false);
    const keys = { ...(own['properties'] as Node), ...(files['properties'] as Node), decoders: DECODERS, type: { const: parser.type } };
    const required = [...((own['required'] as string[] | undefined) ?? []), ...((files['required'] as string[] | undefined) ?? [])].filter(
      (key) => key !== 'type',
    );
    definitions[`short-${parser.type}`] = {
      ...own,
      ...(files['anyOf'] ? { anyOf: files['anyOf'] } : {}),
      ...(files['oneOf'] ? { oneOf: files['oneOf'] } : {}),
      properties: keys,
      required: ['type', ...new Set(required)],
    };
    choices.push({ type: parser.type, summary: `${parser.summary} (files)`, target: `short-${parser.type}` });
  }
  return chooseByType(choices);
}

function withKeys(node: Node, properties: Node, required: readonly string[]): Node {
  return {
    ...node,
    properties: { ...(node['properties'] as Node), ...properties },
    required: [...((node['required'] as string[] | undefined) ?? []), ...required],
  };
}

function replaceKeys(node: Node, properties: Node): Node {
  const described = Object.entries(properties).map(([key, schema]) => {
    const { description } = ((node['properties'] as Node)[key] ?? {}) as Node;
    return [key, description === undefined ? schema : { description, allOf: [schema] }];
  });
  return { ...node, properties: { ...(node['properties'] as Node), ...(Object.fromEntries(described) as Node) } };
}

/** A config schema as editors know it: no own keywords, and references beside plain values. */
function forEditors(schema: { readonly [keyword: string]: unknown }, name: string, commands: boolean): Node {
  const node = convert(schema, name, commands) as Node;
  // `type` is judged by the section that leads here; a plugin need not list it.
  if (name.includes('-')) node['properties'] = { type: {}, ...(node['properties'] as Node) };
  return node;
}

function convert(value: unknown, name: string, commands: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, name, commands));
  if (typeof value !== 'object' || value === null) return value;
  const node: Node = {};
  for (const [keyword, inner] of Object.entries(value)) {
    if (keyword === 'x-column-type') node['anyOf'] = [{ enum: SIMPLE_TYPES }, { type: 'string', pattern: DECIMAL_PATTERN }];
    if (keyword.startsWith('x-')) continue;
    if (keyword === '$ref' && typeof inner === 'string') node['$ref'] = inner.replace(/^#\/?/, name === '' ? '#/' : `#/definitions/${name}/`);
    else if (keyword === 'properties')
      node['properties'] = Object.fromEntries(
        Object.entries(inner as Node).map(([key, schema]) => [
          key,
          allowReferences(schema as Node, convert(schema, name, commands) as Node, commands),
        ]),
      );
    else if (keyword === 'enum' || keyword === 'const' || keyword === 'default' || keyword === 'examples') node[keyword] = inner;
    else node[keyword] = convert(inner, name, commands);
  }
  return node;
}

const DECIMAL_PATTERN = '^decimal\\(\\s*\\d{1,2}\\s*(,\\s*\\d{1,2}\\s*)?\\)$';
if (decimalOf('decimal(12,2)') === undefined) throw new Error('the spelling of decimal types changed: mend DECIMAL_PATTERN');

/** `{env: NAME}` may stand for every plain value, the other references for secrets only. */
function allowReferences(source: Node, node: Node, commands: boolean): Node {
  const types = [source['type']].flat();
  if (types.includes('object') || types.includes('array') || 'const' in source || (source['type'] === undefined && !('enum' in source))) return node;
  const { description, default: standard, ...plain } = node;
  const references = source['x-secret'] === true ? [ref('env'), ref('file'), ...(commands ? [ref('command')] : [])] : [ref('env')];
  return {
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
    anyOf: [plain, ...references],
  };
}
