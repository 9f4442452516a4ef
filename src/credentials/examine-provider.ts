import { isProblem } from '../base/problem.ts'
import { discover } from '../oauth/discovery.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import type { CredentialContext } from './context.ts'
import { classifyFailure, diagnosisValues, wordsOfError } from './diagnosis.ts'
import { describeClockError, harmfulClockError, tolerableClockError } from './provider-clocks.ts'
import { failed, passed, skipped, warned, type ExaminationStep } from './examination-steps.ts'

const patience = 10_000

/** Looks at the way to the token endpoint: name, connection, encryption, and the clock on the other side. */
export async function examineWay(context: CredentialContext, row: CredentialWithRegistration, provider: ResolvedProvider): Promise<ExaminationStep[]> {
  const url = new URL(provider.tokenEndpoint)
  const { host } = url
  const known = passed('name', `${url.hostname} has an address.`)
  const connected = passed('connection', `${host} takes connections.`)
  try {
    // Whatever it answers to this: that it answers is what counts.
    const { headers } = await context.http({ method: 'GET', url: url.href, timeout: patience, maxBytes: 1_000_000 })
    const encrypted = url.protocol === 'https:' ? [passed('encryption', 'The certificate is good, and the connection is encrypted.')] : []
    return [known, connected, ...encrypted, examineClock(context, row, host, headers.date)]
  } catch (error) {
    if (!isProblem(error)) throw error
    const text = wordsOfError(error)
    const id =
      error.code === 'address_not_allowed' ? 'local_ssrf_blocked' : classifyFailure(context, { text, surface: 'network', provider: null, judged: 'unjudged' })
    const diagnosis = id === undefined ? null : context.diagnoses.describe(id, { ...diagnosisValues(context.publicUrl, row), host: url.hostname })
    const more = { nextStep: diagnosis === null ? error.nextStep : null, diagnosis }
    if (/ENOTFOUND|ENODATA|EAI_AGAIN|ESERVFAIL/.test(text) || /cannot be resolved/.test(error.message)) return [failed('name', error.message, more)]
    if (error.code === 'address_not_allowed') return [failed('name', error.message, more)]
    if (/CERT|SSL|EPROTO|SELF_SIGNED|LEAF_SIGNATURE|ALTNAME|tls/i.test(text) && url.protocol === 'https:')
      return [known, connected, failed('encryption', error.message, more)]
    return [known, failed('connection', error.message, more)]
  }
}

/** Compares this machine's clock with the provider's. */
function examineClock(context: CredentialContext, row: CredentialWithRegistration, host: string, date: string | undefined): ExaminationStep {
  if (Number.isNaN(Date.parse(date ?? ''))) return skipped('clock', `${host} does not tell its time.`)
  const ahead = context.providerClocks.aheadOf(host)
  const size = Math.abs(ahead)
  if (size <= tolerableClockError) return passed('clock', 'The clock of this machine agrees with the provider.')
  const words = `${describeClockError(host, ahead)}.`
  const diagnosis = context.diagnoses.describe('local_clock_skew', diagnosisValues(context.publicUrl, row))
  return size <= harmfulClockError ? warned('clock', words, { diagnosis }) : failed('clock', words, { diagnosis })
}

/** Compares what the issuer's metadata say with the endpoints that this registration was made with. */
export async function examineMetadata(context: CredentialContext, row: CredentialWithRegistration, provider: ResolvedProvider): Promise<ExaminationStep[]> {
  const { issuer } = provider
  if (issuer === null || issuer.includes('{')) return []
  try {
    const found = await discover(context.http, issuer)
    if (found.token_endpoint === provider.tokenEndpoint) return [passed('metadata', `${issuer} names the same token endpoint.`)]
    return [
      warned('metadata', `${issuer} names another token endpoint now: ${new URL(found.token_endpoint).host}.`, {
        nextStep: `Look at it: keybearer providers discover ${issuer}. Registrations keep the endpoints that they were made with.`,
      }),
    ]
  } catch (error) {
    if (!isProblem(error)) throw error
    const isOther = /another issuer/.test(error.message)
    const diagnosis = isOther ? context.diagnoses.describe('local_metadata_issuer', diagnosisValues(context.publicUrl, row)) : null
    return [isOther ? failed('metadata', error.message, { diagnosis }) : warned('metadata', error.message, { nextStep: error.nextStep })]
  }
}
