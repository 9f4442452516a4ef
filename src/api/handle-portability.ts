import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { ImportItem } from '../credentials/import-plan.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { secretOf, withoutUndefined, type Reply } from './views.ts'

type Ids = 'exportCredentials' | 'importCredentials'

export function portabilityHandlers({ exporter, importer }: Pick<Services, 'exporter' | 'importer'>): HandlersOf<Ids> {
  return {
    async exportCredentials({ body, actor, caller }) {
      const ids = await exporter.idsOf(body.credentials)
      // Invariant: managing and reading tokens are two rights. A registration's secret serves many credentials, so that a key
      // which takes secrets along must be one that may read every token.
      if (body.secrets === 'encrypted' && actor.kind === 'access_key' && !caller.can('token', '*')) {
        throw new Problem('not_allowed', `${caller.title} may not read all tokens, so it may not export secrets.`, {
          nextStep: 'Use a key with the right "token" on all credentials, or leave the secrets out.',
        })
      }
      const file = await exporter.export(ids, withoutUndefined({ secrets: body.secrets, passphrase: secretOf(body.passphrase) }), actor)
      return { body: { file_name: file.fileName, content: file.content, count: file.count } }
    },
    async importCredentials({ body, actor, caller }) {
      const order = withoutUndefined({
        content: new Secret(body.content),
        passphrase: secretOf(body.passphrase),
        onClash: body.on_clash,
        format: body.format ?? ('auto' as const),
        dryRun: body.dry_run ?? false,
      })
      const result = await importer.run(order, actor, { mayWidenHosts: caller.can('token', '*') })
      return { body: { format: result.format, applied: result.applied, items: result.items.map(itemBody) } }
    },
  }
}

function itemBody(item: ImportItem): Reply<'importCredentials'>['items'][number] {
  return {
    name: item.name,
    kind: item.kind,
    provider: item.provider,
    action: item.action,
    final_name: item.finalName,
    problem: item.problem && { code: item.problem.code, detail: item.problem.detail, next_step: item.problem.nextStep },
    notes: item.notes,
  }
}
