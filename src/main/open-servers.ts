import type { PageFiles } from '../api/page-files.ts'
import { createServer } from '../api/server.ts'
import type { Services } from '../api/services.ts'
import { service } from '../base/actor.ts'
import type { Settings } from '../config.ts'
import type { LockableVault } from '../crypto/vault.ts'
import type { Relay } from '../mail/relay.ts'
import type { Unlocked } from './lockable.ts'
import { openRelay } from './open-relay.ts'

type Parts = {
  services: Services
  vault: Pick<LockableVault, 'refuseOpening' | 'destroy'>
  isLocked(): Promise<boolean>
  stopJobs(): Promise<void>
  stop(): Promise<void>
}

/** Makes the servers over the parts, and what locks them. */
export function openServers(started: Parts, settings: Settings, page: PageFiles | null): Unlocked {
  const server = createServer(started.services, {
    allowedHosts: settings.KEYBEARER_ALLOWED_HOSTS,
    trustedProxies: settings.KEYBEARER_TRUSTED_PROXIES,
    mailMaxBytes: settings.KEYBEARER_MAIL_MAX_BYTES,
    metrics: settings.KEYBEARER_METRICS,
    shutdownSeconds: settings.KEYBEARER_SHUTDOWN_SECONDS,
    page,
  })
  let relay: Relay | null = null
  return {
    async listen() {
      relay = await openRelay(settings, started.services)
      const relayed = (await relay?.start()) ?? []
      return { ...(await server.listen(settings.KEYBEARER_PORT, settings.KEYBEARER_HOST)), relay: relayed }
    },
    async stop(why) {
      if (why !== undefined) {
        // Health is still told while what is under way ends.
        server.refuse(why)
        await relay?.stop()
        await started.stopJobs()
      } else await relay?.stop()
      await server.close(why)
      await started.stop()
    },
    refuseOpening: () => started.vault.refuseOpening(),
    destroyKeys() {
      started.vault.destroy()
      started.services.pageKey.fill(0)
    },
    isLocked: () => started.isLocked(),
    onLocked: (listener) => void started.services.bus.listen((event) => void (event.type === 'service.locked' && listener())),
    async recordUnlocking({ actor, refused }) {
      if (actor === null && refused === 0) return
      await started.services.audit.record({ actor: actor ?? service, action: 'service.unlocked', outcome: 'done', detail: { refused_before: refused } })
    },
  }
}
