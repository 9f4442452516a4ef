import { stopUnusedKeys } from '../access/unused-keys.ts'
import type { CredentialContext } from '../credentials/context.ts'
import type { DeletedCredentials } from '../credentials/deleted-credentials.ts'
import { stopUnusedCredentials } from '../credentials/unused.ts'
import type { JobHandler } from '../jobs/job-runner.ts'

const hour = 3_600_000

/** Looks once an hour, on one node, for credentials and access keys that nobody has used for long, and for deleted credentials whose time is over. */
export function careHandlers(context: CredentialContext, deletedCredentials: Pick<DeletedCredentials, 'purgeOverdue'>): Record<string, JobHandler> {
  return {
    unused_look: {
      every: hour,
      async run() {
        await stopUnusedCredentials(context)
        await stopUnusedKeys(context, context.unusedDays)
        return { outcome: 'done' }
      },
    },
    purge_deleted: {
      every: hour,
      async run() {
        await deletedCredentials.purgeOverdue()
        return { outcome: 'done' }
      },
    },
  }
}
