const MAX_LENGTH = 17;

/** Lengths of a prefix code for these frequencies, each from 1 to 17 bits. */
export function codeLengths(frequencies: ArrayLike<number>): Uint8Array {
  let weights = Array.from(frequencies, (f) => Math.max(1, f));
  for (;;) {
    const lengths = huffmanLengths(weights);
    if (lengths.every((length) => length <= MAX_LENGTH)) return lengths;
    // Flatter frequencies make a flatter tree.
    weights = weights.map((weight) => 1 + Math.floor(weight / 2));
  }
}

/** Two queues: leaves in order of weight, and the nodes that are made in ascending order anyway. */
function huffmanLengths(weights: readonly number[]): Uint8Array {
  const n = weights.length;
  const leaves = weights.map((_, i) => i).sort((a, b) => (weights[a] as number) - (weights[b] as number));
  const weight = [...weights];
  const parent = new Int32Array(2 * n - 1).fill(-1);
  let leaf = 0;
  let inner = n;
  const smallest = (made: number): number => {
    const takesLeaf = leaf < n && (inner >= made || (weight[leaves[leaf] as number] as number) <= (weight[inner] as number));
    return takesLeaf ? (leaves[leaf++] as number) : inner++;
  };
  for (let made = n; made < 2 * n - 1; made++) {
    const a = smallest(made);
    const b = smallest(made);
    weight[made] = (weight[a] as number) + (weight[b] as number);
    parent[a] = made;
    parent[b] = made;
  }
  const depth = new Uint8Array(2 * n - 1);
  for (let node = 2 * n - 3; node >= 0; node--) depth[node] = (depth[parent[node] as number] as number) + 1;
  return depth.slice(0, n);
}

/** Canonical codes: shorter ones first, then in order of the symbols. */
export function codesOf(lengths: Uint8Array): Uint32Array {
  const codes = new Uint32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === length) codes[symbol] = code++;
    code <<= 1;
  }
  return codes;
}
