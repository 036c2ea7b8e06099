import { relative, resolve, sep } from 'node:path';
import { ConfigError, type JsonObject } from '../../core/spi/index.js';
import { parseResultUrl, type ResultTarget } from '../../plugins/shared/result-url/index.js';
import { flag, list, text, type Command, type CommandContext } from '../command.js';
import { schemaPath } from '../guessed-config.js';
import { writeNewFile } from '../new-file.js';
import { withSession, type Session } from '../session.js';
import { readSqlText } from '../sql-text.js';
import { traced } from '../traced.js';
import { usageError } from '../subcommand.js';
import { diffPipeline } from '../diff-pipeline.js';
import { targetSecrets } from '../target-password.js';
import { execOverrides, printSummaries, runConfigs } from './run.js';

export const command: Command = {
  name: 'export',
  usage: '["SQL"] --to TARGET',
  summary: 'Write the result of a query to a database, a file, a bucket or a table.',
  details:
    'TARGET is a URL such as postgresql://user@host/database/table?mode=merge&keys=id, or NAME:table with a connection of sluice.yml. ' +
    'A password comes from SLUICE_PASSWORD, from pgpass or from the connection. The SQL comes from --query, from -f, or from stdin.',
  options: {
    query: { short: 'q', value: 'SQL', help: 'one SELECT over the tables' },
    file: { short: 'f', value: 'FILE.sql', help: 'read the SELECT from a file' },
    to: { value: 'TARGET', help: 'where the result goes' },
    connection: { value: 'NAME:TABLE', help: 'the same for a named connection' },
    diff: { help: 'only what changed since the last export to this target, deletions too (mode=merge with keys)' },
    param: { short: 'p', value: 'NAME=VALUE', multiple: true, help: 'value of $NAME in the SELECT' },
    'as-of': { value: 'TIME', help: 'read the tables as of this time' },
    namespace: { value: 'NAME', help: 'namespace of names without one (default: main)' },
    name: { value: 'NAME', help: 'name of the export among the runs (default: export:TARGET)' },
    'max-rejects': { value: 'N|P%', help: 'rows that the target cannot take and that may be left out (default: 0)' },
    'dry-run': { help: 'plan only: nothing is read or written' },
    hold: { help: 'stop before the commit; `sluice commit` or `sluice discard` ends the run' },
    save: { value: 'FILE.yml', help: 'keep the pipeline, without secrets' },
    force: { help: 'overwrite the file of --save' },
  },
  examples: [
    `sluice export "SELECT * FROM shop.orders" --to 'postgresql://me@db.example.com/sales/orders?mode=merge&keys=id'`,
    'sluice export -f totals.sql --to file:totals.csv.gz',
  ],
  arity: [0, 1],
  run: (context) => traced(context, 'export', (below) => withSession(below, undefined, (session) => runExport(below, session))),
};

async function runExport(context: CommandContext, session: Session): Promise<number> {
  const { environment, out } = context;
  const target = readTarget(context, session);
  out.hide(Object.values(target.secrets));
  for (const note of target.notes) out.say(`note: ${note}`);
  const sql = await readSqlText(context, readArgument(context), 'export');
  const found = await targetSecrets(target, context);
  out.hide(Object.values(found.secrets));
  const whole = pipelineOf(context, session, { ...target, ...found }, sql);
  const config = flag(context.options, 'diff') ? await diffPipeline(whole, session) : whole;
  const { loadPipelineDocument, makeDocument } = await import('../../core/config/index.js');
  const configs = await loadPipelineDocument(makeDocument(config, 'sluice export'), {
    registry: session.registry,
    project: session.project,
    env: { ...environment.env, ...found.secrets },
    cwd: environment.cwd,
    overrides: { exec: execOverrides(context) },
  });
  await savePipeline(context, session, config);
  try {
    await printSummaries(context, await runConfigs(context, session, configs));
  } catch (error) {
    throw text(context.options, 'to') === undefined ? error : hintForUrl(error);
  }
  return 0;
}

