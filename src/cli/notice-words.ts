import type { NewWebhook } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'

export type NoticeEvent = NewWebhook['events'][number]

/** What somebody can be told of; the contract's own list, which TypeScript compares. */
export const noticeWords = [
  'credential.expiring',
  'credential.broken',
  'credential.recovered',
  'access_key.expiring',
  'message.failed',
  'audit.blocked',
  'backup.old',
  'webhook.disabled',
] as const satisfies readonly NoticeEvent[]

/** Returns the word if it is one of these. @throws CommandError */
export function oneOfThese<Word extends string>(text: string, words: readonly Word[], option: string): Word {
  const found = words.find((word) => word === text)
  if (found === undefined) throw new CommandError(`${option}: "${text}" is not one of ${words.join(', ')}.`, { exit: exitCodes.usage })
  return found
}
