// Preloaded into every measured process: writes its own CPU seconds and peak memory when it ends.
const { writeFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');
if (isMainThread && process.env.SLUICE_BENCH_USAGE) {
  const file = process.env.SLUICE_BENCH_USAGE;
  delete process.env.SLUICE_BENCH_USAGE;
  process.on('exit', () => {
    const usage = process.resourceUsage();
    writeFileSync(file, JSON.stringify({ cpu: (usage.userCPUTime + usage.systemCPUTime) / 1e6, peak: usage.maxRSS * 1024 }));
  });
}
