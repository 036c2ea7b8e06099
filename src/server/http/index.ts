export type { Gauge, HttpDependencies, HttpPipeline } from './dependencies.js';
export { startHttp, type HttpServer } from './start.js';
