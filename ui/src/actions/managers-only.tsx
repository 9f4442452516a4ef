import { MessageBox } from '../elements/message-box.tsx'
import { PageHead } from '../elements/page-head.tsx'

/** What a viewer meets at the address of a page that is for managers. */
export function ManagersOnly({ title }: { title: string }) {
  return (
    <>
      <PageHead title={title} />
      <MessageBox tone="note" role="status" title="Actions are for managers">
        You may look at credentials, and neither see nor run actions. An administrator can change your role, or make an access key that runs some of them.
      </MessageBox>
    </>
  )
}
