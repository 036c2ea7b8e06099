import { randomUUID } from 'node:crypto';
import type { JobStore, RunStore, StateKey } from '../core/spi/index.js';
import { numberOf, textOf, type Connection, type OpenTransaction } from './connection.js';
import { identifyProcess, mayBeAlive } from './process-identity.js';

/** The name under which servers hold their leases; no pipeline can have it. */
const SERVER = '\u0001serve';

type ServerCalls = Pick<JobStore, 'registerServer' | 'countServers'>;

/** Processes that work on jobs, each alive as long as its lease is renewed. */
export function createServers(
  connection: Connection,
  project: string,
  leases: Pick<RunStore, 'acquireLease' | 'releaseLease' | 'leaseLost'>,
): ServerCalls {
  const { reader, dialect } = connection;
  return {
    async registerServer(holder) {
      const id = randomUUID();
      // SQLite is one machine's file: its one server has a lease of a fixed name. The holder of a job is told by the lease's target.
      const key: StateKey = { project, pipeline: SERVER, stream: dialect.kind === 'sqlite' ? '' : id, target: dialect.kind === 'sqlite' ? '' : id };
      const lease = await leases.acquireLease(key, holder);
      const server = dialect.kind === 'sqlite' ? `sqlite:${lease.fence}` : id;
      return {
        id: server,
        lost: leases.leaseLost(lease),
        release: () => leases.releaseLease(lease),
      };
    },
    async countServers() {
      return (await liveServers(reader, dialect.now, project)).size;
    },
  };
}

/** Ids of the servers that may still be working. */
export async function liveServers(reader: Pick<OpenTransaction, 'all'>, now: string, project: string): Promise<ReadonlySet<string>> {
  const rows = await reader.all(
    `SELECT stream, fence, machine, pid, process_started FROM sluice_leases WHERE project = $1 AND pipeline = $2 AND expires_at > ${now}`,
    [project, SERVER],
  );
  const self = identifyProcess();
  const alive = rows.filter((row) =>
    mayBeAlive({ machine: textOf(row, 'machine'), pid: numberOf(row, 'pid'), started: textOf(row, 'process_started') }, self),
  );
  return new Set(alive.map((row) => (row['stream'] === '' ? `sqlite:${numberOf(row, 'fence')}` : textOf(row, 'stream'))));
}
