import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { makeMailBed, somebody, until } from '../../test/mail-world.ts'
import { makeNoticeNode } from '../../test/notice-world.ts'
import { databases } from '../../test/world.ts'
import { runNoticeCommand } from './notice-command.ts'

function program(t: TestContext, text: string, name = 'tell me "now"; $(x)'): { file: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-command-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\ncd '${folder}'\n${text}\n`)
  chmodSync(file, 0o700)
  return { file, folder }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A zombie that nobody has waited for yet is dead.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('the program that the settings name', () => {
  it('A9, K12: gets the notice on its standard input, no arguments, no shell and nothing of the environment', async (t) => {
    process.env.KEYBEARER_TEST_CANARY = 'CANARY'
    t.after(() => delete process.env.KEYBEARER_TEST_CANARY)
    const { file, folder } = program(t, 'cat > got; echo "$#" > count; env > environment; pwd -P > /dev/null')
    const body = JSON.stringify({ text: '$(touch /tmp/no) `id` "; rm -rf / #\n' })
    assert.deepEqual(await runNoticeCommand(file, body), { ok: true })
    assert.equal(readFileSync(join(folder, 'got'), 'utf8'), body)
    assert.equal(readFileSync(join(folder, 'count'), 'utf8').trim(), '0')
    const environment = readFileSync(join(folder, 'environment'), 'utf8')
    assert.doesNotMatch(environment, /CANARY|KEYBEARER/)
    assert.deepEqual(
      environment
        .split('\n')
        .map((one) => one.split('=')[0])
        .filter((one) => ['', 'PWD', 'OLDPWD', 'SHLVL', '_', 'LANG', 'PATH'].every((known) => known !== one)),
      [],
    )
  })

  it('that fails, does not read, or is not there, says so', async (t) => {
    const failing = await runNoticeCommand(program(t, 'echo "no network" >&2; exit 3').file, '{}')
    assert.ok(!failing.ok && failing.message === 'It ended with 3. It said: no network')
    assert.deepEqual(await runNoticeCommand(program(t, 'exit 0').file, 'x'.repeat(1_000_000)), { ok: true })
    const missing = await runNoticeCommand('/nowhere/at/all', '{}')
    assert.ok(!missing.ok && /cannot be started \(ENOENT\)/.test(missing.message))
    const loud = await runNoticeCommand(program(t, 'yes "loud" | head -c 1000000 >&2; exit 1').file, '{}')
    assert.ok(!loud.ok && loud.message.length < 600)
  })

  it('is ended with all that it started when the service stops', async (t) => {
    const { file, folder } = program(t, 'sleep 1000 & echo "$!" > child; wait')
    const stop = new AbortController()
    const running = runNoticeCommand(file, '{}', stop.signal)
    await until('it runs', () => existsSync(join(folder, 'child')) && readFileSync(join(folder, 'child'), 'utf8').trim() !== '')
    stop.abort()
    const outcome = await running
    assert.ok(!outcome.ok && /The service stops/.test(outcome.message))
    const pid = Number(readFileSync(join(folder, 'child'), 'utf8'))
    await until('its child is gone', () => !isAlive(pid))
  })
})

for (const kind of databases) {
  describe(`notices to a program, on ${kind}`, () => {
    it('are told once, and again when it failed; nobody else has to be told for that', async (t) => {
      const bed = await makeMailBed(t, { kind, start: false })
      // The first time it fails.
      const { file, folder } = program(t, 'cat >> got; echo >> got; [ -e twice ] || { touch twice; exit 1; }')
      const node = makeNoticeNode(bed, { command: file })
      t.after(() => node.stop())
      await node.notices.look()
      bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_client' } })
      await assert.rejects(bed.world.credentials.refresh(await bed.token('work-mail'), somebody))
      await node.notices.look()
      await node.notices.look()
      await node.jobs.start()
      const { db } = bed.context
      await until('the first try', async () => (await db.selectFrom('jobs').select('attempts').execute())[0]?.attempts === 1)
      await db.updateTable('jobs').set({ due_at: 0 }).execute()
      await until('the second try', async () => (await db.selectFrom('jobs').select('id').execute()).length === 0)
      const got = readFileSync(join(folder, 'got'), 'utf8').trim().split('\n')
      assert.equal(got.length, 2)
      assert.equal(got[0], got[1])
      const { type, data } = JSON.parse(got[0]!) as { type: string; data: { notices: { about: { name: string } }[] } }
      assert.deepEqual([type, data.notices.map((one) => one.about.name)], ['credential.broken', ['work-mail']])
    })
  })
}
