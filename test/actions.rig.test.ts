import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { HttpRequests } from '../src/actions/http-requests.ts'
import type { Definition } from '../src/actions/action-types.ts'
import { Secret } from '../src/base/secret.ts'
import { openActionsOver, type ActionWorld } from './action-world.ts'
import { openMail, type MailWorld } from './mail-world.ts'
import { clientSecrets } from './rig/authorization-server.ts'
import { readMailRig, waitForMail, type MailRigAddresses } from './rig/mail-rig.ts'
import { makePlace, openWorld, tester, type Place, type World } from './world.ts'

describe('an action that sends mail through a real mail server', () => {
  let rig: MailRigAddresses
  let place: Place
  let world: World
  let mail: MailWorld
  let action: ActionWorld

  before(async () => {
    rig = readMailRig()
    place = await makePlace('sqlite')
    world = await openWorld(place, { ca: rig.ca })
    mail = openMail(world, { ca: rig.ca })
    const { description } = await world.providers.discover({ issuer: rig.issuer, id: 'rig', name: 'Rig' }, tester)
    await world.providers.create({ ...description, grants: ['client_credentials'] }, tester)
    mail.outbox.start()
    const requests = new HttpRequests(world.context, { credentials: world.credentials, countSent: () => undefined })
    action = await openActionsOver({ ...mail.context, senders: mail.senders, outbox: mail.outbox, mailOptions: mail.options, requests })
  })
  after(async () => {
    await action.stop()
    await mail.close()
    await world.close()
    await place.remove()
  })

  it('lets its mail be found in the mailbox, and says what the server said against it', async () => {
    const credential = await world.credentials.create(
      {
        name: 'robot',
        kind: 'oauth2',
        grant: 'client_credentials',
        username: 'robot@rig.test',
        scopes: ['smtp.send'],
        allowedHosts: ['localhost', '127.0.0.1'],
        registration: {
          name: 'robot',
          provider: 'rig',
          clientId: 'robot-post',
          clientSecret: new Secret(clientSecrets['robot-post']),
          clientAuth: 'client_secret_post',
        },
      },
      tester,
    )
    await mail.senders.create({ name: 'robot', host: 'localhost', port: rig.submission.post, credential: credential.id, from: 'robot@rig.test' }, tester)
    const definition: Definition = {
      request: null,
      email: {
        sender: null,
        credential: credential.id,
        from: null,
        to: ['{{ input.to }}@rig.test'],
        cc: [],
        bcc: [],
        replyTo: null,
        subject: 'Report {{ input.stamp }}',
        text: 'Total: {{ input.total }}',
        html: '<p>{{ input.note }}</p>',
        headers: { 'X-Day': '{{ input.day }}' },
        attachments: [{ filename: '{{ input.day }}.csv', contentType: 'text/csv', content: null, text: 'total\n{{ input.total }}\n' }],
        until: 'sent',
      },
      failure: { anything: true, statuses: [], codes: [] },
      onError: { retries: 0, retryDelaySeconds: 60, report: null, run: null, continueWith: null },
      next: null,
    }
    await action.actions.create({ name: 'report', kind: 'send_email', description: '', paused: false, definition }, tester)
    const stamp = `${process.pid}-${performance.now()}`
    const run = async (to: string) =>
      await action.runs.run('report', { input: { to, stamp, total: 42, note: '<i>', day: 'monday' }, trigger: 'api', wait: true }, tester)
    const done = await run('bob')
    assert.deepEqual([done.outcome, done.result?.message?.status], ['done', 'sent'], JSON.stringify(done.run.problem))
    const text = await waitForMail(rig, 'bob', `Report ${stamp}`)
    assert.match(text, /Total: 42/)
    assert.match(text, /^X-Day: monday/m)
    assert.match(text, /&#60;i&#62;/)
    assert.match(text, /filename=monday\.csv/)
    const refused = await run('nobody')
    assert.deepEqual([refused.outcome, refused.run.problem?.code], ['failed', 'mail_refused'])
  })
})
