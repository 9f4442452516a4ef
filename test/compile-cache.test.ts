import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { runCommand } from './service.ts'

const entry = join(import.meta.dirname, '..', 'bin', 'keybearer.js')

describe('where compiled code is kept for the next start', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keybearer-cache-'))
    for (const name of ['home', 'tmp']) mkdirSync(join(folder, name), { mode: 0o700 })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const start = async (environment: Record<string, string> = {}): Promise<void> => {
    const places = { HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp') }
    const { status, stdout } = await runCommand([process.execPath, entry, '--version'], { PATH: process.env.PATH ?? '', ...places, ...environment })
    assert.equal(status, 0)
    assert.match(stdout, /^\d+\.\d+\.\d+/)
    // Anybody may put something into the folder for temporary files.
    assert.deepEqual(readdirSync(join(folder, 'tmp')), [])
  }
  const kept = () => join(folder, 'home', '.cache', 'keybearer')

  it('is a folder of its own that nobody else may enter', async () => {
    await start()
    assert.equal(statSync(kept()).mode & 0o777, 0o700)
    assert.equal(readdirSync(kept()).length, 1)
  })

  it('is where the user keeps what may be lost, if he says where', async () => {
    mkdirSync(join(folder, 'caches'), { mode: 0o755 })
    await start({ XDG_CACHE_HOME: join(folder, 'caches') })
    assert.equal(readdirSync(join(folder, 'caches', 'keybearer')).length, 1)
    assert.equal(existsSync(kept()), false)
  })

  it('is nowhere when others may write there', async () => {
    mkdirSync(kept(), { recursive: true })
    for (const mode of [0o720, 0o702]) {
      chmodSync(kept(), mode)
      await start()
      assert.deepEqual(readdirSync(kept()), [])
    }
  })

  it('is nowhere in a home that others may write to, or that is not there', async () => {
    chmodSync(join(folder, 'home'), 0o777)
    await start()
    assert.deepEqual(readdirSync(join(folder, 'home')), [])
    await start({ HOME: '' })
    await start({ HOME: '/nonexistent', XDG_CACHE_HOME: 'here' })
  })

  it('is nowhere when the folder, or the home, is of another user', { skip: process.getuid?.() !== 0 && 'only root can give a folder away' }, async () => {
    mkdirSync(kept(), { recursive: true, mode: 0o700 })
    chownSync(kept(), 65534, 65534)
    await start()
    assert.deepEqual(readdirSync(kept()), [])
    rmSync(join(folder, 'home', '.cache'), { recursive: true })
    chownSync(join(folder, 'home'), 65534, 65534)
    await start()
    assert.deepEqual(readdirSync(join(folder, 'home')), [])
  })
})
