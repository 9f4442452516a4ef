import type { Provider } from '@keybearer/client'
import type { ReactNode } from 'react'
import { WithGuide } from '../guides/guide-panel.tsx'
import { valuesOfDraft } from '../guides/guide-values.ts'
import { guidesBeside } from '../guides/guides-beside.ts'
import type { StepName } from './draft-errors.ts'
import { useDraft } from './draft-form.ts'
import { effectiveAuth, type Stored } from './draft-send.ts'
import { grantOf } from './flow.ts'

type Props = { step: StepName; provider: Provider | null; stored: Stored | null; children: ReactNode }

/** A step of the wizard with the guide for it, in which what is typed stands already. */
export function WizardGuide({ step, provider, stored, children }: Props) {
  const draft = useDraft().values
  const isOAuth = draft.kind === 'oauth2'
  const beside = guidesBeside({
    kind: draft.kind,
    step,
    provider,
    grant: isOAuth ? grantOf(draft.flow, provider) : null,
    clientAuth: isOAuth && provider !== null ? effectiveAuth(draft, provider) : null,
    popular: draft.source === 'popular',
  })
  const id = stored?.credential.id
  return (
    <WithGuide beside={beside} values={valuesOfDraft(draft, provider, stored?.registration ?? null)} {...(id === undefined ? {} : { credential: id })}>
      {children}
    </WithGuide>
  )
}
