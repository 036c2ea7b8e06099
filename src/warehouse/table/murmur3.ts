/** MurmurHash3, x86, 32 bit, seed 0, as a signed integer (spec, appendix B). */
export function murmur3(bytes: Uint8Array): number {
  let hash = 0;
  const blocks = bytes.length >> 2;
  const at = (i: number): number => bytes[i] ?? 0;
  for (let i = 0; i < blocks; i++) {
    const start = i * 4;
    hash = mixHash(hash, at(start) | (at(start + 1) << 8) | (at(start + 2) << 16) | (at(start + 3) << 24));
  }
  const tail = blocks * 4;
  if (tail < bytes.length) hash ^= mixBlock(at(tail) | (at(tail + 1) << 8) | (at(tail + 2) << 16));
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function mixBlock(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function mixHash(hash: number, block: number): number {
  return (Math.imul(rotateLeft(hash ^ mixBlock(block), 13), 5) + 0xe6546b64) | 0;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