/** Who wrote a result URL has no `out.overwrite` to set. */
function hintForUrl(error: unknown): unknown {
  if (!(error instanceof ConfigError) || error.code !== 'OBJECT_EXISTS') return error;
  const hint = 'add overwrite=true to the result URL to replace it (such as file:out/orders.csv?overwrite=true), or name another file';
  const told = new ConfigError({ code: error.code, message: error.message, hint, where: error.where, cause: error });
  return Object.assign(told, 'runId' in error ? { runId: error.runId } : {});
}

function readTarget(context: CommandContext, session: Session): ResultTarget {
  const { options } = context;
  const [to, connection] = [text(options, 'to'), text(options, 'connection')];
  const given = to ?? connection;
  const example = "e.g. --to 'postgresql://me@db.example.com/sales/orders?mode=append'";
  if (given === undefined) throw usageError('export', 'expected --to TARGET, which is missing', example);
  if (to !== undefined && connection !== undefined) throw usageError('export', '--to and --connection name two targets', 'leave one of them out');
  return parseResultUrl(given, {
    connectionType(name) {
      const known = Object.hasOwn(session.project.connections, name) ? session.project.connections[name] : undefined;
      return typeof known?.['type'] === 'string' ? known['type'] : undefined;
    },
  });
}

function readArgument(context: CommandContext): string | undefined {
  const [argument] = context.args;
  const query = text(context.options, 'query');
  if (argument !== undefined && query !== undefined)
    throw usageError('export', 'the SQL is given twice, as argument and with --query', 'leave one of them out');
  return argument ?? query;
}

function pipelineOf(context: CommandContext, session: Session, target: ResultTarget, sql: string): JsonObject {
  const { options } = context;
  const [asOf, namespace] = [text(options, 'as-of'), text(options, 'namespace')];
  const params = readParams(context);
  return {
    name: text(options, 'name') ?? `export:${target.name}`,
    in: {
      type: 'query',
      sql,
      ...(Object.keys(params).length === 0 ? {} : { params }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(asOf === undefined ? {} : { as_of: asOf }),
    },
    out: fromWorkingFolder(target.out, context, session),
  };
}

/** Paths on the command line start where the user is; in a config they start at the project's root. */
function fromWorkingFolder(out: JsonObject, context: CommandContext, session: Session): JsonObject {
  if (out['type'] !== 'file') return out;
  const key = out['path'] === undefined ? 'path_prefix' : 'path';
  const given = String(out[key]);
  const absolute = resolve(context.environment.cwd, given);
  const below = relative(session.project.root, absolute);
  const path = below === '' || below.split(sep)[0] === '..' ? absolute : below;
  return { ...out, [key]: given.endsWith('/') ? `${path}/` : path };
}

function readParams(context: CommandContext): JsonObject {
  return Object.fromEntries(
    list(context.options, 'param').map((given) => {
      const at = given.indexOf('=');
      if (at < 1) throw usageError('export', `--param: expected NAME=VALUE, found ${JSON.stringify(given)}`, 'e.g. --param day=2026-01-01');
      return [given.slice(0, at), given.slice(at + 1)];
    }),
  );
}

async function savePipeline(context: CommandContext, session: Session, config: JsonObject): Promise<void> {
  const save = text(context.options, 'save');
  if (save === undefined) return;
  const { dirname } = await import('node:path');
  const { writeConfigYaml } = await import('../../core/engine/guess/index.js');
  const path = resolve(context.environment.cwd, save);
  const options = { schema: schemaPath(dirname(path), session.project.root), header: ['Kept by `sluice export --save`.'] };
  await writeNewFile(path, writeConfigYaml(config, { notes: [], warnings: [] }, options), flag(context.options, 'force'));
  context.out.say(`kept the pipeline in ${save}`);
}
