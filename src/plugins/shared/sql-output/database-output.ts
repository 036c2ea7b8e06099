import {
  type ConfigPlace,
  type ConfigSchema,
  type JsonObject,
  type LedgerAnswer,
  type OpenRunContext,
  type OutputPlan,
  type OutputPlugin,
  type PluginContext,
  type PluginDeclaration,
  type StateKey,
} from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';
import { resolveConnection, type SqlConnectionSettings } from '../sql/connection.js';
import { joinTableName } from '../sql/table-names.js';
import { planColumns, type MakeColumn } from './plan-columns.js';
import { planKeys } from './plan-keys.js';
import { otherProject } from './ledger.js';
import { modeOf } from './schema.js';
import { refusalsUnlessDeleted, withoutMark } from './delete-marks.js';
import { readSpool } from './read-spool.js';
import { commitRows, openRunWriter, stageRows } from './run-writer.js';
import { removeSpools, type CsvColumn, type CsvSpool } from './stage-csv.js';
import type { DatabaseConfig, LoadJob, TablePlan } from './table-plan.js';
import type { TargetColumn, TargetTable } from './target-column.js';
import type { WrittenValue } from './written-value.js';

/** One connection to the target. */
export interface TargetSession {
  /** `PostgreSQL 15.18`. */
  readonly server: string;
  readonly make: MakeColumn;
  /** The target table, or undefined when there is none. */
  readTable(table: readonly string[]): Promise<TargetTable | undefined>;
  /** What the ledger beside the target holds of this key; undefined: no row, or no ledger yet. */
  lastInLedger(table: readonly string[], key: StateKey): Promise<Extract<LedgerAnswer, { kept: true }>['last']>;
  /** A project of another id whose runs of the same pipeline, stream and target the ledger holds. */
  otherProject(table: readonly string[], key: StateKey): Promise<string | undefined>;
  /** Refuses when the ledger neither exists nor can be made. */
  checkLedger(table: readonly string[], place: ConfigPlace): Promise<void>;
  /** Refuses a replace of a table that others depend on. */
  checkReplace(table: readonly string[], place: ConfigPlace): Promise<void>;
  /** Sentences on what this target cannot promise. */
  weaknesses(plan: Pick<TablePlan, 'table' | 'mode' | 'exists'>, config: DatabaseConfig): Promise<readonly string[]>;
  /** The whole write in one transaction with its ledger row; `false`: the ledger says that this run had committed before. */
  load(job: LoadJob): Promise<boolean>;
  /**
   * Why rows must not be sent before the commit: they would stay when the transaction is rolled back, or keep others waiting. Undefined:
   * they may, and the server ends the session by itself when nothing more is heard of us.
   */
  refuseEarly(plan: TablePlan, run: OpenRunContext): Promise<string | undefined>;
  end(): Promise<void>;
}

/** What differs between products. */
export interface TargetProduct {
  readonly defaultPort: number;
  /** How a value is written for the bulk load. */
  csvColumn(value: WrittenValue, target: TargetColumn): CsvColumn;
  /** Stands for NULL in the spool, unquoted. */
  readonly nullText: string;
  /** Parts of the target table's name. */
  tableOf(config: DatabaseConfig, place: ConfigPlace): readonly string[];
  open(settings: SqlConnectionSettings, ctx: PluginContext, config: DatabaseConfig): Promise<TargetSession>;
}

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
      const files = reports.flatMap((report) => (report.staged as unknown as CsvSpool).files);
      return readSpool(
        files,
        columns.map(({ source }) => source),
        deleteColumn !== undefined,
        product.nullText,
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
          details: plan as unknown as JsonObject,
        };
      }),

    remove: (paths) => removeSpools(paths),

    stage: (plan, relation, ctx) => stageRows(product, plan, relation, ctx),

    commit: (plan, reports, _rejects, ctx, config) => commitRows(openFor(config), plan, reports, ctx, config),

    openRun: (plan, ctx, config) => openRunWriter(product, openFor(config), plan, ctx, config),

    probe: (config, ctx) => withSession(config, NOWHERE, ctx, (session) => Promise.resolve(session.server)),
  };
}
