import type { Session } from '@keybearer/client'
import { browserSupportsWebAuthn, startAuthentication } from '@simplewebauthn/browser'
import { api } from '../api/client.ts'

/** The person closed the window of the browser, or the device did not want to: nothing is broken. */
export class PasskeyNotUsed extends Error {}

/** Passkeys belong to a name. A page that was opened at a bare address has none. */
export const isBareAddress = (): boolean => /^[\d.]+$|^\[/.test(window.location.hostname)

/** Says whether this browser can use passkeys on this page. */
export const canUsePasskeys = (): boolean => browserSupportsWebAuthn() && !isBareAddress()

/** Says why the browser gave no passkey; `otherwise`: when the browser does not tell. */
export function explainRefusal(error: unknown, otherwise: string): PasskeyNotUsed {
  const name = error instanceof Error ? error.name : ''
  if (name === 'InvalidStateError') return new PasskeyNotUsed('This device or security key holds a passkey for you here already.', { cause: error })
  if (name === 'SecurityError') {
    return new PasskeyNotUsed('Passkeys belong to the public address of the service, and this page was opened at another one.', { cause: error })
  }
  return new PasskeyNotUsed(otherwise, { cause: error })
}

/** Lets the browser prove with a passkey who sits there: signs in, or proves again that it is the same person. */
export async function signInWithPasskey(): Promise<Session> {
  const { challenge_id, options } = await api.challengePasskey({ body: {} })
  const response = await startAuthentication({ optionsJSON: options }).catch((error: unknown) => {
    throw explainRefusal(error, 'The browser showed no passkey: its window was closed, or it took too long.')
  })
  return await api.signInWithPasskey({ body: { challenge_id, response } as Parameters<typeof api.signInWithPasskey>[0]['body'] })
}
