import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Written } from './problem-reply.ts'

/** The built web page. */
export type PageFiles = {
  /** Returns the answer to a GET of the page or of one of its files, packed for whoever takes gzip; null for every other address. */
  find(path: string, accept: string | undefined, encodings?: string): Written | null
}

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

/** Addresses that are not pages, whatever a browser says that it accepts. */
const notPages = /^\/(?:v1|oauth|connect|deliver|assets|openapi\.json|livez|readyz|metrics)(?:\/|$)/

/** Headers of everything that belongs to the page. */
const common: Record<string, string> = {
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
}

/**
 * Reads the built page into memory; null when it was not built. Every address that is no file and not the API's gives the
 * same document: which page it shows, it decides itself.
 *
 * Invariant: the document runs only scripts of its own files, and styles of its own files or with the nonce of this answer.
 */
export function readPageFiles(folder: string): PageFiles | null {
  const document = join(folder, 'index.html')
  if (!existsSync(document)) return null
  const template = readFileSync(document, 'utf8')
  const files = new Map<string, Written>()
  for (const entry of readdirSync(join(folder, 'assets'), { withFileTypes: true })) {
    const type = types[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    // Their names change with their content.
    const headers = {
      ...common,
      'content-type': type,
      'cache-control': /-[\w-]{8}\.\w+$/.test(entry.name) ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
    }
    files.set(`/assets/${entry.name}`, { status: 200, headers, body: readFileSync(join(folder, 'assets', entry.name)) })
  }
  // Only files that are the same for everybody are packed: the length of an answer with a secret in it must tell nothing.
  const packed = new Map<string, Written>()
  const pack = (path: string, file: Written): Written => {
    const kept = packed.get(path)
    if (kept) return kept
    const small: Written = { ...file, headers: { ...file.headers, 'content-encoding': 'gzip' }, body: gzipSync(file.body) }
    packed.set(path, small)
    return small
  }
  return {
    find(path, accept, encodings = '') {
      const file = files.get(path)
      if (file) return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(encodings) ? pack(path, file) : file
      if (notPages.test(path) || accept?.includes('text/html') !== true) return null
      const nonce = randomBytes(16).toString('base64')
      const policy = [
        "default-src 'none'",
        "script-src 'self'",
        `style-src 'self' 'nonce-${nonce}'`,
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ].join('; ')
      return {
        status: 200,
        headers: { ...common, 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'content-security-policy': policy },
        body: template.replaceAll('__NONCE__', nonce),
      }
    },
  }
}
