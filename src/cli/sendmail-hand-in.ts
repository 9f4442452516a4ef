import { problemCodes } from '../base/problem-codes.ts'
import type { Connection } from './connection.ts'
import { transportWithin } from './transport.ts'

/** What the service is asked to take: the body of `POST /v1/mail/messages/raw`. */
export type RawRequest = { mime: string; to: string[]; mail_from?: string }

/** What became of it: taken, to be tried again later, or refused so that trying again helps nobody before something is changed. */
export type HandIn =
  | { kind: 'taken'; id: string }
  | { kind: 'away'; why: string; isSilent: boolean }
  | { kind: 'refused'; code: string; message: string; nextStep: string | undefined }

/** Somebody waits for the caller: what does not answer for so long is taken as away. */
const longestSilence = 30_000

/**
 * Hands a message to the service, which takes it once however often it comes with this key.
 *
 * Only what the service itself says about the message counts as a refusal. Whatever else answers at its address, such as a
 * proxy without anything behind it, is no reason to give a message up.
 */
export async function handIn(connection: Connection, request: RawRequest, idempotencyKey: string): Promise<HandIn> {
  const away = (why: string, isSilent = false): HandIn => ({ kind: 'away', why, isSilent })
  let status: number
  let answer: { id?: unknown; code?: unknown; detail?: unknown; next_step?: unknown }
  try {
    const response = await transportWithin(longestSilence)({
      method: 'POST',
      url: `${connection.url}/v1/mail/messages/raw`,
      headers: {
        authorization: `Bearer ${connection.accessKey}`,
        'content-type': 'application/json',
        accept: 'application/json',
        'idempotency-key': idempotencyKey,
      },
      body: JSON.stringify(request),
    })
    status = response.status
    answer = JSON.parse(await response.text()) as typeof answer
  } catch (error) {
    if (error instanceof SyntaxError) return away(`What answers at ${connection.url} is not Keybearer.`)
    return away(`The Keybearer service at ${connection.url} does not answer.`, true)
  }
  if (status === 202 && typeof answer.id === 'string') return { kind: 'taken', id: answer.id }
  const { code, detail, next_step: nextStep } = answer
  if (typeof code !== 'string' || !Object.hasOwn(problemCodes, code)) return away(`What answers at ${connection.url} is not Keybearer.`)
  const message = typeof detail === 'string' ? detail : code
  if (status >= 500 || problemCodes[code as keyof typeof problemCodes].exit === 75) return away(message)
  return { kind: 'refused', code, message, nextStep: typeof nextStep === 'string' ? nextStep : undefined }
}
