import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { isProblem } from '../base/problem.ts'
import { fillIn, openDiagnoses, parseDiagnoses } from './diagnoses.ts'
import { surfaces, type Surface } from '../base/diagnosis.ts'
import { diagnosisFileSchema, diagnosisValues } from './diagnosis-schema.ts'

const root = join(import.meta.dirname, '..', '..')
const shipped = join(root, 'providers', 'diagnoses')
const diagnoses = openDiagnoses(shipped)

type Known = { id: string; provider: string; surface: Surface; text: string }
type Found = { id: string | null; text: string }
const known = JSON.parse(readFileSync(join(root, 'test', 'failures', 'known.json'), 'utf8')) as Known[]
const found = JSON.parse(readFileSync(join(root, 'test', 'failures', 'found.json'), 'utf8')) as Found[]

describe('texts of failures', () => {
  test('each of the collected ones is recognized where it was met', () => {
    assert.ok(known.length >= 330)
    const wrong = known.filter((one) => diagnoses.classify(one.text, one) !== one.id)
    assert.deepEqual(
      wrong.map((one) => `${one.id}: ${one.text}`),
      [],
    )
  })

  test('nearly all are recognized when only the provider is known, and none is taken for something of another provider', () => {
    const wrong = known.filter((one) => diagnoses.classify(one.text, { provider: one.provider }) !== one.id)
    assert.ok(wrong.length <= known.length * 0.03, wrong.map((one) => `${one.id}: ${one.text}`).join('\n'))
    const files = readdirSync(shipped)
      .filter((name) => name !== 'schema.json')
      .map(parseFile)
    const own = new Map(files.flatMap((file) => file.diagnoses.map((one) => [one.id, file.provider] as const)))
    for (const one of known) {
      const id = diagnoses.classify(one.text)
      if (id !== null) assert.ok(['any', one.provider].includes(own.get(id)!) || one.provider === 'any', `${one.text} is no ${id}`)
    }
  })

  test('those that people ask about in public are recognized, or nothing is said', () => {
    assert.ok(found.length >= 60)
    assert.ok(found.filter((one) => one.id === null).length >= 5)
    assert.deepEqual(
      found.map((one) => ({ id: diagnoses.classify(one.text), text: one.text })),
      found,
    )
  })

  test('a number of Microsoft is recognized whole, and the first of several is the reason', () => {
    assert.equal(diagnoses.classify('AADSTS500113: No reply address'), 'ms_aadsts500113')
    assert.equal(diagnoses.classify('AADSTS50011: The redirect URI'), 'ms_aadsts50011')
    assert.equal(diagnoses.classify('AADSTS5001199: Something new'), 'ms_aadsts_any')
    assert.equal(diagnoses.classify('AADSTS7000215: Invalid client secret. See also AADSTS7000222.'), 'ms_aadsts7000215')
    assert.equal(diagnoses.classify('{"error":"invalid_grant","error_codes":[ 50173 ]}', { provider: 'microsoft' }), 'ms_aadsts50173')
  })

  test('a variant of a provider is the same provider', () => {
    assert.equal(diagnoses.classify('535 5.7.3 Authentication unsuccessful', { provider: 'microsoft-gcc-high' }), 'exo_5357_3')
    assert.equal(diagnoses.classify('535 5.7.3 Authentication unsuccessful', { provider: 'microsoftish' }), 'smtp_535')
  })

  test('a surface that does not fit excludes', () => {
    assert.equal(diagnoses.classify('{"error":"invalid_grant"}', { surface: 'smtp_auth' }), null)
  })

  test('a page, an address and a terminal are read through', () => {
    const text = 'AADSTS50011: The redirect URI'
    for (const dressed of [
      `<html><body><p>Sorry</p><div id="x">AADSTS<b></b></div><p>${text}</p></body></html>`,
      `\u001b[31m\u001b[1m${text}\u001b[0m`,
      `?error=invalid_request&error_description=${encodeURIComponent(text)}`,
      JSON.stringify({ error: 'invalid_client', error_description: text.replace('The', '\u0007The') }),
      `"error_description":"${text.replaceAll("'", '\\u0027')}"`,
    ])
      assert.equal(diagnoses.classify(dressed), 'ms_aadsts50011', dressed)
    assert.equal(diagnoses.classify('Google hasn\u2019t   verified\nthis app'), 'google_unverified_warning')
    assert.equal(diagnoses.classify('Google hasn&#39;t verified this app'), 'google_unverified_warning')
  })
})

