/** Environment variables, as a process has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Whether the environment asks for traces. Nothing else of this folder is loaded where it does not. */
export function areTracesWanted(env: Env): boolean {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false;
  const exporter = env['OTEL_TRACES_EXPORTER']?.trim().toLowerCase() ?? '';
  if (exporter !== '') return exporter.split(',').some((name) => name.trim() === 'otlp');
  return given(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') || given(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
}

/** An empty value counts as none. */
function given(env: Env, name: string): boolean {
  return (env[name] ?? '').trim() !== '';
}
