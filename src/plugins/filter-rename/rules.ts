import { javaRegExp, replaceLikeJava } from './java-regexp.js';
import type { RenameConfig } from './schema.js';

export type RenameRule = NonNullable<RenameConfig['rules']>[number];

/** Thrown for options that do not fit together; the plugin adds the place. */
export class RuleProblem extends Error {}

const OPTIONS: Readonly<Record<RenameRule['rule'], readonly string[]>> = {
  lower_to_upper: [],
  upper_to_lower: [],
  truncate: ['max_length'],
  character_types: ['pass_types', 'pass_characters', 'replace'],
  first_character_types: ['pass_types', 'pass_characters', 'replace', 'prefix'],
  regex_replace: ['match', 'replace'],
  unique_number_suffix: ['delimiter', 'digits', 'max_length', 'offset'],
};

/** Applies one rule to all names, in column order. Every rule but `unique_number_suffix` looks at one name at a time. */
export function applyRule(names: readonly string[], rule: RenameRule): string[] {
  const known = OPTIONS[rule.rule];
  const stray = Object.keys(rule).find((key) => key !== 'rule' && !known.includes(key));
  if (stray !== undefined) throw new RuleProblem(`the rule ${rule.rule} has no option "${stray}"`);
  switch (rule.rule) {
    case 'lower_to_upper':
      return names.map((n) => n.toUpperCase());
    case 'upper_to_lower':
      return names.map((n) => n.toLowerCase());
    case 'truncate':
      return names.map((n) => n.slice(0, rule.max_length ?? 128));
    case 'character_types': {
      const others = otherCharacters(rule, 'gu');
      const replace = oneCharacter('replace', rule.replace ?? '_');
      return names.map((n) => n.replace(others, () => replace));
    }
    case 'first_character_types':
      return replaceFirst(names, rule);
    case 'regex_replace':
      return replaceMatches(names, rule);
    case 'unique_number_suffix':
      return numberDuplicates(names, rule);
  }
}

function oneCharacter(option: string, text: string): string {
  if (text.length !== 1) throw new RuleProblem(`${option} must be one character, not ${JSON.stringify(text)}`);
  return text;
}

function otherCharacters(rule: RenameRule, flags: string): RegExp {
  const characters = rule.pass_characters ?? '';
  if (characters.includes('\\E')) throw new RuleProblem('pass_characters must not hold "\\E"');
  const passed = (rule.pass_types ?? []).join('') + characters.replace(/[\\\]^-]/g, '\\$&');
  return new RegExp(`[^${passed}]`, flags);
}

function replaceFirst(names: readonly string[], rule: RenameRule): string[] {
  if ((rule.replace === undefined) === (rule.prefix === undefined))
    throw new RuleProblem('first_character_types needs exactly one of replace and prefix');
  const other = new RegExp(`^${otherCharacters(rule, 'u').source}`, 'u');
  const replace = rule.replace === undefined ? undefined : oneCharacter('replace', rule.replace);
  const prefix = rule.prefix === undefined ? undefined : oneCharacter('prefix', rule.prefix);
  return names.map((n) => (other.test(n) ? (replace === undefined ? `${prefix ?? ''}${n}` : n.replace(other, () => replace)) : n));
}

function replaceMatches(names: readonly string[], rule: RenameRule): string[] {
  if (rule.match === undefined || rule.replace === undefined) throw new RuleProblem('regex_replace needs match and replace');
  let pattern: RegExp;
  try {
    pattern = javaRegExp(rule.match);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuleProblem(`match is no regular expression: ${error.message}`);
    throw error;
  }
  const replace = rule.replace;
  return names.map((n) => replaceLikeJava(n, pattern, replace));
}

/**
 * The first of equal names stays, later ones get a number. Numbers count up per original name; a name that any column had before
 * the rule is never given to another one.
 */
function numberDuplicates(names: readonly string[], rule: RenameRule): string[] {
  const { digits, max_length: maxLength } = rule;
  const offset = rule.offset ?? 1;
  const delimiter = oneCharacter('delimiter', rule.delimiter ?? '_');
  if (/\p{Nd}/u.test(delimiter)) throw new RuleProblem('delimiter must not be a digit');
  const widest = String(names.length + offset - 1).length;
  if (maxLength !== undefined && maxLength < Math.max(8, widest + 1))
    throw new RuleProblem(`max_length must be at least ${Math.max(8, widest + 1)}, not ${maxLength}`);
  if (digits !== undefined && digits <= widest)
    throw new RuleProblem(`digits must be more than ${widest}, the digits that ${names.length} columns may need`);
  if (maxLength !== undefined && digits !== undefined && maxLength < digits + 1)
    throw new RuleProblem('max_length leaves no room for digits and the delimiter');
  const originals = new Set(names);
  const counters = new Map(names.map((n) => [n, offset]));
  const taken = new Set<string>();
  return names.map((name) => {
    let number = counters.get(name) ?? offset;
    let candidate = maxLength === undefined ? name : name.slice(0, maxLength);
    if (taken.has(candidate)) {
      do {
        const suffix = `${delimiter}${String(number).padStart(digits ?? 0, '0')}`;
        candidate = `${maxLength === undefined ? name : name.slice(0, maxLength - suffix.length)}${suffix}`;
        number++;
      } while (originals.has(candidate) || taken.has(candidate));
    } else number++;
    counters.set(name, number);
    taken.add(candidate);
    return candidate;
  });
}
