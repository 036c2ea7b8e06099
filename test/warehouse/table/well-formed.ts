/** Whether a string has no lone surrogate, so that UTF-8 can hold it. */
export function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}
