import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'

/** Returns the word if it is one of these. @throws CommandError */
export function oneOfThese<Word extends string>(text: string, words: readonly Word[], option: string): Word {
  const found = words.find((word) => word === text)
  if (found === undefined) throw new CommandError(`${option}: "${text}" is not one of ${words.join(', ')}.`, { exit: exitCodes.usage })
  return found
}
