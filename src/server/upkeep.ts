import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ProjectConfig } from '../core/config/index.js';
import type { Clock, Logger } from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';
import { expireResults } from './runner/kept-results.js';

const EVERY_MS = 600_000;
const JOBS_AT_ONCE = 500;

/** Removes results, jobs and history whose time is over, now and then. Several processes may do it at once. */
export class Upkeep {
  readonly #store: Metastore;
  readonly #clock: Clock;
  readonly #log: Logger;
  #next = 0;

  constructor(store: Metastore, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  async runWhenDue(project: ProjectConfig): Promise<void> {
    if (this.#clock.now() < this.#next) return;
    this.#next = this.#clock.now() + EVERY_MS;
    const now = await this.#store.now();
    const results = await expireResults(project, this.#store, now);
    let jobs = 0;
    for (;;) {
      const { ids, resultFiles } = await this.#store.expireJobs(now - project.serve.jobRetentionMs, JOBS_AT_ONCE);
      for (const uri of resultFiles) await rm(fileURLToPath(uri), { force: true });
      jobs += ids.length;
      if (ids.length < JOBS_AT_ONCE) break;
    }
    if (results + jobs > 0) this.#log.log('info', 'expired', { results, jobs });
  }
}
