import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isProblem, type Problem } from '../base/problem.ts'
import {
  databases,
  makePlace,
  makeRefreshable,
  openWorld,
  startFakeProvider,
  tester,
  type Answer,
  type FakeProvider,
  type Place,
  type World,
} from '../../test/world.ts'

for (const database of databases) {
  describe(`what a failure of a credential means, on ${database}`, () => {
    let place: Place
    let world: World
    let fake: FakeProvider
    before(async () => {
      place = await makePlace(database)
      world = await openWorld(place)
      fake = await startFakeProvider()
    })
    after(async () => {
      await world.close()
      await fake.close()
      await place.remove()
    })

    let count = 0
    /** Lets a renewal fail and returns what the hand-out says and what the credential shows. */
    async function fail(answer: Answer): Promise<{ problem: Problem; view: Awaited<ReturnType<World['credentials']['get']>>; asked: number }> {
      fake.answer = () => answer
      const id = await makeRefreshable(world, fake, `failing-${database}-${count++}`)
      const before = fake.seen.length
      let problem: Problem | undefined
      await assert.rejects(world.credentials.handOut(id, { purpose: 'token', actor: tester }), (error) => {
        problem = error as Problem
        return isProblem(error)
      })
      return { problem: problem!, view: await world.credentials.get(id), asked: fake.seen.length - before }
    }

    const entra = (error: string, text: string) => ({
      status: 400,
      body: { error, error_description: `${text} Trace ID: 4f4c1375-f527-4f78-9e4a-570b36e47561` },
    })

    it('is shown with the credential and with the problem of a hand-out, its values filled in', async () => {
      const { problem, view } = await fail(entra('invalid_client', 'AADSTS7000215: Invalid client secret provided.'))
      assert.equal(view.status, 'misconfigured')
      assert.equal(view.diagnosis?.id, 'ms_aadsts7000215')
      assert.equal(problem.diagnosis?.id, 'ms_aadsts7000215')
      assert.match(view.diagnosis.fix.join('\n'), /App registrations > client > Certificates/)
      assert.equal(view.nextStep?.action, 'fix', 'the button follows the error code')
    })

    it('of a code that says a person must act, names why', async () => {
      const { problem, view } = await fail(entra('invalid_grant', 'AADSTS50173: The provided grant has expired due to it being revoked.'))
      assert.equal(view.status, 'needs_consent')
      assert.equal(view.diagnosis?.id, 'ms_aadsts50173')
      assert.match(problem.diagnosis!.fix[0]!, /^Reconnect it: keybearer connect failing-/)
    })

    it('P12: a text that speaks of waiting does not make a refusal passing, nor is it believed', async () => {
      const { view, asked } = await fail(entra('invalid_client', 'AADSTS90033: A transient error has occurred. Please try again.'))
      assert.equal(asked, 1)
      assert.equal(view.status, 'misconfigured')
      assert.equal(view.diagnosis?.id, 'oauth_token_invalid_client')
    })

    it('P12: a text that speaks of the end does not kill a credential whose provider is away', async () => {
      const { view, problem } = await fail({ status: 503, body: '<html>AADSTS700082: The refresh token has expired due to inactivity.</html>' })
      assert.equal(view.status, 'retrying')
      assert.equal(view.diagnosis?.id, 'http_5xx')
      assert.equal(problem.code, 'provider_unavailable')
    })

    it('of a page instead of a token is that it is a page', async () => {
      const { view } = await fail({ status: 200, headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html><title>Sign in</title></html>' })
      assert.equal(view.status, 'retrying')
      assert.equal(view.diagnosis?.id, 'token_html_answer')
    })

    it('of a lost connection names the connection', async () => {
      const gone = await startFakeProvider()
      const id = await makeRefreshable(world, gone, `gone-${database}`)
      await gone.close()
      await assert.rejects(
        world.credentials.handOut(id, { purpose: 'token', actor: tester }),
        (error) => isProblem(error, 'provider_unavailable') && error.diagnosis?.id === 'net_refused',
      )
    })

    it('is nothing where nothing is known, and never holds a secret that a provider repeats', async () => {
      const { view } = await fail({ status: 400, body: { error: 'teapot_empty', error_description: 'Out of tea for client-secret.' } })
      assert.equal(view.status, 'misconfigured')
      assert.equal(view.diagnosis, null)
      const told = await fail(entra('invalid_client', 'AADSTS7000215: You sent client-secret.'))
      assert.doesNotMatch(JSON.stringify([told.view, told.problem.diagnosis]), /sent client-secret/)
    })
  })
}
