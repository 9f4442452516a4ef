import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { shellWord } from './shell-word.ts'

test('a name stays one word in a shell, whatever is in it', () => {
  for (const name of ['work-mail', 'night mail', "Anna's", '$(id)', 'a;b', '`id`', '"', '\\', '*', 'Übergabe', "'", '--help', '#1']) {
    assert.equal(execFileSync('sh', ['-c', `printf '%s|' ${shellWord(name)}`], { encoding: 'utf8' }), `${name}|`)
  }
  assert.equal(shellWord('work-mail'), 'work-mail')
})
