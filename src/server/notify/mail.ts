import { createHash } from 'node:crypto';
import { detailsOf, headlineOf, nameOf, type News } from './news.js';

/** One e-mail; lines of the header hold no line break. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  /** The same for every try, so that a second copy can be told. */
  readonly id: string;
}

const LONGEST_SUBJECT = 200;

/** The e-mail that tells `news`. */
export function mailOf(news: News, project: string, prefix: string | undefined): Mail {
  const { code, lines, command } = detailsOf(news);
  const [first, ...rest] = lines;
  const headline = `${nameOf(news)} ${headlineOf(news)}`;
  const text = [
    `${project}: ${headline}`,
    '',
    ...(first === undefined ? [] : [code === null ? first : `${code}: ${first}`]),
    ...rest.map((line) => `hint: ${line}`),
    '',
    command,
    '',
  ].join('\n');
  return { subject: oneLine(`${prefix ?? `[${project}]`} ${headline}`).slice(0, LONGEST_SUBJECT), text, id: idOf(news) };
}

function idOf(news: News): string {
  const parts =
    'end' in news
      ? [news.event, news.end.job.id, news.end.job.attempts]
      : [news.event, news.sla.miss.schedule, news.sla.miss.kind, news.sla.miss.nominalTime, news.sla.miss.deadline];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** Names of pipelines may hold anything; what stands in a header must not begin another one. */
function oneLine(text: string): string {
  return [...text]
    .map((char) => (isControl(char) ? ' ' : char))
    .join('')
    .trim();
}

function isControl(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  return code < 32 || (code >= 127 && code < 160) || code === 0x2028 || code === 0x2029;
}
