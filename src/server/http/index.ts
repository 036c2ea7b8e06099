export type { Gauge, HttpDependencies, HttpPipeline, HttpSchedule } from './dependencies.js';
export { startHttp, type HttpServer } from './start.js';
