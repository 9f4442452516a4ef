/** A JSON file of Google that was recognised: what it is for, and what may be shown of it. Its secrets stay in `content`. */
export type GoogleFile = {
  kind: 'client' | 'service_account' | 'authorized_user'
  fileName: string
  clientId: string
  project: string | null
  redirectUris: string[]
  content: Record<string, unknown>
}

export type FileReading = { kind: 'recognised'; file: GoogleFile } | { kind: 'refused'; sentence: string }

/** Files of Google have two or three kilobytes; what is much larger is something else. */
const mostBytes = 256 * 1024

/** Reads a file that was dropped or picked. One that is too large is not even opened. */
export async function readFile(file: { name: string; size: number; arrayBuffer(): Promise<ArrayBuffer> }): Promise<FileReading> {
  if (file.size > mostBytes) return refused(`“${file.name}” has ${sizeOf(file.size)}. A JSON file of Google has a few kilobytes, so this is another file.`)
  if (file.size === 0) return refused(`“${file.name}” is empty.`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer())
  } catch {
    return refused(`“${file.name}” is not a text file. Choose the .json file as Google Cloud gave it to you.`)
  }
  return readText(text, file.name)
}

/** Reads the content of a file, pasted or from disk. */
export function readText(text: string, fileName: string): FileReading {
  if (text.length > mostBytes) return refused('That is far longer than a JSON file of Google. Paste the file and nothing else.')
  if (text.includes('\0')) return refused(`“${fileName}” is not a text file. Choose the .json file as Google Cloud gave it to you.`)
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return refused(text.trim().startsWith('{') ? 'The JSON is damaged: most often its beginning or end is missing. Copy all of it.' : 'That is not JSON.')
  }
  if (!isObject(value)) return refused('That is JSON, but not a file of Google: it should begin with “{”.')
  return recognise(value, fileName)
}

function recognise(content: Record<string, unknown>, fileName: string): FileReading {
  const client = isObject(content.installed) ? content.installed : isObject(content.web) ? content.web : null
  if (client !== null) {
    return complete('client', client, ['client_id', 'client_secret'], {
      fileName,
      clientId: textOf(client.client_id),
      project: textOf(client.project_id) || null,
      redirectUris: Array.isArray(client.redirect_uris) ? client.redirect_uris.filter((one): one is string => typeof one === 'string') : [],
      content,
    })
  }
  switch (content.type) {
    case 'service_account':
      return complete('service_account', content, ['client_email', 'private_key'], {
        fileName,
        clientId: textOf(content.client_email),
        project: textOf(content.project_id) || null,
        redirectUris: [],
        content,
      })
    case 'authorized_user':
      return complete('authorized_user', content, ['client_id', 'client_secret', 'refresh_token'], {
        fileName,
        clientId: textOf(content.client_id),
        project: textOf(content.quota_project_id) || null,
        redirectUris: [],
        content,
      })
    case 'external_account':
      return refused('This file is for workload identity federation: it holds no key that could be kept here. Make a service-account key instead.')
    default:
      return refused('This JSON is not one of the three files of Google that are known: client_secret*.json, a service-account key, authorized_user.')
  }
}

function complete(kind: GoogleFile['kind'], fields: Record<string, unknown>, needed: string[], rest: Omit<GoogleFile, 'kind'>): FileReading {
  const missing = needed.filter((name) => textOf(fields[name]) === '')
  return missing.length > 0 ? refused(`The file has no ${missing.join(' and no ')}. Download it again.`) : { kind: 'recognised', file: { kind, ...rest } }
}

const refused = (sentence: string): FileReading => ({ kind: 'refused', sentence })
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const sizeOf = (bytes: number): string => (bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MB` : `${Math.round(bytes / 1024)} kB`)
