import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { Certificate } from './certificates.ts'

type Flags = { userVerified?: boolean; origin?: string; type?: string }
type Made = { id: string; privateKey: KeyObject; rpId: string; userHandle: string; counter: number }

/** A device with passkeys, and the browser before it, made of nothing but their specification. @see https://www.w3.org/TR/webauthn-3/ */
export class Authenticator {
  readonly origin: string
  readonly passkeys: Made[] = []

  constructor(origin: string) {
    this.origin = origin
  }

  /** Makes a passkey. `maker`: with the certificate of whoever made the device. */
  create(options: PublicKeyCredentialCreationOptionsJSON, flags: Flags & { maker?: Certificate } = {}): RegistrationResponseJSON {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    const id = randomBytes(32)
    const made: Made = { id: id.toString('base64url'), privateKey, rpId: options.rp.id ?? '', userHandle: options.user.id, counter: 1 }
    this.passkeys.push(made)
    const key = new Map<number, unknown>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ])
    const length = Buffer.alloc(2)
    length.writeUInt16BE(id.length)
    const authData = Buffer.concat([head(made, 0x41, flags), Buffer.alloc(16), length, id, cbor(key)])
    const clientDataJSON = this.#clientData(options.challenge, { type: 'webauthn.create', ...flags })
    const statement = new Map<string, unknown>()
    if (flags.maker) {
      statement.set('alg', -7)
      statement.set('sig', sign('sha256', Buffer.concat([authData, hash(clientDataJSON)]), flags.maker.privateKey))
      statement.set('x5c', [new X509Certificate(flags.maker.cert).raw])
    }
    const attestation = cbor(
      new Map<string, unknown>([
        ['fmt', flags.maker ? 'packed' : 'none'],
        ['attStmt', statement],
        ['authData', authData],
      ]),
    )
    return {
      id: made.id,
      rawId: made.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: { clientDataJSON: clientDataJSON.toString('base64url'), attestationObject: attestation.toString('base64url'), transports: ['internal'] },
    }
  }

  /** Proves that a passkey is here: the first one, unless told. */
  get(options: PublicKeyCredentialRequestOptionsJSON, flags: Flags & { passkey?: Made; counter?: number } = {}): AuthenticationResponseJSON {
    const made = flags.passkey ?? this.passkeys[0]!
    made.counter = flags.counter ?? made.counter + 1
    const authData = head(made, 0x01, flags)
    const clientDataJSON = this.#clientData(options.challenge, { type: 'webauthn.get', ...flags })
    return {
      id: made.id,
      rawId: made.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientDataJSON.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: sign('sha256', Buffer.concat([authData, hash(clientDataJSON)]), made.privateKey).toString('base64url'),
        userHandle: made.userHandle,
      },
    }
  }

  #clientData(challenge: string, { type, origin }: Flags): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: origin ?? this.origin, crossOrigin: false }))
  }
}

const hash = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest()

/** Whose, how it was made sure of, and the counter. */
function head(made: Made, flags: number, { userVerified = true }: Flags): Buffer {
  const counter = Buffer.alloc(4)
  counter.writeUInt32BE(made.counter)
  return Buffer.concat([hash(made.rpId), Buffer.from([flags | (userVerified ? 0x04 : 0)]), counter])
}

/** The few kinds of CBOR that authenticators write. @see RFC 8949 section 3 https://www.rfc-editor.org/rfc/rfc8949.html#section-3 */
function cbor(value: unknown): Buffer {
  if (typeof value === 'number') return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value)
  if (Buffer.isBuffer(value)) return Buffer.concat([cborHead(2, value.length), value])
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Array.isArray(value)) return Buffer.concat([cborHead(4, value.length), ...value.map(cbor)])
  if (value instanceof Map) return Buffer.concat([cborHead(5, value.size), ...[...value].flatMap(([key, one]) => [cbor(key), cbor(one)])])
  throw new Error('no authenticator writes this')
}

function cborHead(kind: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(kind << 5) | count])
  if (count < 256) return Buffer.from([(kind << 5) | 24, count])
  return Buffer.from([(kind << 5) | 25, count >> 8, count & 255])
}
