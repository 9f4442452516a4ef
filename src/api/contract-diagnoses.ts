import { z } from 'zod'
import { diagnosisActions, diagnosisActors, diagnosisRetries } from '../base/diagnosis.ts'
import { surfaces } from '../base/diagnosis.ts'
import { endpoint } from './endpoint.ts'
import { diagnosisFields, word } from './schemas.ts'

export const diagnosisEndpoints = [
  endpoint({
    id: 'explainFailure',
    method: 'POST',
    path: '/v1/diagnoses',
    tag: 'Service',
    summary: 'Says what an error text means and what to do; nothing of it is stored.',
    description: 'For failures that never reach Keybearer, such as the page that a provider shows. Only the beginning of a long text is looked at.',
    permission: 'any',
    audit: null,
    body: z
      .strictObject({
        text: z.string().min(1).max(1_000_000).meta({ description: 'As it was shown; secrets in it are neither kept nor given back' }),
        provider: word(100).optional().meta({ description: 'Id of the provider; guessed from the text where it is left out' }),
        surface: z.enum(surfaces).optional().meta({ description: 'Where it was met' }),
        credential: word(200).optional().meta({ description: 'Id or name: its values are filled in' }),
      })
      .meta({ id: 'FailureText' }),
    status: 200,
    kind: 'json',
    reply: z
      .object({
        ...diagnosisFields,
        id: z.string().nullable().meta({ description: 'null: nothing is known of such a text' }),
        who: z.enum(diagnosisActors),
        action: z.enum(diagnosisActions),
        retry: z.enum(diagnosisRetries).nullable(),
        source: z.string().nullable(),
      })
      .meta({ id: 'Explanation' }),
    problems: ['not_found', 'not_allowed'],
  }),
] as const
