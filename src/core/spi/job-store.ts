import type { JsonObject } from './json.js';
import type { StoreTransaction } from './run-store.js';

export type JobStatus = 'queued' | 'running' | 'success' | 'error' | 'killed';
export type JobKind = 'pipeline' | 'sql' | 'export' | 'maintain';

/** What made a job: the timer of a schedule, a person (`schedule run`, `backfill`), a retry by hand, the API, or another job. */
export type JobTrigger = 'timer' | 'manual' | 'backfill' | 'retry' | 'api' | 'job';

/** Work to be done by any `serve` process of the project; plain JSON, names only, no secret. */
export interface NewJob {
  readonly kind: JobKind;
  /** The schedule or pipeline it belongs to, for people and for `overlap`. */
  readonly name: string;
  /** What to run, as the runner understands it: the definition as it was when the job was made. */
  readonly payload: JsonObject;
  readonly trigger: JobTrigger;
  /** Nominal time of the schedule in milliseconds since 1970; null for jobs without one. */
  readonly nominalTime: number | null;
  /** Higher first; -2 to 2. */
  readonly priority: number;
  /** Not started before this time on the database's clock. */
  readonly notBefore: number;
  /** Tries in all, at least 1. */
  readonly maxAttempts: number;
  /** Waits between tries: `initial * 2^(n-1)`, at most `max`. */
  readonly retryWait: { readonly initialMs: number; readonly maxMs: number };
  /** Null: no limit. */
  readonly timeoutMs: number | null;
  /** Names that share concurrency limits: connections, and `schedule:<name>` where overlap is not allowed. */
  readonly uses: readonly string[];
  /** The query job whose result this export job sends. */
  readonly parentId: string | null;
  /** Names like `team:growth`, for lists. */
  readonly tags: readonly string[];
}

export interface JobRecord extends NewJob {
  /** Sorts by time of creation. */
  readonly id: string;
  readonly status: JobStatus;
  /** Tries so far, the running one included. */
  readonly attempts: number;
  readonly holder: string | null;
  /** Grows with every claim; calls of an earlier holder are refused. */
  readonly fence: number;
  readonly killRequested: boolean;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly result: JobResult | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string } | null;
}

/** Figures of a finished job. Unknown ones are left out. */
export interface JobResult {
  readonly runIds: readonly string[];
  readonly rowsRead?: number;
  readonly rowsWritten?: number;
  readonly rowsRejected?: number;
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
  readonly cpuSeconds?: number;
  /** Where a SQL job's result is kept: a Parquet file's URI, its rows and columns, and when it is removed. */
  readonly resultFile?: { readonly uri: string; readonly rows: number; readonly columns: readonly string[]; readonly expiresAt: number };
  readonly details?: JsonObject;
}

/** Something that people must be told, and which of `serve.notify` it goes to. */
export interface NewMessage {
  readonly target: string;
  readonly content: JsonObject;
}

/** A message that has not been sent yet. */
export interface MessageRecord extends NewMessage {
  readonly id: number;
  /** Tries to send it, this one included. */
  readonly tries: number;
}

