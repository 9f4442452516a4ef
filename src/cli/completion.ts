import { Command } from 'commander'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { print } from './output.ts'

export function completionCommand(program: () => Command): Command {
  return new Command('completion')
    .description('print a completion script: eval "$(keybearer completion bash)"')
    .argument('[shell]', 'bash, zsh or fish', 'bash')
    .action((shell: string) => {
      const names = program().commands.map((command) => command.name())
      const nested = program()
        .commands.filter((command) => command.commands.length > 0)
        .map((command) => [command.name(), command.commands.map((inner) => inner.name())] as const)
      switch (shell) {
        case 'bash':
          return print(bash(names, nested))
        case 'zsh':
          return print(`autoload -U +X bashcompinit && bashcompinit\n${bash(names, nested)}`)
        case 'fish':
          return print(
            [
              `complete -c keybearer -f -n __fish_use_subcommand -a '${names.join(' ')}'`,
              ...nested.map(([name, inner]) => `complete -c keybearer -f -n '__fish_seen_subcommand_from ${name}' -a '${inner.join(' ')}'`),
            ].join('\n'),
          )
        default:
          throw new CommandError(`There is no completion for "${shell}".`, { exit: exitCodes.usage, nextStep: 'bash, zsh and fish are known.' })
      }
    })
}

function bash(names: string[], nested: (readonly [string, string[]])[]): string {
  return `_keybearer() {
  local words="${names.join(' ')}"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]}" in
${nested.map(([name, inner]) => `      ${name}) words="${inner.join(' ')}" ;;`).join('\n')}
      *) words=$(keybearer list --json 2>/dev/null | sed -n 's/^      "name": "\\(.*\\)",$/\\1/p') ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _keybearer keybearer`
}
