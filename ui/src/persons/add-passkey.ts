import { startRegistration } from '@simplewebauthn/browser'
import { api } from '../api/client.ts'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { explainRefusal } from '../sign-in/passkey.ts'

/** Lets the browser make a passkey, and keeps it under a name. */
export async function addPasskey(name: string): Promise<void> {
  const { challenge_id, options } = await withFreshSignIn(() => api.startPasskey({ body: {} }))
  const response = await startRegistration({ optionsJSON: options }).catch((error: unknown) => {
    throw explainRefusal(error, 'The browser made no passkey: its window was closed, or it took too long.')
  })
  await api.addPasskey({ body: { challenge_id, response, name } as Parameters<typeof api.addPasskey>[0]['body'] })
}
