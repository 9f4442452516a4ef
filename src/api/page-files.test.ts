import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { readPageFiles } from './page-files.ts'

describe('the files of the web page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-page-'))
  const script = 'console.log("grüße")\n'.repeat(200)
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<meta name="csp-nonce" content="__NONCE__">')
  writeFileSync(join(folder, 'assets', 'index-abcd1234.js'), script)
  writeFileSync(join(folder, 'assets', 'icon.svg'), '<svg/>')
  after(() => rmSync(folder, { recursive: true }))
  const files = readPageFiles(folder)!

  it('come packed for whoever takes gzip, and as they are for whoever does not', () => {
    const path = '/assets/index-abcd1234.js'
    for (const encodings of ['gzip, deflate, br', 'br;q=1.0, gzip;q=0.8', 'gzip']) {
      const packed = files.find(path, '*/*', encodings)!
      assert.equal(packed.headers['content-encoding'], 'gzip', encodings)
      assert.equal(gunzipSync(packed.body).toString(), script)
      assert.ok(packed.body.length < script.length / 10)
    }
    for (const encodings of [undefined, '', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.0, br']) {
      const plain = files.find(path, '*/*', encodings)!
      assert.equal(plain.headers['content-encoding'], undefined, encodings)
      assert.equal(String(plain.body), script)
    }
    assert.equal(files.find(path, '*/*')!.headers.vary, 'accept-encoding')
  })

  it('are kept by browsers for as long as their name says what is in them', () => {
    assert.match(files.find('/assets/index-abcd1234.js', '*/*')!.headers['cache-control']!, /immutable/)
    assert.equal(files.find('/assets/icon.svg', '*/*')!.headers['cache-control'], 'no-cache')
  })

  it('the document is never packed nor kept, has a nonce of its own each time, and allows no inline script', () => {
    const [one, other] = [files.find('/credentials', 'text/html', 'gzip')!, files.find('/credentials', 'text/html', 'gzip')!]
    assert.equal(one.headers['content-encoding'], undefined)
    assert.equal(one.headers['cache-control'], 'no-store')
    const nonce = /content="([^"]+)"/.exec(String(one.body))![1]!
    assert.ok(one.headers['content-security-policy']!.includes(`'nonce-${nonce}'`))
    assert.match(one.headers['content-security-policy']!, /script-src 'self';/)
    assert.notEqual(one.body, other.body)
  })

  it('no address of the API gives the document, whatever is accepted', () => {
    for (const path of ['/v1/credentials', '/oauth/callback', '/assets/gone-12345678.js', '/metrics']) assert.equal(files.find(path, 'text/html'), null, path)
  })
})
