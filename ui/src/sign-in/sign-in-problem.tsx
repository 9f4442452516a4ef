import { MessageBox } from '../elements/message-box.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { PasskeyNotUsed } from './passkey.ts'

/** What went wrong with a sign-in. A passkey that was not used is no mistake of anybody. */
export function SignInProblem({ error, title = 'No passkey was used' }: { error: unknown; title?: string }) {
  if (!(error instanceof PasskeyNotUsed)) return <ProblemNotice error={error} />
  return (
    <MessageBox tone="warning" role="alert" title={title}>
      {error.message} Nothing has changed.
    </MessageBox>
  )
}
