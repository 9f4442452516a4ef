import type { Caller } from '../access/caller.ts'
import { Problem } from '../base/problem.ts'
import { mayManage } from './guard.ts'
import type { HandlersOf } from './call.ts'
import { resolveCredential } from './handle-credentials.ts'
import type { Services } from './services.ts'
import { withoutUndefined } from './views.ts'

const unknown = {
  id: null,
  title: 'Nothing is known of this text',
  meaning: 'It is none of the failures that Keybearer can explain. Look for an error code in it, and in the documentation of whoever wrote it.',
  causes: [],
  fix: [],
  who: 'you' as const,
  action: 'none' as const,
  retry: null,
  source: null,
}

export function diagnosisHandlers({ diagnoses, credentials }: Pick<Services, 'diagnoses' | 'credentials'>): HandlersOf<'explainFailure'> {
  const valuesFor = async (caller: Caller, ref: string) => {
    const id = await resolveCredential(credentials, caller, ref, 'credential')
    if (!caller.can('read', id) && !mayManage(caller)) throw new Problem('not_allowed', `${caller.title} may not read "${ref.slice(0, 100)}".`)
    return await credentials.diagnosisValues(id)
  }
  return {
    async explainFailure({ body, caller }) {
      const { text, surface } = body
      const values = body.credential === undefined ? {} : await valuesFor(caller, body.credential)
      const id = diagnoses.classify(text, withoutUndefined({ provider: body.provider ?? values.provider, surface }))
      return { body: (id === null ? null : diagnoses.describe(id, values)) ?? unknown }
    },
  }
}
