/** Where a failure was met. */
export const surfaces = [
  'authorize_page',
  'authorize_redirect',
  'token_endpoint',
  'device_endpoint',
  'smtp_auth',
  'smtp_data',
  'imap_auth',
  'gmail_api',
  'graph_api',
  'any_api',
  'network',
  'local_check',
] as const
export type Surface = (typeof surfaces)[number]
/** No diagnosis looks further into a text, in characters. */
export const longestFailure = 16_384
/** Who has to act: whoever runs the automation, the account's owner, an administrator of the account's organization, or nobody. */
export const diagnosisActors = ['you', 'owner', 'admin', 'nobody'] as const
/** What helps; `none`: nothing is known to. */
export const diagnosisActions = ['retry', 'reauthorize', 'fix_config', 'admin', 'rate_limit', 'none'] as const
/** Whether repeating helps, and after what. */
export const diagnosisRetries = ['permanent', 'transient', 'needs_reconsent', 'needs_admin'] as const

/** What a failure means and what to do, in words for a person. It is advice: nothing in the program is decided by it. */
export type Diagnosis = {
  id: string
  title: string
  meaning: string
  /** The likeliest first. */
  causes: string[]
  /** Step by step. */
  fix: string[]
  who: (typeof diagnosisActors)[number]
  action: (typeof diagnosisActions)[number]
  retry: (typeof diagnosisRetries)[number]
  source: string
}
