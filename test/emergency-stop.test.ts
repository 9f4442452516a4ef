import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeService, type TestService } from './service.ts'

describe('an emergency stop from the command line', () => {
  let service: TestService
  before(async () => {
    service = await makeService()
    await service.start()
    writeFileSync(join(service.folder, 'secret'), 'a-secret\n')
    for (const [name, tag] of [
      ['crm', 'sales'],
      ['shop', 'sales'],
      ['weather', 'home'],
    ] as const)
      await service.get('add', name, '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'), '--host', '127.0.0.1', '--tag', tag)
  })
  after(() => service.remove())

  it('asks for what is meant, and for a yes', async () => {
    const nothing = await service.cli(['emergency-stop', 'begin', '--yes'])
    assert.deepEqual([nothing.status, nothing.stdout], [2, ''])
    assert.match(nothing.stderr, /Name what is to be stopped, or --everything/)
    const unasked = await service.cli(['emergency-stop', 'begin', '--tag', 'sales'])
    assert.match(unasked.stderr, /needs --yes where nobody can be asked/)
    const word = await service.cli(['emergency-stop', 'begin', '--status', 'redy', '--yes'])
    assert.equal(word.status, 2)
    assert.match(word.stderr, /status: must be one of incomplete, ready/)
    assert.equal((await service.get('emergency-stop', 'list')).trim().split('\n').length, 1, 'nothing was begun')
  })

  it('stops what fits and nothing else, says what is left for a person, and undoes it', async () => {
    const begun = await service.cli(['emergency-stop', 'begin', '--tag', 'sales', '--revoke', '--reason', 'Stolen laptop', '--yes'])
    assert.equal(begun.status, 0, begun.stderr)
    assert.match(begun.stderr, /^2 credentials switched off: no token of them is handed out any more\.\n/)
    assert.match(begun.stdout, /^crm: An API key stays valid at its server.*\nshop: .*\n2 credentials stopped: 2 left for a person\.\n$/)
    const id = /emergency-stop show (\S+)/.exec(begun.stderr)![1]!
    const refused = await service.cli(['token', 'crm'])
    assert.notEqual(refused.status, 0)
    assert.equal(await service.get('token', 'weather'), 'a-secret\n')
    assert.match(await service.get('emergency-stop', 'list'), new RegExp(`${id} .* 2 +2 credentials stopped: 2 left for a person\\. +Stolen laptop`))
    assert.match(await service.get('emergency-stop', 'show', id), /crm +not revoked +An API key stays valid/)
    const shown = JSON.parse(await service.get('emergency-stop', 'show', id, '--json')) as { match: object; done: boolean; credentials: unknown[] }
    assert.deepEqual([shown.match, shown.done, shown.credentials.length], [{ tag: 'sales' }, true, 2])
    assert.equal(await service.get('emergency-stop', 'undo', id), '2 credentials switched on again.\n')
    assert.equal(await service.get('token', 'crm'), 'a-secret\n')
  })

  it('refuses to stop everything unless that is said', async () => {
    const key = (await service.get('key', 'create', 'robot', '--administer', 'manage')).trim()
    const answer = await fetch(`${service.url}/v1/emergency-stops`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ match: {}, revoke: false }),
    })
    assert.equal(answer.status, 400)
    assert.match(await answer.text(), /every credential would be stopped/)
    const all = await service.cli(['emergency-stop', 'begin', '--everything', '--yes'])
    assert.equal(all.stdout, '3 credentials stopped.\n')
  })
})
