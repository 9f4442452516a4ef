import type { Invited, PersonView } from '../access/persons.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { iso, isoOrNull, type Reply } from './views.ts'

type Ids = 'listPersons' | 'invitePerson' | 'changePerson' | 'deletePerson' | 'renewInvitation'

export function personHandlers({ persons }: Pick<Services, 'persons'>): HandlersOf<Ids> {
  return {
    async listPersons() {
      return { body: { items: (await persons.list()).map(personBody), next: null } }
    },
    async invitePerson({ body, actor }) {
      const invited = await persons.invite(body, actor)
      return { body: invitedBody(invited), headers: { location: `/v1/persons/${invited.person.id}` } }
    },
    async changePerson({ params, body, actor }) {
      const change = { ...(body.role === undefined ? {} : { role: body.role }), ...(body.suspended === undefined ? {} : { suspended: body.suspended }) }
      return { body: personBody(await persons.change(params.person, change, actor)) }
    },
    async deletePerson({ params, actor }) {
      await persons.delete(params.person, actor)
      return {}
    },
    async renewInvitation({ params, actor }) {
      return { body: invitedBody(await persons.renewInvitation(params.person, actor)) }
    },
  }
}

function personBody(view: PersonView): Reply<'changePerson'> {
  const { id, name, role, status, passkeys } = view
  return { id, name, role, status, passkeys, created_at: iso(view.createdAt), last_seen_at: isoOrNull(view.lastSeenAt) }
}

const invitedBody = (invited: Invited): Reply<'invitePerson'> => ({
  person: personBody(invited.person),
  link: invited.link.reveal(),
  expires_at: iso(invited.expiresAt),
})
