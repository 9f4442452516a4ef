import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { makeActionBed, openActionsOver } from '../../test/action-world.ts'
import { until } from '../../test/mail-world.ts'
import { databases, tester } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { cronErrors, nextTime, nextTimes } from './cron-times.ts'
import type { NewSchedule } from './schedules.ts'

const at = (text: string): number => Date.parse(text)
const minute = 60_000

describe('the times of a schedule', () => {
  const times = (cron: string, from: string, count: number, zone = 'Europe/Berlin'): string[] => {
    const found: string[] = []
    for (let after = at(from); found.length < count; after = at(found.at(-1)!)) found.push(new Date(nextTime(cron, zone, after)!).toISOString())
    return found
  }

  it('come once on the night on which an hour is left out', () => {
    assert.deepEqual(times('30 2 * * *', '2026-03-27T12:00:00Z', 3), ['2026-03-28T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'])
    assert.deepEqual(times('0 * * * *', '2026-03-28T23:30:00Z', 3), ['2026-03-29T00:00:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z'])
  })

  it('come once on the night on which an hour comes twice, unless they are of every hour', () => {
    assert.deepEqual(times('30 2 * * *', '2026-10-24T12:00:00Z', 2), ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'])
    assert.deepEqual(times('30 2 * * *', '2026-10-25T00:45:00Z', 1), ['2026-10-26T01:30:00.000Z'])
    assert.deepEqual(times('0 * * * *', '2026-10-24T23:30:00Z', 3), ['2026-10-25T00:00:00.000Z', '2026-10-25T01:00:00.000Z', '2026-10-25T02:00:00.000Z'])
  })

  it('are told beforehand, as many as are asked for and as there are', () => {
    const told = (cron: string, count: number) =>
      nextTimes(cron, 'Europe/Berlin', at('2026-11-24T12:00:00Z'), count).map((time) => new Date(time).toISOString())
    assert.deepEqual(told('0 7 * * 1-5', 3), ['2026-11-25T06:00:00.000Z', '2026-11-26T06:00:00.000Z', '2026-11-27T06:00:00.000Z'])
    assert.deepEqual(told('0 7 * * 1-5', 1), ['2026-11-25T06:00:00.000Z'])
    assert.deepEqual(told('0 0 30 2 *', 3), [])
  })

  it('are refused when nobody can read them, or when they never come', () => {
    const now = at('2026-11-24T12:00:00Z')
    for (const cron of ['', 'x', '* * * *', '* * * * * *', '61 * * * *', '*/0 * * * *', '@daily', '0 0 30 2 *', '٣ * * * *'])
      assert.equal(cronErrors(cron, 'UTC', now)[0]?.path, 'cron', cron)
    for (const zone of ['Nowhere/Else', '', '+02:00']) assert.equal(cronErrors('0 7 * * *', zone, now)[0]?.path, 'time_zone', zone)
    assert.deepEqual(cronErrors('0 7 * * 1-5', 'America/New_York', now), [])
  })
})

for (const database of databases) {
  describe(`schedules, on ${database}`, () => {
    const bedAt = async (t: TestContext, start: string) => {
      const clock = createTestClock(at(start))
      const bed = await makeActionBed(t, { kind: database, clock, start: false })
      const { id } = await bed.make('nightly', bed.request())
      const set = (more: Partial<NewSchedule> = {}) =>
        bed.schedules.set(id, { cron: '30 2 * * *', timeZone: 'Europe/Berlin', missed: 'skip', input: { x: 1 }, enabled: true, ...more }, tester)
      const view = async () => (await bed.schedules.of([id])).get(id)!
      /** What was ordered, however far it is. */
      const ordered = async () =>
        (await bed.runs.list({})).items
          .filter((run) => run.trigger === 'schedule')
          .map((run) => new Date(run.createdAt).toISOString())
          .reverse()
      /** Lets what was ordered end: schedules wait for that. */
      const finish = async () => {
        await bed.context.db.updateTable('action_runs').set({ status: 'done', finished_at: clock.now(), state: null, lease: null, lease_until: null }).execute()
        await bed.context.db.deleteFrom('jobs').where('kind', '=', 'action_run').execute()
      }
      /** Goes on in steps, as time does, and looks at each. */
      const goTo = async (end: string, step = 10 * minute) => {
        while (clock.now() < at(end)) {
          clock.jump(Math.min(step, at(end) - clock.now()))
          await bed.schedules.look()
          await finish()
        }
      }
      return { bed, clock, id, set, view, ordered, goTo, finish }
    }
    const skipped = async ({ context }: { context: Awaited<ReturnType<typeof makeActionBed>>['context'] }) =>
      (await context.audit.list({ limit: 500 })).items.filter((item) => item.action === 'action.skipped').map((item) => item.reason)

    it('run an action at its times, with its input, once each, through both changes of the clocks', async (t) => {
      const spring = await bedAt(t, '2026-03-28T00:00:00Z')
      assert.equal((await spring.set()).nextDueAt, at('2026-03-28T01:30:00Z'))
      await spring.goTo('2026-03-30T12:00:00Z')
      assert.deepEqual(await spring.ordered(), ['2026-03-28T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'])
      const [run] = (await spring.bed.runs.list({})).items
      assert.deepEqual([run!.inputNames, run!.orderedBy.name, run!.trigger], [['x'], 'schedule of "nightly"', 'schedule'])
      const autumn = await bedAt(t, '2026-10-24T12:00:00Z')
      await autumn.set()
      await autumn.goTo('2026-10-26T12:00:00Z')
      assert.deepEqual(await autumn.ordered(), ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'])
    })

    it('do not run a time twice when the clock is set back over it, and do not wait for what a clock that was ahead reckoned', async (t) => {
      const { bed, clock, set, view, ordered, goTo } = await bedAt(t, '2026-11-24T00:00:00Z')
      await set()
      await goTo('2026-11-24T02:00:00Z')
      assert.deepEqual(await ordered(), ['2026-11-24T01:30:00.000Z'])
      clock.jump(-60 * minute)
      await goTo('2026-11-24T12:00:00Z')
      assert.equal((await ordered()).length, 1)
      // For a moment it is five years later; the time that was missed is not made up for.
      clock.jump(5 * 365 * 24 * 60 * minute)
      await bed.schedules.look()
      assert.deepEqual(await skipped(bed), ['missed'])
      clock.jump(-5 * 365 * 24 * 60 * minute)
      await bed.schedules.look()
      assert.equal((await view()).nextDueAt, at('2026-11-25T01:30:00Z'))
      await goTo('2026-11-25T02:00:00Z')
      assert.deepEqual((await ordered()).at(-1), '2026-11-25T01:30:00.000Z')
    })

    it('follow their rule about times at which nobody was there', async (t) => {
      for (const [missed, runs, reasons] of [
        ['skip', 0, ['missed']],
        ['run_once', 1, []],
      ] as const) {
        const { bed, clock, set, view, ordered } = await bedAt(t, '2026-11-24T00:00:00Z')
        await set({ missed })
        clock.jump(3 * 24 * 60 * minute)
        await bed.schedules.look()
        await bed.schedules.look()
        assert.deepEqual([(await ordered()).length, await skipped(bed)], [runs, reasons], missed)
        assert.equal((await view()).nextDueAt, at('2026-11-27T01:30:00Z'))
      }
      const late = await bedAt(t, '2026-11-24T00:00:00Z')
      await late.set()
      late.clock.jump(at('2026-11-24T01:31:30Z') - late.clock.now())
      await late.bed.schedules.look()
      assert.equal((await late.ordered()).length, 1, 'a start of the service takes a moment')
    })

    it('do nothing while they are off or the action is paused, and go on afterwards with the next time', async (t) => {
      const { bed, set, view, ordered, goTo, id } = await bedAt(t, '2026-11-24T00:00:00Z')
      await set({ enabled: false })
      assert.equal((await view()).nextDueAt, null)
      await goTo('2026-11-25T00:00:00Z', 60 * minute)
      assert.deepEqual(await ordered(), [])
      await set()
      await bed.actions.change(id, { paused: true }, tester, 1)
      await goTo('2026-11-25T12:00:00Z')
      assert.deepEqual([await ordered(), await skipped(bed)], [[], ['paused']])
      await bed.actions.change(id, { paused: false }, tester, 2)
      await goTo('2026-11-26T12:00:00Z')
      assert.deepEqual(await ordered(), ['2026-11-26T01:30:00.000Z'])
      await bed.schedules.remove(id, tester)
      await goTo('2026-11-27T12:00:00Z')
      assert.equal((await ordered()).length, 1)
      await assert.rejects(bed.schedules.remove(id, tester), { code: 'not_found' })
    })

    it('do not pile up: a time is skipped while the last run has not ended', async (t) => {
      const { bed, clock, set, ordered, finish } = await bedAt(t, '2026-11-24T00:00:30Z')
      await bed.jobs.stop()
      await set({ cron: '* * * * *' })
      for (let i = 0; i < 3; i++) {
        clock.jump(minute)
        await bed.schedules.look()
      }
      assert.deepEqual([(await ordered()).length, await skipped(bed)], [1, ['still_running', 'still_running']])
      await finish()
      clock.jump(minute)
      await bed.schedules.look()
      assert.equal((await ordered()).length, 2)
    })

    it('run each time once over several nodes that look at the same moment', async (t) => {
      const { bed, clock, set, ordered, finish } = await bedAt(t, '2026-11-24T00:00:30Z')
      const parts = { ...bed.context, bus: bed.mail.context.bus }
      const nodes = [bed, await openActionsOver(parts), await openActionsOver(parts)]
      await set({ cron: '* * * * *' })
      for (let i = 1; i <= 5; i++) {
        clock.jump(minute)
        await Promise.all(nodes.flatMap((node) => [node.schedules.look(), node.schedules.look()]))
        assert.equal((await ordered()).length, i)
        await finish()
      }
      for (const node of nodes.slice(1)) await node.stop()
    })

    it('go off by themselves, wake for a new schedule, and are gone with their action', async (t) => {
      const bed = await makeActionBed(t, { kind: database })
      const { id } = await bed.make('soon', bed.request())
      bed.schedules.start()
      await bed.schedules.set(id, { cron: '0 0 1 1 *', timeZone: 'UTC', missed: 'run_once', input: {}, enabled: true }, tester)
      await bed.context.db
        .updateTable('action_schedules')
        .set({ next_due_at: bed.context.clock.now() - 1000 })
        .execute()
      // Whatever changes an action wakes the schedules.
      await bed.actions.change(id, { description: 'changed' }, tester, 1)
      await until('the run', async () => bed.seen.length === 1)
      await until('its end', async () => (await bed.runs.list({})).items[0]?.status === 'done')
      await bed.schedules.stop()
      await bed.actions.delete(id, tester)
      assert.deepEqual(await bed.context.db.selectFrom('action_schedules').selectAll().execute(), [])
    })
  })
}
