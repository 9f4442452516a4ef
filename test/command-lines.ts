import { CommanderError, type Command } from 'commander'
import { makeProgram } from '../src/cli/program.ts'
import type { MarkdownFile } from './markdown-files.ts'

/** A call of the program somewhere in the documentation: the words after its name. */
export type CommandLine = { words: string[]; line: number; text: string; inProse: boolean }

/** Finds every call of `keybearer` in blocks of code and in backticks. */
export function findCommandLines(file: Pick<MarkdownFile, 'blocks' | 'spans'>): CommandLine[] {
  const found: CommandLine[] = []
  const search = (code: string, line: number, inProse: boolean) => {
    for (const match of code.matchAll(/npm run (?:-s|--silent) keybearer --(?=[ \t])|(?<![\w./@:=~-]|[ ]-{1,2}[\w-]+ )(?:\S*\bbin\/)?keybearer(?=[ \t])/g)) {
      const rest = code.slice(match.index + match[0].length)
      const words = readWords(rest)
      // The name of a user, a package or a container, not the program.
      if (words.length === 0 || words[0] === 'keybearer') continue
      found.push({ words, line: line + (code.slice(0, match.index).split('\n').length - 1), text: `keybearer ${words.join(' ')}`, inProse })
    }
  }
  for (const { language, code, line } of file.blocks)
    if (!/^[jt]sx?$/.test(language)) search(code.replace(/(^|\s)#\s.*$/gm, '$1').replace(/\\\n[ \t]*/g, ' '), line + 1, false)
  for (const { code, line } of file.spans) search(code, line, true)
  return found
}

/** Reads words as a shell does, up to the end of the command. What a shell would put in stands as it is. */
export function readWords(text: string): string[] {
  const words: string[] = []
  let word: string | null = null
  for (let i = 0; i < text.length; i++) {
    const sign = text[i]!
    if (sign === "'" || sign === '"') {
      const end = text.indexOf(sign, i + 1)
      if (end === -1) break
      word = (word ?? '') + text.slice(i + 1, end)
      i = end
    } else if (sign === '$' && text[i + 1] === '(') {
      const end = closing(text, i + 1)
      word = (word ?? '') + text.slice(i, end + 1)
      i = end
    } else if (sign === '\\') word = (word ?? '') + (text[(i += 1)] ?? '')
    else if (/[\n|;&)`]/.test(sign) || (sign === '#' && word === null) || /^\d?[<>](?![\w-]+>)/.test(text.slice(i, i + 60))) break
    else if (/\s/.test(sign)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + sign
  }
  if (word !== null) words.push(word)
  return words
}

function closing(text: string, from: number): number {
  let depth = 0
  for (let i = from; i < text.length; i++) {
    if (text[i] === '(') depth++
    if (text[i] === ')' && --depth === 0) return i
  }
  return text.length - 1
}

/**
 * Lets the program itself read a call and returns what it does not understand, or null. In prose a command may be named without
 * what must follow it; an ellipsis stands for it.
 */
export function findFault({ words, inProse }: Pick<CommandLine, 'words' | 'inProse'>): string | null {
  // "keybearer key create [options] <name>" describes, it does not call.
  if (words.includes('[options]')) return null
  const plain = words.filter((word) => !/^\[.*\]$/.test(word))
  const short = plain.filter((word) => !/^(?:…|\.{3})$/.test(word))
  if (short.length === plain.length) return readCall(plain, inProse)
  // An ellipsis may stand for one thing or for all that follows.
  return readCall(plain, true) === null ? null : readCall(short, true)
}

function readCall(words: string[], mayBeShort: boolean): string | null {
  if (words.length === 0) return null
  const program = makeProgram()
  quieten(program)
  try {
    program.parse(words, { from: 'user' })
    return null
  } catch (error) {
    if (!(error instanceof CommanderError)) return (error as Error).message
    if (error.exitCode === 0 || error.code === 'commander.help') return null
    const isShort = error.code === 'commander.missingArgument' || error.code === 'commander.missingMandatoryOptionValue'
    return mayBeShort && isShort ? null : error.message
  }
}

/** Takes away what the commands do, and what they write. */
function quieten(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  if (command.parent !== null && (command.commands.length === 0 || command.registeredArguments.length > 0 || command.options.length > 0))
    command.action(() => undefined)
  for (const inner of command.commands) quieten(inner)
}