const parseFile = (name: string) => parseDiagnoses(readFileSync(join(shipped, name), 'utf8'), name)

describe('the diagnoses that come with the program', () => {
  test('each says what it means, why, what to do, who, and where that is written', () => {
    const ids = diagnoses.list().map((one) => one.id)
    assert.ok(ids.length >= 286)
    assert.equal(new Set(ids).size, ids.length)
    for (const one of diagnoses.list()) {
      if (one.action === 'retry' || one.action === 'rate_limit') assert.equal(one.who, 'nobody', one.id)
      if (one.action === 'reauthorize') assert.equal(one.who, 'owner', one.id)
      if (one.action === 'admin') assert.equal(one.who, 'admin', one.id)
      for (const text of [one.title, one.meaning, ...one.causes, ...one.fix]) assert.doesNotMatch(text, /@[RW]\b|@APP|undefined|  /, one.id)
    }
  })

  test('every command in a step is one that exists', async () => {
    const { makeProgram } = await import('../cli/program.ts')
    const names = new Map(makeProgram().commands.map((command) => [command.name(), command]))
    for (const one of diagnoses.list()) {
      for (const [, words] of one.fix.join('\n').matchAll(/keybearer ([a-z]+(?: [a-z]+)?)/g)) {
        const [first, second] = words!.split(' ')
        const command = names.get(first!)
        assert.ok(command, `${one.id}: keybearer ${words}`)
        if (second !== undefined && command.commands.length > 0)
          assert.ok(
            command.commands.some((inner) => inner.name() === second),
            `${one.id}: keybearer ${words}`,
          )
      }
    }
  })

  test('the schema beside the files is the one of the code', () => {
    const { $comment: _, ...written } = JSON.parse(readFileSync(join(shipped, 'schema.json'), 'utf8')) as Record<string, unknown>
    assert.deepEqual(written, JSON.parse(JSON.stringify(z.toJSONSchema(diagnosisFileSchema, { io: 'input' }))), 'run "npm run generate"')
  })

  test('they are read when the first text comes, not before', () => {
    const folder = mkdtempSync(join(tmpdir(), 'keybearer-diagnoses-'))
    after(() => rmSync(folder, { recursive: true }))
    const opened = openDiagnoses(folder)
    writeFileSync(join(folder, 'x.json'), '{')
    assert.throws(
      () => opened.classify('x'),
      (error) => isProblem(error, 'provider_invalid') && /x\.json is not JSON/.test(error.message),
    )
  })

  test('a file with errors is named with the place and what is wrong', () => {
    const entry = { ...diagnoses.list()[0]! }
    const cases: [unknown, RegExp][] = [
      [{ provider: 'any', diagnoses: [] }, /x\.json.*diagnoses/],
      [{ provider: 'any', diagnoses: [{ ...entry, match: [{}] }] }, /diagnoses\.0\.match\.0/],
      [{ provider: 'any', diagnoses: [{ ...entry, match: [{ regex: 'a+' }] }] }, /diagnoses\.0\.match\.0/],
      [{ provider: 'any', diagnoses: [{ ...entry, fix: ['Enter {passwort} there'] }] }, /diagnoses\.0\.fix\.0.*may name in braces/],
      [{ provider: 'any', diagnoses: [{ ...entry, source: 'http://x.example' }] }, /diagnoses\.0\.source/],
      [{ provider: 'any', diagnoses: [{ ...entry, who: 'somebody' }] }, /diagnoses\.0\.who/],
    ]
    for (const [content, says] of cases)
      assert.throws(
        () => parseDiagnoses(JSON.stringify(content), 'x.json'),
        (error) => isProblem(error, 'provider_invalid') && says.test(error.message),
        String(says),
      )
  })
})

