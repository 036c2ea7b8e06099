import { ConfigError, didYouMean } from '../spi/index.js';
import type {
  DecoderPlugin,
  EncoderPlugin,
  FileInputPlugin,
  FilterPlugin,
  FormatterPlugin,
  GuessPlugin,
  InputPlugin,
  OutputPlugin,
  ParserPlugin,
  PluginDeclaration,
  PluginKind,
} from '../spi/index.js';
import type { BuiltinPlugin } from './builtin-plugin.js';
import { checkDeclaration } from './declaration.js';
import { loadThirdParty } from './third-party.js';

/** The contract behind each kind. */
export interface PluginsByKind {
  input: InputPlugin | FileInputPlugin;
  output: OutputPlugin;
  filter: FilterPlugin;
  parser: ParserPlugin;
  decoder: DecoderPlugin;
  guess: GuessPlugin;
  formatter: FormatterPlugin;
  encoder: EncoderPlugin;
}

/** Finds plugins by kind and type, and imports no more than was asked for. */
export interface Registry {
  /** The plugin, or undefined when no listed plugin has this type. */
  find<K extends PluginKind>(kind: K, type: string): Promise<PluginsByKind[K] | undefined>;
  /** As {@link find}; an unknown type is a ConfigError UNKNOWN_PLUGIN. */
  get<K extends PluginKind>(kind: K, type: string): Promise<PluginsByKind[K]>;
  /** Types of a kind, sorted. */
  types(kind: PluginKind): Promise<readonly string[]>;
  /** All plugins of a kind, in order of type. */
  all<K extends PluginKind>(kind: K): Promise<readonly PluginsByKind[K][]>;
}

export interface RegistryOptions {
  readonly builtins: readonly BuiltinPlugin[];
  /** The project whose sluice.yml lists third-party plugins; nothing else may introduce one. */
  readonly project?: { readonly root: string; readonly plugins: readonly string[] };
}

export function createRegistry({ builtins, project }: RegistryOptions): Registry {
  const loaded = new Map<string, Promise<PluginDeclaration>>();
  let listed: Promise<readonly PluginDeclaration[]> | undefined;

  const loadBuiltin = (entry: BuiltinPlugin): Promise<PluginDeclaration> => {
    const id = `${entry.kind} ${entry.type}`;
    const known = loaded.get(id) ?? entry.load().then((module) => checkDeclaration(module.default, id));
    loaded.set(id, known);
    return known;
  };
  const thirdParty = (): Promise<readonly PluginDeclaration[]> => {
    listed ??= project === undefined ? Promise.resolve([]) : loadThirdParty(project.plugins, project.root, builtins);
    return listed;
  };

  const find: Registry['find'] = async <K extends PluginKind>(kind: K, type: string) => {
    const builtin = builtins.find((entry) => entry.kind === kind && entry.type === type);
    const plugin = builtin
      ? await loadBuiltin(builtin)
      : (await thirdParty()).find((candidate) => candidate.kind === kind && candidate.type === type);
    return plugin as PluginsByKind[K] | undefined;
  };
  const types: Registry['types'] = async (kind) => {
    const found = [...builtins, ...(await thirdParty())].filter((plugin) => plugin.kind === kind).map((plugin) => plugin.type);
    return [...new Set(found)].sort();
  };
  return {
    find,
    types,
    async get(kind, type) {
      const plugin = await find(kind, type);
      if (plugin === undefined) throw unknownPlugin(kind, type, await types(kind));
      return plugin;
    },
    async all<K extends PluginKind>(kind: K) {
      const found = await Promise.all((await types(kind)).map((type) => find(kind, type)));
      return found.filter((plugin) => plugin !== undefined);
    },
  };
}

/** The sentence about an unknown type, without a place; `types` are the known ones. */
export function describeUnknown(kind: PluginKind, type: string, types: readonly string[]): { text: string; hint: string } {
  return {
    text: `unknown ${kind} type "${type}"${didYouMean(type, types)}`,
    hint:
      types.length === 0
        ? `no ${kind} plugin is installed`
        : `known ${kind} types: ${types.join(', ')}; others must be listed under plugins: in sluice.yml`,
  };
}

function unknownPlugin(kind: PluginKind, type: string, types: readonly string[]): ConfigError {
  const { text, hint } = describeUnknown(kind, type, types);
  return new ConfigError({ code: 'UNKNOWN_PLUGIN', message: text, hint });
}
