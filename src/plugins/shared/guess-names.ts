/** Column names as the warehouse takes them: lower case, letters, digits and `_`, unique, none that is reserved. */
export function makeColumnNames(headers: readonly string[]): string[] {
  const taken = new Set<string>();
  return headers.map((header, index) => {
    const plain = header
      .normalize('NFC')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}_]+/gu, '_')
      .replace(/^_+(?=.)|_+$/g, '');
    const base = plain === '' || plain === '_' ? `c${index}` : isReserved(plain) ? `${plain}_` : plain;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  });
}

function isReserved(name: string): boolean {
  return name.startsWith('__') || name === '_loaded_at' || name.endsWith('__rejects');
}
