/** Names like `wanted`, best first: equal table names elsewhere, then small differences in spelling. */
export function similarNames(wanted: string, known: readonly string[]): string[] {
  const bare = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const target = wanted.toLowerCase();
  return known
    .map((name) => {
      const whole = editDistance(target, name.toLowerCase());
      const distance = bare(name) === bare(target) ? Math.min(whole, 0.5) : Math.min(whole, editDistance(bare(target), bare(name)) + 1);
      return { name, distance };
    })
    .filter(({ distance }) => distance <= Math.max(2, wanted.length / 4))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
