import { isSign, isWord, type SqlToken } from '../sql-tokens.js';

const CLAUSES = ['FROM', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'OFFSET', 'UNION', 'EXCEPT', 'INTERSECT', 'WINDOW', 'QUALIFY', 'VALUES'];

/** Indexes of the tokens that begin an item of a SELECT list. */
export function findSelectItems(tokens: readonly SqlToken[]): ReadonlySet<number> {
  const starts = new Set<number>();
  const lists: boolean[] = [false];
  for (const [i, token] of tokens.entries()) {
    const top = lists.length - 1;
    if (token.kind === 'sign' && '([{'.includes(token.value)) lists.push(false);
    else if (token.kind === 'sign' && ')]}'.includes(token.value)) {
      if (top > 0) lists.pop();
    } else if (isWord(token, 'SELECT')) {
      lists[top] = true;
      starts.add(isWord(tokens[i + 1], 'DISTINCT', 'ALL') ? i + 2 : i + 1);
    } else if (isWord(token, ...CLAUSES)) lists[top] = false;
    else if (isSign(token, ',') && lists[top]) starts.add(i + 1);
  }
  return starts;
}
