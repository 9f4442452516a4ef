import type { ConsentBrowser } from '../src/credentials/consent-browser.ts'
import type { ConsentView } from '../src/credentials/types.ts'
import type { World } from './world.ts'

/** A browser as the consents see it: it opens their addresses and keeps what it is given. */
export type ConsentJar = ConsentBrowser & {
  /** Opens the address of a start, or follows a link; returns the provider's address that it is sent to. */
  open(world: World, consent: ConsentView): Promise<URL>
}

export function makeJar(sessionId: string | null = null): ConsentJar {
  const kept = new Map<string, string>()
  const jar: ConsentJar = {
    address: '192.0.2.7',
    sessionId,
    proofOf: (consentId) => kept.get(consentId) ?? null,
    async open(world, consent) {
      const ticket = (consent.authorizationUrl ?? consent.link ?? '').split('/').at(-1)!
      const opened = await world.consents.open(ticket, consent.link === null ? 'browser' : 'link', jar)
      kept.set(opened.consentId, opened.proof.reveal())
      return new URL(opened.url)
    },
  }
  return jar
}
