import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../base/log.ts'
import { makeOwnCertificate } from '../crypto/own-certificate.ts'

const day = 86_400_000
/** Devices are told once to trust it, and nobody wants to go round again soon. */
const life = 3650 * day
/** One that ends sooner is made anew at a start. */
const leastLeft = 30 * day

export type CertificateFiles = { certificateFile: string; keyFile: string }

/**
 * Returns the files of the relay's own certificate, and makes it where there is none, where it ends soon, or where it lacks
 * the name that was set. What somebody else has issued is taken as it is and never written over.
 */
export function ownCertificate(options: { folder: string; name: string | null; machine: string; now: number; log: Log }): CertificateFiles {
  const { folder, name, machine, now, log } = options
  const files = { certificateFile: join(folder, 'relay.pem'), keyFile: join(folder, 'relay.key') }
  if (isUsable(files, name, now)) return files
  const from = now - day
  const made = makeOwnCertificate({ names: [...new Set([name ?? machine, 'localhost', '127.0.0.1', '::1'])], from, until: from + life })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // The key first: a certificate that has not its key beside it is made anew at the next start.
  replace(files.keyFile, made.key, 0o600)
  replace(files.certificateFile, made.certificate, 0o644)
  log.warn('relay.certificate_made', { file: files.certificateFile, name: name ?? machine })
  return files
}

function isUsable({ certificateFile, keyFile }: CertificateFiles, name: string | null, now: number): boolean {
  if (!existsSync(certificateFile)) return false
  const certificate = readCertificate(certificateFile)
  // Whether it can be used is found out by the relay, which says so.
  if (certificate === null || !certificate.checkIssued(certificate)) return true
  if (Date.parse(certificate.validTo) - now < leastLeft) return false
  if (name !== null && certificate.checkHost(name) === undefined) return false
  return existsSync(keyFile) && isKeyOf(certificate, keyFile)
}

function isKeyOf(certificate: X509Certificate, keyFile: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile)))
  } catch {
    return false
  }
}

/** Returns the first certificate of a file; null when there is none that can be read. */
export function readCertificate(file: string): X509Certificate | null {
  try {
    return new X509Certificate(readFileSync(file))
  } catch {
    return null
  }
}

/** Writes a file whole or not at all. */
function replace(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode })
  chmodSync(`${file}.new`, mode)
  renameSync(`${file}.new`, file)
}
