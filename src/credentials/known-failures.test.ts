import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type Answer } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'

type Known = { id: string; surface: string; text: string }
const known = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'test', 'failures', 'known.json'), 'utf8')) as Known[]
const hour = 3_600_000

/** Returns the answer that a text quotes; null when it quotes none. */
function answerOf({ text }: Known): Answer | null {
  const [, status, body] = /^HTTP (\d{3}) (\{.*\})$/.exec(text) ?? []
  return status === undefined || body === undefined ? null : { status: Number(status), body }
}

/** What RFC 6749 says of an answer, whatever its words are. */
function isPassing(answer: Answer): boolean {
  const { error } = JSON.parse(answer.body as string) as { error?: string }
  if (error === 'temporarily_unavailable' || error === 'server_error') return true
  const permanent = [
    'invalid_grant',
    'invalid_client',
    'unauthorized_client',
    'invalid_scope',
    'unsupported_grant_type',
    'invalid_target',
    'invalid_request',
    'access_denied',
  ]
  return (answer.status === 429 || answer.status! >= 500) && !permanent.includes(error ?? '')
}

it('O19: of every known failure the permanent are asked for once in a day, and the passing with growing pauses', async (t) => {
  const clock = createTestClock()
  const place = await makePlace('sqlite')
  const world = await openWorld(place, { clock })
  const fake = await startFakeProvider()
  t.after(async () => {
    await world.close()
    await fake.close()
    await place.remove()
  })
  const answers = known.flatMap((one) => {
    const answer = one.surface === 'token_endpoint' ? answerOf(one) : null
    return answer === null ? [] : [{ one, answer }]
  })
  assert.ok(answers.length > 80, `${answers.length} answers`)
  const ids: string[] = []
  for (const [i] of answers.entries()) ids.push(await makeRefreshable(world, fake, `failing-${i}`, `rt-${i}`))
  const asked = new Map<string, number>()
  fake.answer = ({ parameters }) => {
    const token = parameters.get('refresh_token')!
    asked.set(token, (asked.get(token) ?? 0) + 1)
    return answers[Number(token.slice(3))]!.answer
  }
  // Somebody uses each of them once an hour, all day long.
  for (let i = 0; i < 24; i++) {
    for (const id of ids) await world.credentials.handOut(id, { purpose: 'token', actor: tester }).catch(() => undefined)
    clock.jump(hour)
  }
  for (const [i, { one, answer }] of answers.entries()) {
    const times = asked.get(`rt-${i}`) ?? 0
    const { status } = await world.credentials.get(ids[i]!)
    if (isPassing(answer)) {
      assert.equal(status, 'retrying', `${one.id}: ${one.text}`)
      assert.ok(times > 1 && times <= 24, `${one.id} was asked for ${times} times`)
    } else {
      assert.equal(times, 1, `${one.id} was asked for ${times} times: ${one.text}`)
      assert.ok(status === 'needs_consent' || status === 'misconfigured', `${one.id}: ${status}`)
    }
  }
})
