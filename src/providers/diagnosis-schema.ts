import { z } from 'zod'
import { diagnosisActions, diagnosisActors, diagnosisRetries, surfaces } from '../base/diagnosis.ts'

/** Values of a credential that steps can name. */
export const diagnosisValues = [
  'credential',
  'registration',
  'provider',
  'tenant',
  'client_id',
  'redirect_uri',
  'scopes',
  'mailbox',
  'act_for',
  'host',
] as const
export type DiagnosisValue = (typeof diagnosisValues)[number]

const sentence = z.string().min(4).max(600)
const step = sentence.refine(
  (text) => [...text.matchAll(/\{([^{}]{1,40})\}/g)].every(([, name]) => (diagnosisValues as readonly string[]).includes(name!)),
  `may name in braces only ${diagnosisValues.join(', ')}`,
)

/**
 * What a text must have, all of it. These are no patterns of a general kind on purpose: each is a plain search, so that no text
 * can make it slow.
 */
const condition = z
  .strictObject({
    text: z.string().min(3).max(120).optional().describe('A phrase; "…" stands for anything in between. Capitals matter only where all letters are capitals.'),
    begin: z.string().min(3).max(120).optional().describe('What the text begins with'),
    error: z
      .string()
      .regex(/^[a-z_]{3,60}$/)
      .optional()
      .describe('The OAuth 2.0 error code'),
    aadsts: z
      .union([z.int().min(1000).max(99_999_999), z.literal('any')])
      .optional()
      .describe('The number of a Microsoft error'),
    reply: z
      .string()
      .regex(/^(?:[2-5][\dx]{2})?(?:(?:^|(?<= )| )[245]\.\d{1,3}(?:\.[\dx]{1,3})?)?$/)
      .optional()
      .describe('Reply code and enhanced status code of a mail server; x stands for a digit'),
    status: z
      .string()
      .regex(/^[1-5][\dx]{2}$/)
      .optional()
      .describe('Status of an HTTP answer; x stands for a digit'),
    common: z.literal(true).optional().describe('Others say so as well: it counts only where the provider is known'),
    html: z.literal(true).optional().describe('A web page came'),
  })
  .refine((one) => Object.entries(one).some(([key, value]) => key !== 'common' && value !== undefined), 'must name a condition')

export const diagnosisSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_]{2,60}$/),
  surfaces: z.array(z.enum(surfaces)).min(1),
  rank: z.int().min(0).max(100).describe('The highest that matches is taken, then the most exact'),
  match: z.array(condition).min(1).describe('One of these suffices'),
  title: sentence,
  meaning: step,
  causes: z.array(step).min(1),
  fix: z.array(step).min(1),
  who: z.enum(diagnosisActors),
  action: z.enum(diagnosisActions),
  retry: z.enum(diagnosisRetries),
  source: z.url({ protocol: /^https$/ }),
})

export const diagnosisFileSchema = z.strictObject({
  $schema: z.string().optional(),
  provider: z.string().describe('Whose texts these are: the beginning of the provider\'s id, or "any"'),
  hints: z.array(z.string().min(3)).optional().describe('What gives the provider away where nobody says which one it is'),
  recognizable: z.boolean().optional().describe('Whether its longer phrases occur nowhere else'),
  diagnoses: z.array(diagnosisSchema).min(1),
})

export type Condition = z.infer<typeof condition>
export type DiagnosisEntry = z.infer<typeof diagnosisSchema>
export type DiagnosisFile = z.infer<typeof diagnosisFileSchema>
