import { startAuthorizationServer } from '../rig/authorization-server.ts'
import { startKnownProviders, type KnownProviders } from '../rig/known-providers.ts'
import { openOffice, type Office } from './office.ts'

export type KnownOffice = { office: Office; known: KnownProviders; close: () => Promise<void> }

/** Opens an office where Google and Microsoft of the catalogue lead to the test provider. */
export async function openKnownOffice(): Promise<KnownOffice> {
  const server = await startAuthorizationServer()
  const known = await startKnownProviders(server.issuer)
  const office = await openOffice({ server, settings: { KEYBEARER_PROVIDERS: known.folder } }).catch(async (error: unknown) => {
    await known.stop()
    throw error
  })
  return {
    office,
    known,
    async close() {
      await office.close()
      await known.stop()
    },
  }
}
