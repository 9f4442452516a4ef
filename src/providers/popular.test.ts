import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { parseProvider, openCatalogue } from './catalogue.ts'
import { readPopular, withPopular } from './popular.ts'
import { resolveProvider } from './provider-resolve.ts'

const root = join(import.meta.dirname, '..', '..', 'providers')
const file = join(root, 'popular', 'configurations.json')
const folder = mkdtempSync(join(tmpdir(), 'keybearer-popular-'))
after(() => rmSync(folder, { recursive: true }))

describe('the configurations that come with the program', () => {
  const all = readPopular(file)
  const catalogue = openCatalogue([root])

  test('are of providers of the catalogue, and each can be connected in one of its ways', () => {
    assert.ok(all.length >= 30)
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length)
    for (const one of all) {
      const provider = withPopular(catalogue.get(one.provider)!, one)
      parseProvider(JSON.parse(JSON.stringify(provider)), one.id)
      assert.ok(provider.client_auth.length > 0, one.id)
      assert.equal(
        provider.client_auth.every((method) => method === 'none'),
        !one.needs_secret,
        one.id,
      )
      assert.equal(provider.grants.includes('authorization_code'), one.ways.includes('paste'), one.id)
      assert.equal(provider.grants.includes('device_code'), one.ways.includes('device'), one.id)
      assert.equal(one.redirect_uri !== undefined || !one.ways.includes('paste'), true, one.id)
      resolveProvider(provider, one.placeholders, one.client_id)
    }
  })

  test('hold no client secret of anybody', () => {
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /GOCSPX-|"client_secret"|-----BEGIN/)
    for (const one of all)
      assert.deepEqual(
        Object.keys(one).filter((name) => /secret/.test(name)),
        ['needs_secret'],
        one.id,
      )
  })

  test('send nobody to a page of a third party', () => {
    for (const { id, redirect_uri: redirect, provider } of all) {
      if (redirect === undefined) continue
      const { hostname } = new URL(redirect)
      const own = catalogue.get(provider)!.authorization_endpoint!
      assert.ok(['localhost', '127.0.0.1'].includes(hostname) || new URL(own.replaceAll(/\{\w+\}/g, 'x')).hostname === hostname, `${id} ${redirect}`)
    }
  })
})

test('an error is named by its file and its place', () => {
  const cases: [unknown, RegExp][] = [
    ['{', /bad\.json is not JSON/],
    [{ configurations: [{ id: 'x' }] }, /bad\.json: configurations\.0\.app/],
    [{ configurations: [{ ...readPopular(file)[0], client_secret: 'x' }] }, /bad\.json: configurations\.0.*client_secret/],
    [{ configurations: [{ ...readPopular(file)[0], redirect_uri: 'javascript:alert(1)' }] }, /bad\.json: configurations\.0\.redirect_uri/],
  ]
  for (const [content, says] of cases) {
    const path = join(folder, 'bad.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    assert.throws(
      () => readPopular(path),
      (error) => isProblem(error, 'provider_invalid') && says.test(error.message),
      String(says),
    )
  }
})