/** A process that works on jobs; its jobs are taken over once it has gone. */
export interface ServerRegistration {
  readonly id: string;
  /** Aborts when it could not be kept alive: others may take its jobs over. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface JobLogLine {
  /** Counts up within a job. */
  readonly seq: number;
  readonly at: number;
  readonly attempt: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/** What became of one nominal time of a schedule; written once. */
export type FiringOutcome = 'queued' | 'skipped_overlap' | 'skipped_paused' | 'skipped_missed' | 'skipped_disabled' | 'skipped_dependency';

export interface Firing {
  readonly schedule: string;
  readonly nominalTime: number;
  readonly outcome: FiringOutcome;
  /** The job, when one was made. Its end is the outcome of the run. */
  readonly jobId: string | null;
  readonly recordedAt: number;
  /** The job's state; null where none was made, or where it is kept no more. */
  readonly jobStatus: JobStatus | null;
  /** When a job of this time, by whatever trigger, first ended with success. */
  readonly succeededAt: number | null;
}

/** What a schedule may promise: that each nominal time succeeds within a time, or that its last success is never older than one. */
export type SlaKind = 'finish_within' | 'max_age';

/** A promise of a schedule that was not kept; recorded once. */
export interface SlaMiss {
  readonly schedule: string;
  readonly kind: SlaKind;
  /** `finish_within`: the nominal time. `max_age`: when it last succeeded, or was first seen. */
  readonly nominalTime: number;
  /** When a success was due. */
  readonly deadline: number;
  readonly missedAt: number;
  /** When the success came after all; null: it has not. */
  readonly metAt: number | null;
}

/** What a look at the promises of a schedule has found; recorded in one transaction. */
export interface SlaStep {
  readonly name: string;
  /** What `slaFrom` was when this was decided; another process that was faster makes this step void. */
  readonly expectedFrom: number;
  readonly misses: readonly Pick<SlaMiss, 'kind' | 'nominalTime' | 'deadline'>[];
  /** Nominal times before this one have been judged. */
  readonly from: number;
  /** When to look again. */
  readonly checkAt: number | null;
}

/** What a step has recorded of the promises of a schedule. */
export interface SlaChanges {
  readonly missed: readonly SlaMiss[];
  readonly met: readonly SlaMiss[];
}

/** A schedule as the database knows it; its definition is in the project's files. */
export interface ScheduleRecord {
  readonly name: string;
  /** First seen; no nominal time before it is ever caught up. */
  readonly createdAt: number;
  readonly paused: boolean;
  /** Hash of the definition the `nextTime` was computed with. */
  readonly definitionHash: string;
  /** The next nominal time that has no outcome yet; null: never again. */
  readonly nextTime: number | null;
  /** When that time is due (nominal time plus delay). */
  readonly dueAt: number | null;
  /** Hash of the promises that are watched, and their first nominal time that is not judged; empty and null: there are none. */
  readonly slaHash: string;
  readonly slaFrom: number | null;
}

/** One step of a due schedule, decided by the scheduler and recorded in one transaction. */
export interface ScheduleStep {
  readonly name: string;
  /** What `nextTime` was when this was decided; another process that was faster makes this step void. */
  readonly expectedNext: number;
  readonly firings: readonly {
    readonly nominalTime: number;
    readonly outcome: FiringOutcome;
    readonly job?: NewJob;
    /** Jobs that the timer, or a retry, made for earlier times are killed where they have not ended, with JOB_SUPERSEDED. */
    readonly cancelsEarlier?: boolean;
  }[];
  readonly nextTime: number | null;
  readonly dueAt: number | null;
}

export interface JobFilter {
  readonly status?: JobStatus;
  readonly name?: string;
  readonly kind?: JobKind;
  readonly tag?: string;
  /** Only jobs that have not ended. */
  readonly open?: boolean;
  /** Only jobs older than this id. */
  readonly before?: string;
  /** Default 100, at most 1,000. */
  readonly limit?: number;
}

/** A key of the HTTP API; only a hash of the secret half is stored. */
export interface ApiKeyRecord {
  /** Public half, also its name in lists. */
  readonly id: string;
  /** SHA-256 of the secret half, hex. */
  readonly hash: string;
  readonly description: string;
  readonly scopes: readonly ('read' | 'write' | 'rejects' | 'admin')[];
  /** Databases (namespaces) it may see; null: all. */
  readonly databases: readonly string[] | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
  readonly uses: number;
}

/**
 * Jobs, schedules and keys of a project. The metastore implements it next to `RunStore`; all times are the database's clock,
 * milliseconds since 1970. Several processes call it at once.
 */
export interface JobStore {
  /** Within `tx` where the job belongs to another change. Answers its id. */
  addJob(job: NewJob, tx?: StoreTransaction): Promise<string>;
  getJob(id: string): Promise<JobRecord | undefined>;
  /** Newest first. */
  listJobs(filter: JobFilter): Promise<readonly JobRecord[]>;
  countJobs(): Promise<{ readonly [status in JobStatus]: number }>;

