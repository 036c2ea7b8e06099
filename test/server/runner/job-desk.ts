import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../../src/cli/environment.js';
import { openSessionAt, type Session } from '../../../src/cli/session.js';
import type { JobRecord, JsonObject, NewJob, ServerRegistration } from '../../../src/core/spi/index.js';
import type { Metastore } from '../../../src/metastore/types.js';
import { runJob } from '../../../src/server/runner/run-job.js';
import type { JobResult } from '../../../src/core/spi/index.js';

export function newJob(payload: object, more: Partial<NewJob> = {}): NewJob {
  return {
    kind: (payload as { kind: NewJob['kind'] }).kind,
    name: 'job',
    payload: payload as JsonObject,
    trigger: 'api',
    nominalTime: null,
    priority: 0,
    notBefore: 0,
    maxAttempts: 1,
    retryWait: { initialMs: 50, maxMs: 200 },
    timeoutMs: null,
    uses: [],
    parentId: null,
    tags: [],
    ...more,
  };
}

/** A project whose jobs are run in this process, one by one, by whoever the test says. */
export class JobDesk {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-jobs-')));
  readonly log: string[] = [];
  readonly env: Record<string, string> = {};
  #session: Session | undefined;
  #server: ServerRegistration | undefined;

  write(name: string, content: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  async session(): Promise<Session> {
    const context = {
      environment: { clock: systemClock, random: Math.random, reach: () => undefined },
      out: { say: () => undefined, hide: () => undefined, print: () => Promise.resolve(), logger: { log: () => undefined } },
      signal: new AbortController().signal,
    };
    this.#session ??= await openSessionAt(context, this.folder, { env: this.env, cwd: this.folder });
    return this.#session;
  }

  async store(): Promise<Metastore> {
    return (await this.session()).metastore();
  }

  /** Adds a job and claims it, as a server does. */
  async claimed(job: NewJob): Promise<JobRecord> {
    const store = await this.store();
    this.#server ??= await store.registerServer('test');
    const id = await store.addJob(job);
    return (await store.claimJob(this.#server.id, id)) as JobRecord;
  }

  /** One try, without recording its end. */
  async try(job: JobRecord, signal: AbortSignal = new AbortController().signal): Promise<JobResult> {
    return runJob(job, { session: await this.session(), env: this.env }, signal, (level, text) => this.log.push(`${level} ${text}`));
  }

  /** A whole job that must succeed. */
  async run(payload: object, more: Partial<NewJob> = {}): Promise<JobRecord> {
    const job = await this.claimed(newJob(payload, more));
    const result = await this.try(job);
    const store = await this.store();
    await store.finishJob(job, { status: 'success', result, error: null, retry: false });
    return (await store.getJob(job.id)) as JobRecord;
  }

  async rows(sql: string): Promise<unknown[][]> {
    const warehouse = await (await this.session()).warehouse();
    const result = await warehouse.query(sql);
    const rows: unknown[][] = [];
    try {
      for await (const chunk of result.chunks()) for (let i = 0; i < (chunk[0]?.length ?? 0); i++) rows.push(chunk.map((column) => column[i]));
    } finally {
      await result.close();
    }
    return rows;
  }

  async remove(): Promise<void> {
    await this.#server?.release();
    await this.#session?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
