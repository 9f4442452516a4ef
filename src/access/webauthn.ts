import { isIP } from 'node:net'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { isLoopback } from '../base/addresses.ts'

/** Who asks for passkeys: the name they belong to, and the address of the page. */
export type RelyingParty = { id: string; origin: string }

type Stored = { credential_id: string; public_key: string; transports: string }

// Most services start, and many run, without anybody adding or using a passkey.
const library = () => import('@simplewebauthn/server')

/** A person has this long for the window of the browser. */
const timeout = 120_000

/**
 * Returns whose passkeys these are. Passkeys belong to a name and not to an address: on loopback the name is `localhost`, and
 * null says that there is no name.
 */
export function relyingPartyOf(publicUrl: string): RelyingParty | null {
  const url = new URL(publicUrl)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0) return { id: host, origin: url.origin }
  if (!isLoopback(host)) return null
  return { id: 'localhost', origin: `${url.protocol}//localhost${url.port === '' ? '' : `:${url.port}`}` }
}

/** What an authenticator keeps beside the passkey, to name whose it is: nothing that tells who that is. */
export const userHandleOf = (personId: string): string => Buffer.from(personId).toString('base64url')

export async function registrationOptions(party: RelyingParty, person: { id: string; name: string }, known: Stored[]) {
  const { generateRegistrationOptions } = await library()
  return await generateRegistrationOptions({
    rpName: 'Keybearer',
    rpID: party.id,
    userID: new Uint8Array(Buffer.from(person.id)),
    userName: person.name,
    userDisplayName: person.name,
    timeout,
    attestationType: 'none',
    excludeCredentials: known.map(describe),
    // Discoverable, so that signing in needs no name; verified, so that the thing alone signs nobody in.
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  })
}

export async function authenticationOptions(party: RelyingParty, known: Stored[]) {
  const { generateAuthenticationOptions } = await library()
  return await generateAuthenticationOptions({
    rpID: party.id,
    timeout,
    userVerification: 'required',
    ...(known.length === 0 ? {} : { allowCredentials: known.map(describe) }),
  })
}

export type NewPasskey = { credentialId: string; publicKey: string; counter: number; transports: string[] }

/** Returns the passkey of an answer that holds, otherwise null. @see https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential */
export async function verifyRegistration(party: RelyingParty, challenge: string, response: RegistrationResponseJSON): Promise<NewPasskey | null> {
  const { verifyRegistrationResponse } = await library()
  try {
    if (!(await isPlain(response))) return null
    const { registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
    })
    if (!registrationInfo) return null
    const { id, publicKey, counter, transports } = registrationInfo.credential
    return { credentialId: id, publicKey: Buffer.from(publicKey).toString('base64url'), counter, transports: transports ?? [] }
  } catch {
    return null
  }
}

/**
 * Returns whether an answer comes without the certificate of its maker. We ask for none, and the library would fetch revocation
 * lists from addresses that such a certificate names.
 */
async function isPlain(response: RegistrationResponseJSON): Promise<boolean> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
  const attestation = decodeAttestationObject(new Uint8Array(Buffer.from(response.response.attestationObject, 'base64url')))
  const format = attestation.get('fmt')
  return format === 'none' || (format === 'packed' && attestation.get('attStmt').get('x5c') === undefined)
}

/** Returns the counter of an answer that holds, otherwise null. @see https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion */
export async function verifyAuthentication(
  party: RelyingParty,
  challenge: string,
  passkey: Stored,
  response: AuthenticationResponseJSON,
): Promise<{ counter: number } | null> {
  const { verifyAuthenticationResponse } = await library()
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      // The counter is compared by the caller, who says when it went back.
      credential: { id: passkey.credential_id, publicKey: new Uint8Array(Buffer.from(passkey.public_key, 'base64url')), counter: 0 },
      requireUserVerification: true,
    })
    return verified ? { counter: authenticationInfo.newCounter } : null
  } catch {
    return null
  }
}

const describe = (stored: Stored) => ({ id: stored.credential_id, transports: JSON.parse(stored.transports) as string[] })
