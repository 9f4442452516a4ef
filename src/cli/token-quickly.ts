import type { Operations } from '../../client/src/operations.ts'

/**
 * Carries out `token NAME` in its common forms without loading the rest of the program; returns false when something else was
 * asked for, which the full command line then reads.
 */
export async function runTokenQuickly(parameters: string[]): Promise<boolean> {
  const order = readOrder(parameters)
  if (order === null) return false
  const [{ CommandError, findConnection }, { lightTransport }] = await Promise.all([import('./connection.ts'), import('./transport.ts')])
  try {
    const { url, accessKey } = findConnection()
    const response = await lightTransport({
      method: 'POST',
      url: `${url}/v1/credentials/${encodeURIComponent(order.name)}/token`,
      headers: { authorization: `Bearer ${accessKey}`, 'content-type': 'application/json', accept: 'application/json' },
      body: order.minTtl === null ? '{}' : `{"min_ttl_seconds":${order.minTtl}}`,
    }).catch(() => {
      throw new CommandError(`The Keybearer service at ${url} does not answer.`, {
        exit: 75,
        nextStep: 'Start it with "npm start" or "keybearer serve", or set KEYBEARER_URL.',
      })
    })
    const answer = JSON.parse(await response.text()) as Operations['handOutToken']['reply'] & { code: string; detail: string; next_step: string }
    if (response.status !== 200) {
      throw Object.assign(new Error(answer.detail), { code: answer.code, nextStep: answer.next_step, problem: answer })
    }
    process.stdout.write(`${showToken(answer, order)}\n`)
  } catch (error) {
    const [{ tellFailure }, { inPlainWords }] = await Promise.all([import('./fail.ts'), import('./plain-words.ts')])
    tellFailure(await inPlainWords(error))
  }
  return true
}

export type TokenForm = { json: boolean; xoauth2: boolean; user: string | null }

/** Returns what `token` prints. */
export function showToken(token: Operations['handOutToken']['reply'], form: TokenForm): string {
  if (form.json) return JSON.stringify(token, null, 2)
  if (!form.xoauth2) return token.access_token
  const user = form.user ?? token.credential.username
  if (user === null) throw new Error(`"${token.credential.name}" has no user name: name the mailbox with --user.`)
  return Buffer.from(`user=${user}\x01auth=Bearer ${token.access_token}\x01\x01`, 'utf8').toString('base64')
}

function readOrder(parameters: string[]): (TokenForm & { name: string; minTtl: string | null }) | null {
  const order: TokenForm & { name: string; minTtl: string | null } = { name: '', json: false, xoauth2: false, user: null, minTtl: null }
  for (let i = 0; i < parameters.length; i++) {
    const one = parameters[i]!
    if (one === '--json') order.json = true
    else if (one === '--xoauth2') order.xoauth2 = true
    else if (one === '--user' && parameters[i + 1] !== undefined) order.user = parameters[(i += 1)]!
    else if (one === '--min-ttl' && /^\d{1,7}$/.test(parameters[i + 1] ?? '')) order.minTtl = parameters[(i += 1)]!
    else if (one.startsWith('-') || order.name !== '') return null
    else order.name = one
  }
  return order.name === '' ? null : order
}
