import {
  type ConfigPlace,
  type ConfigSchema,
  type JsonObject,
  type OutputPlan,
  type OutputPlugin,
  type PluginContext,
  type PluginDeclaration,
} from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';
import { resolveConnection, type SqlConnectionSettings } from '../sql/connection.js';
import { joinTableName } from '../sql/table-names.js';
import { planColumns } from './plan-columns.js';
import { planKeys } from './plan-keys.js';
import { otherProject } from './ledger.js';
import { modeOf } from './schema.js';
import { refusalsUnlessDeleted, withoutMark } from './delete-marks.js';
import { readSpool } from './read-spool.js';
import { commitRows, openRunWriter, stageRows } from './run-writer.js';
import { removeSpools, type Spool } from './stage-spool.js';
import type { DatabaseConfig, TablePlan } from './table-plan.js';
import type { TargetProduct, TargetSession } from './target-session.js';

const NOWHERE: ConfigPlace = { at: () => ({}) };

/** An output that writes one table of a SQL database: COPY or LOAD DATA from finished spool files, committed with a ledger row. */
export function defineDatabaseOutput(
  declaration: Omit<PluginDeclaration, 'kind' | 'schema'> & { readonly schema: ConfigSchema },
  product: TargetProduct,
): OutputPlugin<DatabaseConfig> {
  const settingsOf = (config: DatabaseConfig, place: ConfigPlace): SqlConnectionSettings =>
    resolveConnection(config, { port: product.defaultPort }, place);
  const withSession = async <T>(
    config: DatabaseConfig,
    place: ConfigPlace,
    ctx: PluginContext,
    work: (session: TargetSession) => Promise<T>,
  ): Promise<T> => {
    const session = await product.open(settingsOf(config, place), ctx, config);
    try {
      return await work(session);
    } finally {
      await session.end();
    }
  };
  const openFor =
    (config: DatabaseConfig) =>
    (ctx: PluginContext): Promise<TargetSession> =>
      product.open(settingsOf(config, NOWHERE), ctx, config);
  const identityOf = (config: DatabaseConfig, place: ConfigPlace): { target: string; name: string; ignoresState: boolean } => {
    const name = joinTableName(product.tableOf(config, place));
    const mode = modeOf(config);
    return {
      target: `${declaration.type}://${settingsOf(config, place).place}/${name}`,
      name,
      ignoresState: mode === 'truncate' || mode === 'replace',
    };
  };

  return {
    ...declaration,
    kind: 'output',
    deletes: true,

    checksTable: true,

    stagedRows(plan, reports) {
      const { columns, deleteColumn } = plan.details as unknown as TablePlan;
      const files = reports.flatMap((report) => (report.staged as unknown as Spool).files);
      return readSpool(
        files,
        columns.map(({ source }) => source),
        deleteColumn !== undefined,
        product.spool,
      );
    },

    identify: (config, ctx) => Promise.resolve(identityOf(config, ctx.place)),

    recover(config, key, ctx) {
      if (config.ledger === 'none') return Promise.resolve({ kept: false });
      return withSession(config, ctx.place, ctx, async (session) => {
        const table = product.tableOf(config, ctx.place);
        const last = await session.lastInLedger(table, key);
        const other = last === undefined && modeOf(config) === 'append' ? await session.otherProject(table, key) : undefined;
        if (other !== undefined) throw otherProject(joinTableName(table), key, other);
        return { kept: true, last };
      });
    },

    plan: (config, loaded, ctx) =>
      withSession(config, ctx.place, ctx, async (session): Promise<OutputPlan> => {
        const { place } = ctx;
        const schema = withoutMark(loaded, config.delete_column, place);
        const table = product.tableOf(config, place);
        const identity = identityOf(config, place);
        // All rows of a merge at once may hold one key more than once: its own rules decide here, too.
        const mode = ctx.fullRefresh && modeOf(config) === 'append' ? 'truncate' : modeOf(config);
        if (schema.length === 0) {
          throw configProblem(place, 'table', {
            code: 'TARGET_NO_COLUMNS',
            message: 'the load has no columns',
            hint: 'a table needs at least one; check the input and the filters',
          });
        }
        if (config.ledger !== 'none') await session.checkLedger(table, place);
        const found = await session.readTable(table);
        if (found && mode === 'replace') await session.checkReplace(table, place);
        const planned = planColumns({ config, mode, schema, table: found, name: identity.name, make: session.make, place });
        const keys = planKeys(config, mode, planned.columns, found, place);
        const dropped = mode === 'replace' && found ? found.columns.filter((c) => !planned.columns.some(({ target }) => target.name === c.name)) : [];
        const plan: TablePlan = {
          table,
          mode,
          ...(ctx.fullRefresh && mode === 'merge' ? { refreshes: true } : {}),
          exists: found !== undefined,
          columns: planned.columns,
          dropped: dropped.map((c) => c.name),
          keys,
          ...(config.delete_column === undefined ? {} : { deleteColumn: config.delete_column }),
        };
        const notes = await session.weaknesses(plan, config);
        const tlsNote = settingsOf(config, place).tls.note;
        return {
          ...identity,
          schemaChanges: planned.changes,
          absorbsRereads: mode === 'merge',
          notes: [
            ...notes,
            ...(config.ledger === 'none' ? ['without a ledger a run that is repeated may write rows twice'] : []),
            ...(tlsNote === undefined ? [] : [tlsNote]),
          ],
          refusals: [...keys.refusals, ...refusalsUnlessDeleted(planned.refusals, config.delete_column)],
          tableColumns: [
            ...new Set([...(mode === 'replace' ? [] : (found?.columns ?? [])), ...planned.columns.map((c) => c.target)].map(({ name }) => name)),
          ],
          details: plan as unknown as JsonObject,
        };
      }),

    remove: (paths) => removeSpools(paths),

    stage: (plan, relation, ctx) => stageRows(product, plan, relation, ctx),

    commit: (plan, reports, _rejects, ctx, config) => commitRows(product, openFor(config), plan, reports, ctx, config),

    openRun: (plan, ctx, config) => openRunWriter(product, openFor(config), plan, ctx, config),

    probe: (config, ctx) => withSession(config, NOWHERE, ctx, (session) => Promise.resolve(session.server)),
  };
}
