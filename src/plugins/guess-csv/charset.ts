import { isUtf8 } from 'node:buffer';

export interface GuessedCharset {
  /** As in a config. */
  readonly name: string;
  readonly text: string;
  readonly reason: string;
}

/** The sample as text. Byte order marks decide; then UTF-16's zero bytes; then UTF-8; then what decodes without error. */
export function guessCharset(bytes: Uint8Array, complete: boolean): GuessedCharset {
  const buffer = Buffer.from(bytes);
  if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) return decoded(buffer, 'UTF-8', 'a byte order mark');
  if (buffer[0] === 0xff && buffer[1] === 0xfe) return decoded(buffer, 'UTF-16LE', 'a byte order mark');
  if (buffer[0] === 0xfe && buffer[1] === 0xff) return decoded(buffer, 'UTF-16BE', 'a byte order mark');
  const wide = guessUtf16(buffer);
  if (wide) return decoded(buffer, wide, 'every other byte is zero');
  const whole = complete ? buffer : dropCutCharacter(buffer);
  if (isUtf8(whole)) return decoded(whole, 'UTF-8', buffer.every((b) => b < 0x80) ? 'plain ASCII' : 'all bytes are valid UTF-8');
  const damaged = decodeDamaged(whole);
  if (damaged !== undefined) return damaged;
  const japanese = ['Shift_JIS', 'EUC-JP'].map((name) => ({ name, text: tryDecode(buffer, name, complete) })).filter((c) => c.text !== undefined);
  const best = japanese.map((c) => ({ ...c, score: scoreJapanese(c.text as string) })).sort((a, b) => b.score - a.score)[0];
  if (best && best.score > 0)
    return {
      name: best.name,
      text: best.text as string,
      reason: `decodes without an error, ${Math.round(best.score * 100)} % of the other than ASCII characters are kana or common kanji`,
    };
  return decoded(buffer, 'windows-1252', 'not UTF-8, and no other charset fits');
}

function decoded(buffer: Buffer, name: string, reason: string): GuessedCharset {
  return { name, text: new TextDecoder(name).decode(buffer), reason };
}

/** UTF-8 with a few broken bytes: their records are rejected, which harms less than a charset in which every other one is wrong. */
function decodeDamaged(buffer: Buffer): GuessedCharset | undefined {
  const text = new TextDecoder('UTF-8').decode(buffer);
  const broken = text.match(/\ufffd/g)?.length ?? 0;
  const whole = text.match(/[^\0-\x7f\ufffd]/gu)?.length ?? 0;
  if (whole < broken * 20) return undefined;
  return { name: 'UTF-8', text, reason: `valid UTF-8 but for ${broken === 1 ? '1 place' : `${broken} places`}, whose records would be rejected` };
}

function guessUtf16(buffer: Buffer): string | undefined {
  const pairs = Math.floor(Math.min(buffer.length, 4096) / 2);
  if (pairs < 2) return undefined;
  let even = 0;
  let odd = 0;
  for (let i = 0; i < pairs * 2; i += 2) {
    if (buffer[i] === 0) even++;
    if (buffer[i + 1] === 0) odd++;
  }
  if (odd > pairs * 0.3 && even < pairs * 0.05) return 'UTF-16LE';
  return even > pairs * 0.3 && odd < pairs * 0.05 ? 'UTF-16BE' : undefined;
}

/** Without the last character's bytes when the sample ends within it. */
function dropCutCharacter(buffer: Buffer): Buffer {
  for (let i = buffer.length - 1; i >= Math.max(0, buffer.length - 4); i--) {
    const byte = buffer[i] as number;
    if (byte >= 0xc0) return buffer.subarray(0, i);
    if (byte < 0x80) break;
  }
  return buffer;
}

function tryDecode(buffer: Buffer, name: string, complete: boolean): string | undefined {
  try {
    return new TextDecoder(name, { fatal: true }).decode(buffer, { stream: !complete });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Share of kana and of kanji in daily use among all characters beyond ASCII; half-width kana speak against. */
function scoreJapanese(text: string): number {
  let good = 0;
  let all = 0;
  for (const c of text) {
    const code = c.codePointAt(0) as number;
    if (code < 0x80) continue;
    all++;
    if ((code >= 0x3000 && code <= 0x30ff) || (code >= 0x4e00 && code <= 0x9fff) || (code >= 0xff01 && code <= 0xff5e)) good++;
    else if (code >= 0xff61 && code <= 0xff9f) good -= 0.5;
  }
  return all === 0 ? 0 : good / all;
}
