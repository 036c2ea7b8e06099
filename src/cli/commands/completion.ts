import { COMMON_OPTIONS, optionHelp, type Command, type OptionSpec } from '../command.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** The verbs are given, because their list holds this one, too. */
export function completionCommand(loadCommands: () => Promise<readonly Command[]>): Command {
  return {
    name: 'completion',
    usage: 'bash|zsh|fish',
    summary: 'Print a completion script for a shell.',
    details: 'The script is complete by itself: completing never starts sluice.',
    options: {},
    examples: ['source <(sluice completion bash)', 'sluice completion fish > ~/.config/fish/completions/sluice.fish'],
    subcommands: SHELLS,
    arity: [1, 1],
    async run(context) {
      const [shell] = context.args as readonly [(typeof SHELLS)[number]];
      await context.out.print({ bash, zsh, fish }[shell](await loadCommands()));
      return 0;
    },
  };
}

interface CompletedOption {
  readonly name: string;
  readonly spec: OptionSpec;
}

function optionsOf(command: Command): readonly CompletedOption[] {
  return Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(([name, spec]) => ({ name, spec }));
}

function flagsOf({ name, spec }: CompletedOption): readonly string[] {
  return [`--${name}`, ...(spec.short ? [`-${spec.short}`] : [])];
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name}) words="${optionsOf(command).flatMap(flagsOf).join(' ')}" ;;`);
  const subcommands = commands.flatMap(({ name, subcommands: known }) => (known ? [`          ${name}) words="${known.join(' ')}" ;;`] : []));
  return `# bash completion of sluice
_sluice() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((c) => c.name).join(' ')}" -- "$current"))
    return
  fi
  case "$current" in
    -*) ;;
    *)
      COMPREPLY=()
      if [ "$COMP_CWORD" -eq 2 ]; then
        case "\${COMP_WORDS[1]}" in
${subcommands.join('\n')}
        esac
        COMPREPLY=($(compgen -W "$words" -- "$current"))
      fi
      [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
      return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o filenames -F _sluice sluice
`;
}

function zsh(commands: readonly Command[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const spec = ({ name, spec: option }: CompletedOption): string[] => {
    const help = optionHelp(option).replace(/[[\]:\\]/g, (c) => `\\${c}`);
    const repeat = option.multiple ? '*' : '';
    const argument = option.value ? `:${option.value.replaceAll(':', ' ')}:_files` : '';
    return flagsOf({ name, spec: option }).map((flag) => quote(`${repeat}${flag}[${help}]${argument}`));
  };
  const first = ({ subcommands }: Command): string => (subcommands ? `'1:subcommand:(${subcommands.join(' ')})' ` : '');
  const cases = commands.map(
    (command) => `    ${command.name}) _arguments ${optionsOf(command).flatMap(spec).join(' ')} ${first(command)}'*:file:_files' ;;`,
  );
  const verbs = commands.map((c) => `    ${quote(`${c.name}:${c.summary.replaceAll(':', '\\:')}`)}`);
  return `#compdef sluice
_sluice() {
  local -a verbs
  verbs=(
${verbs.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' verbs
    return
  fi
  local verb="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$verb" in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_sluice" ]; then _sluice "$@"; else compdef _sluice sluice; fi
`;
}

function fish(commands: readonly Command[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = ['# fish completion of sluice'];
  for (const command of commands) {
    lines.push(`complete -c sluice -f -n __fish_use_subcommand -a ${command.name} -d ${quote(command.summary)}`);
    if (command.subcommands) {
      const seen = `__fish_seen_subcommand_from ${command.name}; and not __fish_seen_subcommand_from ${command.subcommands.join(' ')}`;
      lines.push(`complete -c sluice -f -n '${seen}' -a '${command.subcommands.join(' ')}'`);
    }
    for (const { name, spec } of optionsOf(command)) {
      const short = spec.short ? ` -s ${spec.short}` : '';
      lines.push(
        `complete -c sluice -n '__fish_seen_subcommand_from ${command.name}' -l ${name}${short}${spec.value ? ' -r' : ''} -d ${quote(optionHelp(spec))}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
