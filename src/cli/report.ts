import type { RunSummary } from '../core/engine/events.js';
import type { JsonObject, JsonValue } from '../core/spi/index.js';
import { formatBytes, formatCount, formatCountOf, formatSeconds, formatTable } from './format.js';

/** Warnings of one run that are printed. */
const WARNINGS = 10;

/** The table at the end of a run, one row a target, and what changed. */
export function formatReport(summaries: readonly RunSummary[]): string {
  const headers = ['target', 'status', 'read', 'added', 'written', 'filtered', 'rejected', 'in', 'out', 'files', 'time', 'rows/s', 'peak memory'];
  const rows = summaries.map((s) => [
    s.target,
    s.status,
    formatCount(s.read),
    formatCount(s.added),
    formatCount(s.written),
    formatCount(s.filtered),
    formatCount(s.rejected),
    formatBytes(s.bytes_read),
    formatBytes(s.bytes_written),
    formatCount(s.files_written),
    formatSeconds(s.seconds),
    formatCount(s.seconds > 0 ? Math.round(s.read / s.seconds) : 0),
    formatBytes(s.peak_memory_bytes),
  ]);
  const keep = headers.map((h, i) => h !== 'added' || rows.some((row) => row[i] !== '0'));
  const pick = (cells: readonly string[]): string[] => cells.filter((_, i) => keep[i]);
  const lines = [formatTable(pick(headers), rows.map(pick))];
  for (const s of summaries) {
    for (const change of s.schema_changes) lines.push(change.startsWith(`${s.target}: `) ? change : `${s.target}: ${change}`);
    lines.push(...describeTargets(s));
    if (s.run_id !== null) {
      const [before, after] = [describeState(s.state_before), describeState(s.state_after)];
      lines.push(`${s.target}: run ${s.run_id}${before === 'none' && after === 'none' ? '' : `, state ${before} → ${after}`}`);
    }
    if (s.rejected > 0 && s.run_id !== null) {
      const table = s.commit?.['rejectsTable'] ?? `${s.target}__rejects`;
      const kept = s.status === 'held' ? `${s.rejected === 1 ? 'goes' : 'go'} with it` : `${s.rejected === 1 ? 'is' : 'are'} in ${String(table)}`;
      lines.push(`${s.target}: ${formatCountOf(s.rejected, 'rejected record')} ${kept}; \`sluice rejects ${s.run_id}\` shows them`);
    }
    if (s.status === 'held')
      lines.push(`${s.target}: held before the commit; \`sluice commit ${s.run_id}\` or \`sluice discard ${s.run_id}\` ends it`);
    if (s.status === 'up-to-date') lines.push(`${s.target}: nothing new to load`);
    lines.push(...s.warnings.slice(0, WARNINGS).map((warning) => `${s.target}: ${warning}`));
    if (s.warnings.length > WARNINGS) lines.push(`${s.target}: ${formatCount(s.warnings.length - WARNINGS)} more of the kind; --json has all`);
  }
  return lines.join('\n');
}

/** What became of the rows in each of several targets. */
function describeTargets({ commit }: RunSummary): string[] {
  const targets = commit?.['targets'];
  if (!Array.isArray(targets)) return [];
  return (targets as readonly JsonObject[]).map(describeTarget);
}

/** One of several targets in a run's record. */
export function describeTarget({ name, rows, filtered, rejected }: JsonObject): string {
  const counts = [`${formatCount(Number(rows))} written`, `${formatCount(Number(filtered))} filtered`, `${formatCount(Number(rejected))} rejected`];
  return `${String(name)}: ${counts.join(', ')}`;
}

/** A state in a few words: how many files are known, or the cursor itself. */
export function describeState(state: JsonValue): string {
  if (state === null || state === undefined) return 'none';
  if (typeof state === 'object' && !Array.isArray(state)) {
    const files = (state as JsonObject)['files'];
    if (files !== null && typeof files === 'object' && !Array.isArray(files)) {
      const count = Object.keys(files).length;
      return formatCountOf(count, 'file');
    }
    const lastPath = ((state as JsonObject)['in'] as JsonObject | undefined)?.['last_path'];
    if (typeof lastPath === 'string') return `files up to ${lastPath}`;
  }
  const text = JSON.stringify(state);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
