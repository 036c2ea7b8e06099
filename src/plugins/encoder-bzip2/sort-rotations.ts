/** Starts of all rotations of the block, in order. Doubles the length that is compared until all differ. */
export function sortRotations(block: Uint8Array): Uint32Array {
  const n = block.length;
  const order = new Uint32Array(n);
  const shifted = new Uint32Array(n);
  let rank = new Uint32Array(n);
  let next = new Uint32Array(n);
  // Two bytes at once to begin with.
  const first = new Uint32Array(65537);
  const keyAt = (i: number): number => ((block[i] as number) << 8) | (block[i + 1 === n ? 0 : i + 1] as number);
  for (let i = 0; i < n; i++) (first[keyAt(i) + 1] as number)++;
  for (let k = 0; k < 65536; k++) first[k + 1] = (first[k + 1] as number) + (first[k] as number);
  const start = first.slice();
  for (let i = 0; i < n; i++) {
    const key = keyAt(i);
    order[first[key] as number] = i;
    first[key] = (first[key] as number) + 1;
  }
  for (let i = 0; i < n; i++) rank[i] = start[keyAt(i)] as number;

  // A rank is the position of the first rotation of its class, so the classes' places are their own counters.
  const place = new Uint32Array(n);
  for (let length = 2; length < n; length *= 2) {
    for (let i = 0; i < n; i++) {
      const from = (order[i] as number) - length;
      shifted[i] = from < 0 ? from + n : from;
    }
    for (let i = 0; i < n; i++) place[i] = i;
    for (let i = 0; i < n; i++) {
      const rotation = shifted[i] as number;
      const at = rank[rotation] as number;
      order[place[at] as number] = rotation;
      place[at] = (place[at] as number) + 1;
    }
    let classes = 0;
    let current = 0;
    for (let i = 0; i < n; i++) {
      const rotation = order[i] as number;
      const before = i === 0 ? -1 : (order[i - 1] as number);
      if (before < 0 || rank[rotation] !== rank[before] || rank[(rotation + length) % n] !== rank[(before + length) % n]) {
        current = i;
        classes++;
      }
      next[rotation] = current;
    }
    [rank, next] = [next, rank];
    if (classes === n) break;
  }
  return order;
}
