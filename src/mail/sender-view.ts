import type { SenderRow } from '../storage/senders.ts'
import type { ForeignFrom } from './from-rules.ts'
import type { SenderView } from './types.ts'

export function toSenderView(row: SenderRow): SenderView {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as SenderView['kind'],
    host: row.host,
    port: row.port,
    tls: row.tls as SenderView['tls'],
    mechanism: row.mechanism as SenderView['mechanism'],
    credential: row.credential_id === null ? null : { id: row.credential_id, name: row.credential_name ?? '' },
    login: row.login,
    from: row.from_address,
    fromName: row.from_name,
    takesFrom: row.takes_from === null ? null : (JSON.parse(row.takes_from) as string[]),
    foreignFrom: row.foreign_from as ForeignFrom | null,
    ca: row.ca,
    isDefault: row.is_default === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  }
}
