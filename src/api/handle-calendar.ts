import { isProblem, Problem } from '../base/problem.ts'
import type { Caller } from '../access/caller.ts'
import { administrations, rights } from '../access/types.ts'
import { accessKeyEnds } from '../credentials/calendar.ts'
import type { HandlersOf } from './call.ts'
import { writeCalendar } from './calendar-feed.ts'
import { mayManage } from './guard.ts'
import type { Services } from './services.ts'
import { iso } from './views.ts'

type Needed = Pick<Services, 'credentials' | 'accessKeys' | 'clock' | 'facts'>

export function calendarHandlers({ credentials, accessKeys, clock, facts }: Needed): HandlersOf<'listEnds' | 'createCalendarFeed' | 'readCalendarFeed'> {
  const keyEnds = async () => accessKeyEnds(await accessKeys.list(), clock.now(), facts.unusedDays)
  return {
    async listEnds({ caller }) {
      const ends = await credentials.ends(caller.visible())
      if (caller.administers('keys')) ends.push(...(await keyEnds()))
      const items = ends.sort((a, b) => a.at - b.at)
      return { body: { items: items.map(({ nextStep, at, since: _since, ...end }) => ({ ...end, at: iso(at), next_step: nextStep })), next: null } }
    },
    async createCalendarFeed({ body, caller, actor }) {
      // A feed shows the ends of everything: nobody gives more than he sees.
      if (!caller.can('read', '*') && !mayManage(caller)) throw new Problem('not_allowed', `${caller.title} may not read every credential, which a feed shows.`)
      const { view, key } = await accessKeys.create({ name: body.name, permissions: [], administration: ['calendar'] }, actor)
      return { body: { access_key: { id: view.id, name: view.name }, address: `${facts.publicUrl}/calendar/${key.reveal()}.ics` } }
    },
    async readCalendarFeed({ params, address }) {
      const key = /^(kb_\w{10,100})\.ics$/.exec(params.feed)?.[1]
      const caller = key === undefined ? null : await accessKeys.authenticate(`Bearer ${key}`, address).catch(noCaller)
      // Invariant: a key that can do more is no feed. Addresses stand in logs and histories where a key must not.
      if (caller === null || !isFeed(caller)) throw new Problem('not_found', 'There is no such calendar.')
      const text = writeCalendar([...(await credentials.ends(undefined)), ...(await keyEnds())], { now: clock.now(), publicUrl: facts.publicUrl })
      return { text, headers: { 'content-type': 'text/calendar; charset=utf-8', 'cache-control': 'no-store' } }
    },
  }
}

const isFeed = (caller: Caller): boolean =>
  caller.administers('calendar') &&
  !administrations.some((what) => what !== 'calendar' && caller.administers(what)) &&
  !rights.some((right) => caller.canAny(right))

/** What is wrong with the key is nobody's business. */
function noCaller(error: unknown): null {
  if (isProblem(error, 'not_signed_in')) return null
  throw error
}
