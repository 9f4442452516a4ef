import { auditActions, type AuditAction } from '../../src/access/audit-actions.ts'
import { contract } from '../../src/api/contract.ts'
import type { Endpoint } from '../../src/api/endpoint.ts'
import { code, fence, link, page, prose, table } from './markdown.ts'
import { endpointAnchor } from './api.ts'

export function makeAuditActionsPage(): string {
  const rows = contract as readonly Endpoint[]
  const nouns = [...new Set(Object.keys(auditActions).map((action) => action.split('.')[0]!))]
  return page(
    'src/access/audit-actions.ts and src/api/contract.ts',
    'Audit actions',
    'The audit trail says who did what, when, from where, and how it ended. Everything that touches a secret or changes something is in it, refusals included; the record of a hand-out is on disk before the token leaves. It names changed fields, never their values, and holds no secret.',
    fence('sh', 'keybearer audit --credential work-mail\nkeybearer audit --action token.handed_out --limit 10\nkeybearer audit verify'),
    'Each record carries a hash over itself and the record before, made with a key that is derived from the master key. `keybearer audit verify` follows this chain and names the first record that was changed, removed, added or moved. The outcome of a record is `done`, `refused` or `failed`.',
    'The actor is an access key (its id and name), the service itself, or `nobody` where no valid key came.',
    table(
      ['Action', 'What happened', 'Recorded by'],
      nouns.flatMap((noun) =>
        (Object.keys(auditActions) as AuditAction[])
          .filter((action) => action.startsWith(`${noun}.`))
          .map((action) => [code(action), prose(auditActions[action]), callsThat(rows, action)]),
      ),
    ),
  )
}

function callsThat(rows: readonly Endpoint[], action: AuditAction): string {
  const calls = rows.filter((row) => row.audit === action).map((row) => link(code(`${row.method} ${row.path}`), `api.md#${endpointAnchor(row)}`))
  return calls.length === 0 ? 'the service' : calls.join(', ')
}
