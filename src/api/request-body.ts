import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { Problem } from '../base/problem.ts'

export const defaultBodyLimit = 1024 * 1024
const deepest = 32

/** A body without fields. */
export const noBody: Record<string, never> = Object.freeze({})

/** Returns whether the request says that it has a body. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * Reads a JSON body, or an empty object where there is none.
 *
 * @throws Problem payload_too_large, unsupported_media_type, malformed_json
 */
export async function readJsonBody(request: IncomingMessage, limit: number): Promise<unknown> {
  if (!hasBody(request)) return noBody
  checkType(request)
  const bytes = await readBytes(request, limit)
  if (bytes.length === 0 || (bytes.length === 2 && bytes[0] === 0x7b && bytes[1] === 0x7d)) return noBody
  return parseJson(bytes)
}

/** Reads the fields of a form of one of our pages, or of a JSON body. @throws Problem payload_too_large, unsupported_media_type, malformed_json */
export async function readFormOrJson(request: IncomingMessage, limit: number): Promise<{ fields: unknown; isForm: boolean }> {
  const isForm = (request.headers['content-type'] ?? '').toLowerCase().split(';')[0]!.trim() === 'application/x-www-form-urlencoded'
  if (!isForm) return { fields: await readJsonBody(request, limit), isForm }
  return { fields: Object.fromEntries(new URLSearchParams((await readBytes(request, limit)).toString('utf8'))), isForm }
}

/** Reads a JSON body without parsing it. @throws Problem payload_too_large, unsupported_media_type, malformed_json */
export async function readRawBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (!hasBody(request)) return Buffer.alloc(0)
  checkType(request)
  return await readBytes(request, limit)
}

function checkType(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported_media_type', 'The body is compressed; send it plain.', { nextStep: 'Leave Content-Encoding out.' })
  }
  const type = request.headers['content-type'] ?? ''
  if (type === 'application/json') return
  const [essence = '', ...parameters] = type
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replace(/^"|"$/g, '')
  if (essence !== 'application/json' || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw new Problem('unsupported_media_type', type === '' ? 'The body has no Content-Type.' : 'The body is not application/json in UTF-8.')
  }
}

function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = () => new Problem('payload_too_large', `The body may have ${limit.toLocaleString('en')} bytes.`)
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        request.pause()
        request.removeAllListeners('data')
        chunks.length = 0
        reject(tooLarge())
        return
      }
      chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.on('close', () => {
      if (!request.readableEnded) reject(new Problem('malformed_json', 'The body broke off.', { cause: request.errored }))
    })
  })
}

/** Parses JSON that must be an object, not too deep, in sound UTF-8 and without NUL. @throws Problem malformed_json, invalid_request */
export function parseJson(bytes: Buffer): Record<string, unknown> {
  if (!isUtf8(bytes)) throw new Problem('malformed_json', 'The body is not valid UTF-8.')
  checkDepth(bytes)
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // V8's message quotes the text around the error, which may be a secret.
    throw new Problem('malformed_json', 'The body is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Problem('malformed_json', 'The body must be a JSON object.')
  if (text.includes('\\u0000') && holdsNul(value)) throw new Problem('invalid_request', 'The body contains the character NUL.')
  return value as Record<string, unknown>
}

/** Counts brackets outside of strings before anything is built from them. */
function checkDepth(bytes: Buffer): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (inString) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) {
      inString = true
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > deepest) throw new Problem('malformed_json', `The body is nested deeper than ${deepest} levels.`)
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    }
  }
}

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, inner]) => key.includes('\0') || holdsNul(inner))
}
