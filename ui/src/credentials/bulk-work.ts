import type { Credential } from '@keybearer/client'
import { api, etag } from '../api/client.ts'
import { countUsers } from './used-by.ts'

export type Work = 'test' | 'pause' | 'resume' | 'tag' | 'delete'
export type Result = { credential: Credential; ok: boolean; message: string }
export type Preflight = { fit: Credential[]; left: { credential: Credential; why: string }[]; inUse: Credential[] }

/** Says before anything is done what it will be done with, what is left out and why, and what automations use. */
export function preflight(work: Work, rows: Credential[]): Preflight {
  const left = rows.flatMap((credential) => {
    const why = whyLeft(work, credential)
    return why === null ? [] : [{ credential, why }]
  })
  const out = new Set(left.map(({ credential }) => credential.id))
  const fit = rows.filter((row) => !out.has(row.id))
  return { fit, left, inUse: work === 'pause' || work === 'delete' ? fit.filter((row) => countUsers(row) > 0) : [] }
}

function whyLeft(work: Work, { status, has_secret }: Credential): string | null {
  switch (work) {
    case 'pause':
      return status === 'paused' ? 'is paused already' : null
    case 'resume':
      return status === 'paused' ? null : 'is not paused'
    case 'test':
      return status === 'paused' ? 'is paused' : status === 'incomplete' && !has_secret ? 'is not finished' : null
    case 'tag':
    case 'delete':
      return null
  }
}

/** Does one thing with one credential; a failure is a result too. */
export async function doOne(work: Work, credential: Credential, tags: string[]): Promise<Result> {
  const params = { credential: credential.id }
  try {
    switch (work) {
      case 'test': {
        const report = await api.testCredential({ params })
        return { credential, ok: report.ok, message: report.ok ? 'works' : (report.steps.find((step) => !step.ok)?.message ?? 'does not work') }
      }
      case 'pause':
        await api.pauseCredential({ params })
        return { credential, ok: true, message: 'paused' }
      case 'resume':
        await api.resumeCredential({ params })
        return { credential, ok: true, message: 'resumed' }
      case 'tag':
        await api.changeCredential({ params, body: { tags: [...new Set([...credential.tags, ...tags])] }, ifMatch: etag(credential.revision) })
        return { credential, ok: true, message: 'tagged' }
      case 'delete': {
        const { revocation } = await api.deleteCredential({ params })
        return { credential, ok: true, message: `deleted. ${revocation.message}` }
      }
    }
  } catch (error) {
    return { credential, ok: false, message: error instanceof Error ? error.message : 'failed' }
  }
}