describe('values of a credential', () => {
  test('stand in the steps', () => {
    const values = { tenant: 'contoso.onmicrosoft.com', client_id: '11111111-2222-3333-4444-555555555555', mailbox: 'office@contoso.com', credential: 'office' }
    const { fix } = diagnoses.describe('exo_smtp_auth_tenant', values)!
    assert.ok(
      fix.some((step) => step.includes('Set-CASMailbox -Identity office@contoso.com -SmtpClientAuthenticationDisabled $false')),
      fix.join('\n'),
    )
    assert.ok(fix.some((step) => step.includes('keybearer doctor office')))
    assert.ok(
      diagnoses.describe('ms_aadsts90094', values)!.fix[0]!.includes('/contoso.onmicrosoft.com/adminconsent?client_id=11111111-2222-3333-4444-555555555555'),
    )
    assert.equal(diagnoses.describe('no_such_diagnosis'), null)
  })

  test('that are not known, or could do harm in a terminal, stay names', () => {
    assert.equal(fillIn('Set-CASMailbox -Identity {mailbox} -X', {}), 'Set-CASMailbox -Identity <mailbox> -X')
    for (const evil of ['a@b.c; rm -rf /', 'a@b.c`id`', '$(id)@b.c', '"a@b.c"', "a'@b.c", '-Force@b.c -x', 'a@b.c\nx', '<b>@x'])
      for (const name of diagnosisValues) {
        const filled = fillIn(`x {${name}} y`, { [name]: evil })
        if (name !== 'scopes') assert.match(filled, /^x <[a-zA-Z ]+> y$/, `${name}: ${filled}`)
        else assert.doesNotMatch(filled, /[;`$"'<\n]{1}.*(?:rm|id)/)
      }
    assert.equal(fillIn('keybearer connect {credential}', { credential: '--help' }), 'keybearer connect <name>')
    assert.equal(fillIn('keybearer connect {credential}', { credential: 'mail of Anna' }), "keybearer connect 'mail of Anna'")
  })
})

describe('text from outside', () => {
  const nasty: Record<string, string> = {
    'one letter': 'a'.repeat(1_000_000),
    'words of an error': 'error=error="error:'.repeat(60_000),
    brackets: '<'.repeat(1_000_000),
    'tags without an end': '<html><a '.repeat(120_000),
    'percent signs': `error=${'%'.repeat(1_000_000)}`,
    'numbers of Microsoft': 'AADSTS'.repeat(170_000),
    'lists of numbers': 'error_codes:['.repeat(80_000),
    'reply codes': '535 5.7.'.repeat(130_000),
    points: '5.7'.repeat(330_000),
    base64: 'eyJzdGF0dX'.repeat(100_000),
    'escapes of a terminal': '\u001b['.repeat(500_000),
    'titles of a terminal': '\u001b]0;'.repeat(250_000),
    blanks: ' '.repeat(1_000_000),
    underscores: 'a_'.repeat(500_000),
    entities: '&quot'.repeat(200_000),
    backslashes: '\\'.repeat(1_000_000),
    'pieces of phrases': 'does not support does not advertise EPROTO ETIMEOUT '.repeat(20_000),
    status: 'status status code http/ http error '.repeat(30_000),
  }

  test('P11: no text of a megabyte takes long, whatever is in it', () => {
    diagnoses.classify('warm')
    for (const [title, text] of Object.entries(nasty)) {
      for (const provider of [undefined, 'microsoft', 'google']) {
        const before = process.hrtime.bigint()
        diagnoses.classify(text, provider === undefined ? {} : { provider })
        const took = Number(process.hrtime.bigint() - before) / 1e6
        assert.ok(took < 200, `${title} took ${took} ms`)
      }
    }
  })

  test('P11: the data holds phrases to search for and no expression', () => {
    for (const one of diagnoses.list()) {
      for (const condition of one.match)
        assert.ok(
          Object.keys(condition).every((key) => ['text', 'begin', 'error', 'aadsts', 'reply', 'status', 'html', 'common'].includes(key)),
          one.id,
        )
    }
  })

  test('P12: any text at all gives one of the known answers and never a part of itself', () => {
    const ids = new Set(diagnoses.list().map((one) => one.id))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.json()), fc.constantFrom(undefined, ...surfaces), (text, surface) => {
        const id = diagnoses.classify(text, surface === undefined ? {} : { surface })
        assert.ok(id === null || ids.has(id))
      }),
    )
    const secret = 'GOCSPX-1234567890abcdefghij'
    const id = diagnoses.classify(`invalid_client: The OAuth client was not found. client_secret=${secret} <script>alert(1)</script>`)
    assert.equal(id, 'google_auth_invalid_client')
    assert.doesNotMatch(JSON.stringify(diagnoses.describe(id)), /GOCSPX|script/)
  })
})
