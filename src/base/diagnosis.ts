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
