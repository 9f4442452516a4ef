import type { Session } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { api } from './client.ts'

export const sessionKey = ['session'] as const

export type Person = NonNullable<Session['person']>
/** Who was signed in in this window: when the session ends meanwhile, the page stays as it is behind the sign-in. */
let lastPerson: Person | null = null

async function fetchSession(): Promise<Session & { last_person: Person | null }> {
  const session = await api.getSession()
  lastPerson = session.person ?? lastPerson
  return { ...session, last_person: lastPerson }
}

/** Who is signed in, or who may sign in and how. */
export function useSession() {
  return useQuery({ queryKey: sessionKey, queryFn: fetchSession, staleTime: 60_000 })
}

/** Forgets who was here: after signing out, or when another person signs in. */
export function forgetPerson(): void {
  lastPerson = null
}

export type Role = Person['role']

const rank: Record<Role, number> = { viewer: 0, manager: 1, administrator: 2 }

/** Says whether a role includes another. The API decides; the page only leaves out what it would refuse. */
export const includesRole = (role: Role | undefined, wanted: Role | undefined): boolean =>
  wanted === undefined || (role !== undefined && rank[role] >= rank[wanted])

/** The role of whoever is signed in; a viewer until it is known. */
export function useMay(wanted: Role): boolean {
  const { data } = useSession()
  return includesRole(data?.person?.role, wanted)
}