  /**
   * Takes up to `want` due jobs for a registered server: highest priority first, then oldest; none whose `uses` are at their
   * limit (default 1 for `schedule:…`, else none), counting the jobs of all processes. Jobs of servers that are gone are due again;
   * that costs no attempt, but the fifth time the job ends with JOB_ABANDONED; `messagesOf` tells what is recorded with that end.
   */
  claimJobs(
    server: string,
    want: number,
    limits: ReadonlyMap<string, number>,
    messagesOf?: (abandoned: JobRecord) => Promise<readonly NewMessage[]>,
  ): Promise<readonly JobRecord[]>;
  /** As claimJobs for one queued job, whatever its time and limits: a person runs it now. Undefined: it is not queued any more. */
  claimJob(server: string, id: string): Promise<JobRecord | undefined>;
  /** The running jobs of this server, and whether each shall be killed. One that it does not know of was claimed without its learning of it. */
  heldJobs(server: string): Promise<readonly Pick<JobRecord, 'id' | 'fence' | 'killRequested'>[]>;
  /** Ends a claimed job. An error with `retry` and tries left queues it again. Refused with ConflictError JOB_LOST for an old fence. */
  finishJob(
    claim: JobRecord,
    end: {
      readonly status: 'success' | 'error' | 'killed';
      readonly result: JobResult | null;
      readonly error: JobRecord['error'];
      readonly retry: boolean;
      /** Recorded in the same transaction. */
      readonly messages?: readonly NewMessage[];
    },
  ): Promise<void>;
  /** Gives a claimed job back unharmed (drain): queued again, the attempt does not count. */
  returnJob(claim: Pick<JobRecord, 'id' | 'fence'>): Promise<void>;
  /** Queued jobs end at once; the server of a running one finds it among `heldJobs`. False when it had ended. */
  killJob(id: string): Promise<boolean>;
  /** A fresh copy of a job that ended (trigger `retry`). */
  retryJob(id: string): Promise<string>;
  appendLog(id: string, lines: readonly Omit<JobLogLine, 'seq'>[]): Promise<void>;
  readLog(id: string, afterSeq: number, limit: number): Promise<readonly JobLogLine[]>;
  /** Removes jobs, their logs and firings that ended before; answers the ids and the result files that are due. */
  expireJobs(endedBefore: number, limit: number): Promise<{ readonly ids: readonly string[]; readonly resultFiles: readonly string[] }>;

  /**
   * Makes rows for schedules that are new; a changed definition gets its new next time, after the last one that has an outcome. Others,
   * no longer defined, are disabled.
   */
  syncSchedules(
    schedules: readonly {
      readonly name: string;
      readonly definitionHash: string;
      /** Of what it promises; a new or changed one holds for the times from now on. Absent: it promises nothing. */
      readonly slaHash?: string;
      nextAfter(time: number): { nextTime: number | null; dueAt: number | null };
    }[],
  ): Promise<void>;
  listSchedules(): Promise<readonly ScheduleRecord[]>;
  getSchedule(name: string): Promise<ScheduleRecord | undefined>;
  /** Schedules whose time is due, soonest first. */
  dueSchedules(limit: number): Promise<readonly ScheduleRecord[]>;
  /** Records outcomes, makes their jobs and moves the schedule on, all in one transaction. False: another process was faster. */
  stepSchedule(step: ScheduleStep): Promise<boolean>;
  pauseSchedule(name: string, paused: boolean): Promise<boolean>;
  /** Schedules whose promises are to be looked at now. */
  dueSlas(limit: number): Promise<readonly ScheduleRecord[]>;
  /**
   * Answers the misses that were recorded for the first time, and earlier ones that have been met since: each is answered once in all.
   * What `tell` makes of them is recorded in the same transaction.
   */
  stepSla(step: SlaStep, tell?: (found: SlaChanges) => readonly NewMessage[]): Promise<SlaChanges>;
  /** Newest first. `open`: the newest of each schedule that neither its own nor a later time has made good. */
  listSlaMisses(filter: { readonly schedule?: string; readonly open?: boolean; readonly limit?: number }): Promise<readonly SlaMiss[]>;
  /** Newest first. */
  listFirings(schedule: string, filter: { readonly from?: number; readonly to?: number; readonly limit?: number }): Promise<readonly Firing[]>;

  /** Messages that are due, oldest first; nobody else gets them for `holdMs`. One that is not ended by then is due again. */
  claimMessages(limit: number, holdMs: number): Promise<readonly MessageRecord[]>;
  /** To be sent again later. */
  putOffMessage(id: number, waitMs: number): Promise<void>;
  /** Sent, or given up. */
  endMessage(id: number): Promise<void>;
  /** Those that have not been sent. */
  countMessages(): Promise<number>;

  /**
   * Within a run's commit: claims the one commit of (schedule, nominal time) that the timer may make. Throws ConflictError
   * PERIOD_COMMITTED when another job has it.
   */
  claimPeriod(tx: StoreTransaction, schedule: string, nominalTime: number, jobId: string): Promise<void>;

  /** Kept alive until released. On SQLite there is one at a time: ConflictError LEASE_HELD names it. */
  registerServer(holder: string): Promise<ServerRegistration>;
  /** Servers that are alive. */
  countServers(): Promise<number>;

  addKey(key: Omit<ApiKeyRecord, 'createdAt' | 'revokedAt' | 'lastUsedAt' | 'uses'>): Promise<void>;
  getKey(id: string): Promise<ApiKeyRecord | undefined>;
  listKeys(): Promise<readonly ApiKeyRecord[]>;
  revokeKey(id: string): Promise<boolean>;
  /** Adds up uses; called in batches. */
  recordKeyUse(uses: readonly { readonly id: string; readonly uses: number; readonly lastUsedAt: number }[]): Promise<void>;
}
