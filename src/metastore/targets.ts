import { sqlOf } from './connection.js';
import type { Metastore } from './types.js';

/** Everything that is keyed by a target. */
const KEYED = ['sluice_states', 'sluice_state_history', 'sluice_runs'] as const;
/** Stands for one of two targets while they are exchanged; no target is called so. */
const BETWEEN = 'swapping:';

/** What happens to states and runs when their target is renamed or changes places with another one. */
export const targetCalls: Pick<Metastore, 'renameTarget' | 'swapTargets'> = {
  renameTarget: async (transaction, target, name) => {
    const tx = sqlOf(transaction);
    for (const table of KEYED) await tx.run(`UPDATE ${table} SET target_name = $2 WHERE target = $1`, [target, name]);
  },
  swapTargets: async (transaction, a, b) => {
    const tx = sqlOf(transaction);
    for (const table of KEYED) {
      // One statement would meet its own rows: unique keys are checked row by row.
      const move = (from: string, to: string): Promise<number> => tx.run(`UPDATE ${table} SET target = $2 WHERE target = $1`, [from, to]);
      await move(a, BETWEEN + a);
      await move(b, a);
      await move(BETWEEN + a, b);
    }
  },
};
