import { includesRole, useSession } from '../api/session.ts'

/**
 * Whether whoever is here may change credentials. A session that has just ended changes nothing of that: the form has to
 * stay behind the sign-in, with everything that was typed.
 */
export function useMayManage(): boolean {
  const { data } = useSession()
  return includesRole((data?.person ?? data?.last_person)?.role, 'manager')
}
