import type { Route } from '../route.js';
import { JOB_ROUTES } from './jobs.js';
import { PIPELINE_ROUTES } from './pipelines.js';
import { QUERY_ROUTES } from './query.js';
import { RUN_ROUTES } from './runs.js';
import { SCHEDULE_ROUTES } from './schedules.js';
import { SERVICE_ROUTES } from './service.js';
import { TABLE_ROUTES } from './tables.js';

/** Every operation of the API. */
export const ROUTES: readonly Route[] = [
  ...SERVICE_ROUTES,
  ...QUERY_ROUTES,
  ...TABLE_ROUTES,
  ...JOB_ROUTES,
  ...SCHEDULE_ROUTES,
  ...PIPELINE_ROUTES,
  ...RUN_ROUTES,
];
