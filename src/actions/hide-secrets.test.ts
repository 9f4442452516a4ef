import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../base/secret.ts'
import { hiderOf } from './hide-secrets.ts'

const value = 'ab+c/d=e f&<"é☃𝄞~x-yz'
const hider = hiderOf([new Secret(value)])
const jsonForms = [
  JSON.stringify(value).slice(1, -1),
  JSON.stringify(value).slice(1, -1).replaceAll('/', '\\/'),
  value.replace(/[^a-z]/gu, (c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')),
  value.replace(/[^a-z]/gu, (c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0').toUpperCase()}`).join('')),
]
const webForms = [
  encodeURIComponent(value),
  encodeURIComponent(value).toLowerCase(),
  new URLSearchParams({ a: value }).toString().slice(2),
  value.replace(/[^a-z]/gu, (c) => `&#${c.codePointAt(0)};`),
  value.replace(/[^a-z]/gu, (c) => `&#x${c.codePointAt(0)!.toString(16)};`),
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;'),
]

test('a secret is taken out in every form in which a server may write it back', () => {
  for (const form of [value, ...jsonForms, ...webForms]) assert.equal(hider.hideText(`before ${form} after`), 'before [secret] after', form)
})

test('a secret within base64 is taken out, wherever it begins', () => {
  const secret = 'a-token-that-is-long-enough'
  const one = hiderOf([new Secret(secret)])
  for (const before of ['', 'a', 'ab', 'abc', 'Bearer ']) {
    for (const encoding of ['base64', 'base64url'] as const) {
      const shown = one.hideText(Buffer.from(`${before}${secret}:more`).toString(encoding))
      assert.match(shown, /\[secret\]/, before)
      // What is left of it holds at most its first and last characters.
      for (const rest of shown.split('[secret]')) assert.ok(!Buffer.from(rest, 'base64').toString('latin1').includes('token'), shown)
    }
  }
})

test('a secret at the limit is taken out whole, and what lies behind the limit stays away', () => {
  const one = hiderOf([new Secret('0123456789')])
  assert.equal(one.hide(Buffer.from('ab0123456789cd'), 5).toString(), 'ab[secret]')
  assert.equal(one.hide(Buffer.from('ab0123456789cd'), 2).toString(), 'ab')
  assert.equal(one.hide(Buffer.from('ab0123456789cd'), 13).toString(), 'ab[secret]c')
  const many = Buffer.from('0123456789'.repeat(100))
  for (let limit = 1; limit < 60; limit++) assert.doesNotMatch(one.hide(many.subarray(0, limit + one.longest), limit).toString(), /\d/)
})

test('the longest token is taken out, and takes no long time', () => {
  const token = randomBytes(48_000).toString('base64')
  const body = Buffer.concat([Buffer.from('{"token":"'), Buffer.from(token.replaceAll('/', '\\/')), Buffer.from(`","as":"${encodeURIComponent(token)}"}`)])
  assert.equal(
    hiderOf([new Secret(token)])
      .hide(body)
      .toString(),
    '{"token":"[secret]","as":"[secret]"}',
  )
})

test('bytes without a secret come back as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.deepEqual(new Uint8Array(hider.hide(bytes)), new Uint8Array(bytes))
    }),
  )
})

test('one secret that begins like another is taken out whole', () => {
  const both = hiderOf([new Secret('token-1'), new Secret('token-1-and-more')])
  assert.equal(both.hideText('token-1-and-more token-1'), '[secret] [secret]')
})
