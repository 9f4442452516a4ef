import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { checkBrowserUrl } from './urls.ts'

test('https addresses and http on loopback may be opened', () => {
  for (const url of [
    'https://as.example/device',
    'https://as.example/device?user_code=ABCD-1234',
    'http://localhost:8080/device',
    'http://127.0.0.1:8080/',
    'http://[::1]:8080/',
  ]) {
    assert.equal(checkBrowserUrl(url), url)
  }
})

test('N7: no other address of a provider may be opened, and nothing in it reaches a shell', () => {
  const refused = [
    'http://as.example/device',
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil.example/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,x',
    'ftp://as.example',
    'vscode://x',
    'ms-msdt:/id',
    'smb://as.example/x',
    '\\\\as.example\\share',
    '//as.example/x',
    '/device',
    'as.example/device',
    '',
    'https://user@as.example/',
    'https://user:pass@as.example/',
    'https://as.example/$(id)',
    "https://as.example/';id;'",
    'https://as.example/?a=$HOME',
    'https://as.example/|id',
    'https://',
    'https://as example/',
  ]
  for (const url of refused)
    assert.throws(
      () => checkBrowserUrl(url),
      (error) => isProblem(error, 'discovery_failed'),
      url,
    )
})

test('N7: what comes through holds no character that a shell or a terminal would act on', () => {
  for (const url of [
    'https://as.example/"x"',
    'https://as.example/`id`',
    'https://as.example/a b',
    'https://as.example/\u001b[2J',
    'https://as.example/a\nb',
    'https://as.example/<x>',
    'https://as.example/ä',
  ]) {
    let passed: string
    try {
      passed = checkBrowserUrl(url)
    } catch (error) {
      assert.ok(isProblem(error, 'discovery_failed'))
      continue
    }
    assert.match(passed, /^[\w:/.%?&=~,;@!()*+[\]#-]+$/, url)
  }
})
