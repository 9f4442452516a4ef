import { createSign, generateKeyPairSync, hash, randomBytes } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'

// DER, as far as a certificate needs it. @see RFC 5280 section 4.1
const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const integer = (bytes: Uint8Array) => der(0x02, bytes[0]! > 127 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
const bitString = (bytes: Uint8Array) => der(0x03, Buffer.from([0]), bytes)
const objectId = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
/** Years from 2050 on have four digits. */
const time = (at: number) => {
  const digits = `${new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}
const criticalExtension = (id: string, value: Uint8Array) => sequence(objectId(id), der(0x01, Buffer.from([255])), der(0x04, value))
const extension = (id: string, value: Uint8Array) => sequence(objectId(id), der(0x04, value))

const rsaWithSha256 = sequence(objectId('2a864886f70d01010b'), der(0x05))
const commonName = '550403'
const basicConstraints = '551d13'
const alternativeNames = '551d11'
const keyIdentifier = '551d0e'
const extendedKeyUsage = '551d25'
const forServers = '2b06010505070301'

const generalName = (name: string): Buffer => {
  switch (isIP(name)) {
    case 4:
      return der(0x87, Buffer.from(name.split('.').map(Number)))
    case 6:
      return der(0x87, addressBytes(name))
    default:
      return der(0x82, Buffer.from(name, 'latin1'))
  }
}

function addressBytes(address: string): Buffer {
  const tail = address.slice(address.lastIndexOf(':') + 1)
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number)
  const plain = isIPv4(tail) ? `${address.slice(0, -tail.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}` : address
  const [before = '', after] = plain.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)))
  const left = words(before)
  const right = after === undefined ? [] : words(after)
  const all = after === undefined ? left : [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 255]))
}

/**
 * Makes a key and a certificate that nobody but itself vouches for, for these names and addresses. The key is of RSA, which
 * old devices know too. It is the certificate of one server and of no authority: whoever trusts it trusts nothing else.
 */
export function makeOwnCertificate(options: { names: readonly string[]; from: number; until: number }): { certificate: string; key: string } {
  const { names, from, until } = options
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const serial = randomBytes(16)
  // Positive, and not shortened by a zero at its beginning.
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const name = sequence(der(0x31, sequence(objectId(commonName), der(0x0c, Buffer.from(names[0]!.slice(0, 64))))))
  const toSign = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    rsaWithSha256,
    name,
    sequence(time(from), time(until)),
    name,
    spki,
    der(
      0xa3,
      sequence(
        criticalExtension(basicConstraints, sequence()),
        extension(alternativeNames, sequence(...names.map(generalName))),
        extension(keyIdentifier, der(0x04, hash('sha1', spki, 'buffer'))),
        extension(extendedKeyUsage, sequence(objectId(forServers))),
      ),
    ),
  )
  const signature = createSign('sha256').update(toSign).sign(privateKey)
  const body = sequence(toSign, rsaWithSha256, bitString(signature))
    .toString('base64')
    .match(/.{1,64}/g)!
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${body.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}
