import { join } from 'node:path';
import { ConfigError, SluiceError, didYouMean, type DiscoveredTable, type PluginContext } from '../../core/spi/index.js';
import type { ConnectionPlugins } from '../../core/config/index.js';
import type { Command, CommandContext } from '../command.js';
import { formatCount, formatTable } from '../format.js';
import { withSession, type Session } from '../session.js';
import { usageError } from '../subcommand.js';

export const command: Command = {
  name: 'conns',
  usage: 'list | test [NAME...] | discover NAME [TABLE]',
  summary: 'List the connections of sluice.yml, test them, and show what can be read there.',
  details:
    '`test` connects and names the server; without names it tests all. The exit code is 4 when one cannot be reached, 2 when only configs are wrong. `discover` lists tables, or the columns of one.',
  options: {},
  examples: ['sluice conns list', 'sluice conns test shop', 'sluice conns discover shop', 'sluice conns discover shop public.orders'],
  subcommands: ['list', 'test', 'discover'],
  arity: [1, Infinity],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [verb = '', ...names] = context.args;
      if (verb === 'test') return testConnections(context, session, names);
      if (verb === 'discover') return discover(context, session, names);
      if (names.length > 0) throw usageError('conns list', `expected no arguments, found ${names.length}`, 'e.g. sluice conns list');
      return listConnections(context, session);
    }),
};

async function listConnections(context: CommandContext, session: Session): Promise<number> {
  const { connections } = session.project;
  const rows = Object.entries(connections).map(([name, config]) => ({ name, type: String(config['type']), place: placeOf(config) }));
  if (context.out.json) for (const row of rows) await context.out.printJson({ event: 'connection', ...row });
  else if (rows.length === 0) context.out.say('sluice.yml has no connections:');
  else
    await context.out.printLine(
      formatTable(
        ['name', 'type', 'where'],
        rows.map((row) => [row.name, row.type, row.place]),
      ),
    );
  return 0;
}

/** What tells one server from another, as far as it is plain text. */
function placeOf(config: Session['project']['connections'][string]): string {
  const text = (key: string): string => (typeof config[key] === 'string' || typeof config[key] === 'number' ? String(config[key]) : '');
  const host = text('host') || text('endpoint') || text('url');
  const port = text('port');
  return [`${host}${port === '' ? '' : `:${port}`}`, text('database') || text('bucket')].filter((part) => part !== '').join('/');
}

async function testConnections(context: CommandContext, session: Session, wanted: readonly string[]): Promise<number> {
  const names = wanted.length === 0 ? Object.keys(session.project.connections) : wanted;
  for (const name of names) assertConnection(session, name);
  const codes: number[] = [];
  for (const name of names) {
    const answer = await probe(context, session, name);
    if (answer.error) codes.push(answer.error.exitCode);
    if (context.out.json) {
      const { error } = answer;
      await context.out.printJson({
        event: 'connection_test',
        name,
        ok: !error,
        ...(error ? { code: error.code, message: error.message, hint: error.hint ?? null } : { server: answer.server }),
      });
    } else if (answer.error) context.out.fail(answer.error);
    else await context.out.printLine(`${name}: ok, ${answer.server}`);
  }
  return codes.includes(4) ? 4 : (codes[0] ?? 0);
}

async function probe(
  context: CommandContext,
  session: Session,
  name: string,
): Promise<{ server: string; error?: undefined } | { error: SluiceError }> {
  try {
    const found = await configured(context, session, name);
    const ctx = pluginContext(context, session);
    const { input, output } = found;
    if (input && 'probe' in input.plugin && input.plugin.probe) return { server: await input.plugin.probe(input.config, ctx) };
    if (output?.plugin.probe) return { server: await output.plugin.probe(output.config, ctx) };
    throw usageError('conns test', `connections of type ${found.type} cannot be tested`, 'run a pipeline that uses it');
  } catch (error) {
    if (error instanceof SluiceError && error.exitCode !== 70 && error.exitCode !== 130) return { error };
    throw error;
  }
}

async function discover(context: CommandContext, session: Session, [name, table, ...more]: readonly string[]): Promise<number> {
  if (more.length > 0)
    throw usageError(
      'conns discover',
      `expected NAME and perhaps TABLE, found ${more.length + 2} arguments`,
      'e.g. sluice conns discover shop public.orders',
    );
  if (name === undefined) throw usageError('conns discover', 'expected the name of a connection', 'e.g. sluice conns discover shop');
  const { input, type } = await configured(context, session, name);
  const plugin = input?.plugin;
  if (!input || !plugin || plugin.form !== 'tasks' || !plugin.discover)
    throw usageError('conns discover', `connections of type ${type} have no tables to list`, '`sluice conns list` shows the types');
  const tables = await plugin.discover(input.config, pluginContext(context, session));
  if (table !== undefined) return showTable(context, tables, table);
  if (context.out.json) for (const found of tables) await context.out.printJson({ event: 'table', ...found });
  else {
    const rows = tables.map((t) => [
      t.name,
      t.kind,
      t.rows === undefined ? '' : `~${formatCount(t.rows)}`,
      t.primaryKey.join(', '),
      formatCount(t.columns.length),
    ]);
    await context.out.printLine(formatTable(['table', 'kind', 'rows', 'primary key', 'columns'], rows));
  }
  return 0;
}

async function showTable(context: CommandContext, tables: readonly DiscoveredTable[], wanted: string): Promise<number> {
  const found = tables.find((t) => t.name === wanted || t.name.endsWith(`.${wanted}`));
  if (!found) {
    throw new ConfigError({
      code: 'TABLE_UNKNOWN',
      message: `no table ${wanted}${didYouMean(
        wanted,
        tables.flatMap((t) => [t.name, t.name.slice(t.name.lastIndexOf('.') + 1)]),
      )}`,
      hint: '`sluice conns discover NAME` lists them',
    });
  }
  if (context.out.json) await context.out.printJson({ event: 'table', ...found });
  else {
    const rows = found.columns.map((c) => [
      c.name,
      c.sourceType,
      c.type,
      c.nullable ? '' : 'not null',
      found.primaryKey.includes(c.name) ? 'key' : '',
    ]);
    await context.out.printLine(formatTable(['column', 'type there', 'type here', '', ''], rows));
  }
  return 0;
}

async function configured(context: CommandContext, session: Session, name: string): Promise<ConnectionPlugins> {
  const { configureConnection } = await import('../../core/config/index.js');
  assertConnection(session, name);
  return configureConnection(name, { project: session.project, registry: session.registry, env: context.environment.env });
}

function assertConnection(session: Session, name: string): void {
  const names = Object.keys(session.project.connections);
  if (!names.includes(name)) {
    throw new ConfigError({
      code: 'CONNECTION_UNKNOWN',
      message: `no connection "${name}" in sluice.yml${didYouMean(name, names)}`,
      hint: `known connections: ${names.join(', ') || 'none'}`,
    });
  }
}

function pluginContext({ environment, out, signal }: CommandContext, session: Session): PluginContext {
  return {
    signal,
    log: out.logger,
    clock: environment.clock,
    root: session.project.root,
    tempDir: join(session.project.root, '.sluice', 'tmp'),
    reach: (point) => environment.reach(point),
    resource: (name) => session.resource(name),
  };
}
