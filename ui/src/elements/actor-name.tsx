import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { useMay, useSession } from '../api/session.ts'

/** Who did something, by name where the person who looks may know it; else the id, which the audit trail explains. */
export function ActorName({ id }: { id: string }) {
  const { data: session } = useSession()
  const mayAsk = useMay('administrator')
  const isOwn = id === session?.person?.id
  const persons = useQuery({ queryKey: ['persons'], queryFn: () => api.listPersons(), enabled: mayAsk && !isOwn && id.startsWith('per_'), staleTime: 60_000 })
  const keys = useQuery({ queryKey: ['access-keys'], queryFn: () => api.listAccessKeys(), enabled: mayAsk && id.startsWith('key_'), staleTime: 60_000 })
  if (isOwn) return <>you</>
  if (id === 'service') return <>Keybearer itself</>
  const name = [...(persons.data?.items ?? []), ...(keys.data?.items ?? [])].find((one) => one.id === id)?.name
  return name === undefined ? <span className="mono">{id}</span> : <bdi>{name}</bdi>
}
