import type { Credential } from '@keybearer/client'
import type { ReactNode } from 'react'
import { RelativeTime } from '../elements/relative-time.tsx'

/** The state of a credential as one sentence. */
export function statusSentence(credential: Credential): ReactNode {
  const reason = credential.reason?.message ?? ''
  switch (credential.status) {
    case 'ready':
      return credential.until === null ? (
        'It works. No end is known.'
      ) : (
        <>
          It works until <RelativeTime at={credential.until} />.
        </>
      )
    case 'expiring':
      return (
        <>
          It still works, but will stop <RelativeTime at={credential.until} empty="soon" /> unless somebody acts. {reason}
        </>
      )
    case 'retrying':
      return (
        <>
          It is tried again by itself
          {credential.refresh_due_at !== null && (
            <>
              , next <RelativeTime at={credential.refresh_due_at} />
            </>
          )}
          . {reason}
        </>
      )
    case 'needs_consent':
    case 'misconfigured':
      return (
        <>
          It stopped <RelativeTime at={credential.since} />. {reason}
        </>
      )
    case 'incomplete':
      return `It is not finished yet. ${reason}`
    case 'paused':
      return (
        <>
          It was switched off <RelativeTime at={credential.since} />. Nothing gets a token from it until it is resumed.
        </>
      )
  }
}
