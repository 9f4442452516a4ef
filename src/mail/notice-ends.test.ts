import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { makeMailBed, somebody } from '../../test/mail-world.ts'
import { makeNoticeNode } from '../../test/notice-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { accessKeyEnds, type CalendarEnd } from '../credentials/calendar.ts'
import { judgeEnds, type WarnedEnds } from './notice-ends.ts'

const hour = 3_600_000
const day = 24 * hour

const keyEnd = (at: number, since: number | null): CalendarEnd => ({
  kind: 'access_key',
  at,
  since,
  subject: { kind: 'access_key', id: 'key_1', name: 'job' },
  credentials: [],
  message: 'The access key ends.',
  nextStep: 'Make a new one and give it to the automation.',
})

/** On which days before its end an end is told of, looking twice a day from its beginning. */
function toldOf(life: number): number[] {
  let warned: WarnedEnds = {}
  const told: number[] = []
  for (let now = 0; now < life; now += day / 2) {
    const judged = judgeEnds([keyEnd(life, 0)], warned, now)
    warned = judged.warned
    if (judged.findings.length > 0) told.push((life - now) / day)
  }
  return told
}

test('an end is told of 60, 30, 14, 7 and 1 days ahead, once each, and never at its very beginning', () => {
  assert.deepEqual(toldOf(90 * day), [60, 30, 14, 7, 1])
  assert.deepEqual(toldOf(30 * day), [14, 7, 1])
  assert.deepEqual(toldOf(7 * day), [1])
  assert.deepEqual(toldOf(day), [])
})

test('of several moments that a jump of the clock passed only the last is told, a moved end anew, and a past one not at all', () => {
  const first = judgeEnds([keyEnd(90 * day, 0)], {}, 80 * day)
  assert.equal(first.findings.length, 1)
  assert.equal(judgeEnds([keyEnd(90 * day, 0)], first.warned, 20 * day).findings.length, 0, 'a clock that goes back tells nothing twice')
  assert.equal(judgeEnds([keyEnd(90 * day, 0)], first.warned, 81 * day).findings.length, 0)
  assert.equal(judgeEnds([keyEnd(95 * day, 0)], first.warned, 82 * day).findings.length, 1)
  assert.equal(judgeEnds([keyEnd(90 * day, 0)], {}, 91 * day).findings.length, 0)
})

for (const kind of databases) {
  describe(`ends that no event tells of, on ${kind}`, () => {
    it('of access keys and resting credentials reach a person, and what is snoozed waits', async (t) => {
      const clock = createTestClock()
      const bed = await makeMailBed(t, { kind, clock, start: false })
      await bed.sender({ mechanism: 'none' })
      const events = ['credential.expiring', 'access_key.expiring'] as const
      await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: ['ops@example.org'], events: [...events] } }, somebody)
      const { view } = await bed.world.accessKeys.create(
        { name: 'nightly', permissions: [], administration: ['manage'], expiresAt: clock.now() + 40 * day },
        somebody,
      )
      const resting = await bed.token('resting')
      const quiet = await bed.token('quiet')
      const idle = (id: string, name: string): CalendarEnd => ({
        ...keyEnd(clock.now() + 35 * day, clock.now() - 100 * day),
        kind: 'idle',
        subject: { kind: 'credential', id, name },
        message: 'The refresh token dies of disuse, because it is paused.',
      })
      await bed.world.credentials.snooze(quiet, clock.now() + 30 * day, somebody)
      await bed.world.credentials.pause(resting, somebody)
      const ofCredentials = [idle(resting, 'resting'), idle(quiet, 'quiet')]
      const node = makeNoticeNode(bed, { ends: async () => [...ofCredentials, ...accessKeyEnds(await bed.world.accessKeys.list(), clock.now(), 0)] })
      const subjects = async () => (await bed.outbox.list({})).items.map((item) => item.subject)
      await node.notices.look()
      await node.notices.look()
      assert.deepEqual(await subjects(), ['Keybearer: "resting" will stop working'])
      clock.jump(11 * day)
      await node.notices.look()
      await node.notices.look()
      assert.equal((await subjects()).length, 2, 'both that have 30 days left now in one mail')
      assert.equal((await subjects())[0], 'Keybearer: 2 things need a person')
      await bed.world.accessKeys.revoke(view.id, somebody)
      ofCredentials.splice(0)
      clock.jump(20 * day)
      await node.notices.look()
      assert.equal((await subjects()).length, 2, 'what was put right is not told of')
    })
  })
}
