import { Button, CopyButton } from '@mantine/core'

/** Copies what is known of a failure, for whoever is asked for help. Nothing that the page gets from the service is a secret. */
export function CopyDetails({ details }: { details: object }) {
  return (
    <CopyButton value={JSON.stringify(details, null, 2)}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" onClick={copy} w="fit-content">
          {copied ? 'Copied' : 'Copy details'}
        </Button>
      )}
    </CopyButton>
  )
}
