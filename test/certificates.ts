import { createSign, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** A certificate authority or a server's certificate, made for one test run. */
export type Certificate = { cert: string; key: string; subject: string; privateKey: KeyObject }

// DER, as far as a certificate needs it. @see RFC 5280 section 4.1
const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const integer = (bytes: Uint8Array) => der(0x02, bytes[0]! > 127 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
const bitString = (bytes: Uint8Array) => der(0x03, Buffer.from([0]), bytes)
const utcTime = (time: number) => der(0x17, Buffer.from(`${new Date(time).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const extension = (id: string, value: Uint8Array) => sequence(oid(id), der(0x01, Buffer.from([255])), der(0x04, value))
const part = (id: string, text: string) => der(0x31, sequence(oid(id), der(0x0c, Buffer.from(text))))
const nameOf = (commonName: string) => sequence(part('550403', commonName))
/** The name of a maker of authenticators. @see https://www.w3.org/TR/webauthn-3/#sctn-packed-attestation-cert-requirements */
const makerName = (commonName: string) =>
  sequence(part('550406', 'SE'), part('55040a', 'Maker'), part('55040b', 'Authenticator Attestation'), part('550403', commonName))
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))

const day = 86_400_000

/** Makes a certificate: of an authority when no `issuer` is given, otherwise of a server with these names and addresses. */
export function makeCertificate(options: {
  subject: string
  issuer?: Certificate
  names?: string[]
  from?: number
  until?: number
  maker?: boolean
}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = Date.now()
  const authority = options.issuer === undefined
  const names = (options.names ?? []).map((name) =>
    isIPv4(name)
      ? der(0x87, Buffer.from(name.split('.').map(Number)))
      : name === '::1'
        ? der(0x87, Buffer.alloc(15), Buffer.from([1]))
        : der(0x82, Buffer.from(name)),
  )
  const extensions = [
    extension('551d13', sequence(...(authority ? [der(0x01, Buffer.from([255]))] : []))),
    ...(names.length === 0 ? [] : [extension('551d11', sequence(...names))]),
  ]
  const serial = randomBytes(12)
  serial[0]! &= 0x7f
  serial[0]! |= 1
  const toSign = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    nameOf(options.issuer?.subject ?? options.subject),
    sequence(utcTime(options.from ?? now - day), utcTime(options.until ?? now + 7 * day)),
    (options.maker === true ? makerName : nameOf)(options.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = createSign('sha256')
    .update(toSign)
    .sign(options.issuer?.privateKey ?? privateKey)
  const body = sequence(toSign, ecdsaWithSha256, bitString(signature))
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')
  return {
    subject: options.subject,
    privateKey,
    cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}
