import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../base/secret.ts'
import { openCatalogue } from '../providers/catalogue.ts'
import { readCsv } from './csv-file.ts'
import { providerLookup, type Draft } from './import-draft.ts'
import { readImportFile } from './import-file.ts'
import { readIni } from './ini-file.ts'
import { readCredentialTable } from './import-csv.ts'

const lookup = providerLookup(openCatalogue([join(import.meta.dirname, '../../providers')]).list())
const read = (text: string, format: Parameters<typeof readImportFile>[1]['format'] = 'auto') => readImportFile(new Secret(text), { format }, lookup)
const credentialsOf = (drafts: Draft[]) => drafts.filter((draft) => draft.kind === 'credential')
const isDamaged = (place: RegExp) => (error: Error & { code?: string; errors?: { path: string; message: string }[]; nextStep?: string }) => {
  assert.equal(error.code, 'import_invalid')
  assert.match(`${error.message} ${(error.errors ?? []).map((one) => `${one.path} ${one.message}`).join('; ')} ${error.nextStep ?? ''}`, place)
  assert.doesNotMatch(JSON.stringify([error.message, error.errors, error.nextStep]), /CANARY/)
  return true
}

describe('a table of API keys and passwords', () => {
  it('gives back every field that was written by the rules, whatever is in it', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'ä', ';') })
    const quote = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
    fc.assert(
      fc.property(fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 8 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, end, last) => {
        const text = rows.map((row) => row.map(quote).join(',')).join(end) + (last ? end : '')
        assert.deepEqual(
          readCsv(text).map((row) => row.fields),
          rows.map((row) => row.map(String)),
        )
      }),
    )
  })

  it('becomes credentials, with the hosts and tags that it names', async () => {
    const { format, drafts } = await read(
      '\ufeffname,kind,username,secret,description,tags,allowed_hosts\r\n' +
        'crm,api_key,,"CANARY,""1""",Customers,"sales; eu","api.crm.example *.crm.example"\r\n' +
        'old mail,basic,anna,CANARY-2,,,smtp.example.org\r\n' +
        'empty,basic,bob,,,,\r\n',
    )
    assert.equal(format, 'csv')
    const [crm, mail, empty] = credentialsOf(drafts)
    assert.deepEqual(
      [crm!.input.kind, crm!.input.secret?.reveal(), crm!.input.tags, crm!.input.allowedHosts],
      ['api_key', 'CANARY,"1"', ['sales', 'eu'], ['api.crm.example', '*.crm.example']],
    )
    assert.deepEqual([mail!.input.username, mail!.input.secret?.reveal(), mail!.where], ['anna', 'CANARY-2', 'line 3'])
    assert.equal(empty!.input.secret, undefined)
    assert.match(empty!.notes.join(), /no secret/)
  })

  it('is refused with the line where it is damaged', async () => {
    for (const [text, place] of [
      ['name,kind\na,"api_key\n', /line 2 begins a quotation/],
      ['name,kind\na,api"key\n', /line 2 has a quote/],
      ['name,kind\na,"api_key"x\n', /line 2 goes on behind/],
      ['name,kind\n\n\na,api_key,CANARY\n', /line 4 must have as many fields/],
      ['name,kind,password\na,api_key,CANARY\n', /line 1 names a column "password"/],
      ['name,kind,name\na,api_key,b\n', /line 1 names the column "name" twice/],
    ] as const)
      await assert.rejects(read(text), isDamaged(place))
    const [draft] = readCredentialTable('name,kind\nx,oauth2\n')
    assert.equal(draft!.kind, 'refused')
  })
})

describe('sections of names and values', () => {
  it('are read with comments, continued values and either separator', () => {
    const [first, second] = readIni('# top\r\n[a b]\r\nx = 1\r\nLong: one\r\n\ttwo\r\n  ; note\r\n\r\n[c]\ny=\n')
    assert.deepEqual(
      [first!.name, [...first!.values]],
      [
        'a b',
        [
          ['x', '1'],
          ['long', 'one\ntwo'],
        ],
      ],
    )
    assert.deepEqual([second!.line, [...second!.values]], [8, [['y', '']]])
  })

  it('are refused where two programs could read them in two ways', async () => {
    for (const [text, place] of [
      ['[a]\ntype = drive\n[a]\ntype = drive\n', /line 3 is a section that came before/],
      ['[a]\ntype = drive\ntype = s3\n', /line 3 sets a name a second time/],
      ['[a]\ntype = drive\nCANARY\n', /line 3 is neither/],
    ] as const)
      await assert.rejects(read(text), isDamaged(place))
  })
})

describe('the configuration of email-oauth2-proxy', () => {
  const config = `[Email OAuth 2.0 Proxy configuration file]
documentation = words
\tmore words

[Server setup]
[SMTP-1587]
server_address = smtp.office365.com
server_port = 587

[Account setup]
[anna@example.org]
permission_url = https://login.microsoftonline.com/contoso.example/oauth2/v2.0/authorize
token_url = https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token
oauth2_scope = https://outlook.office365.com/SMTP.Send offline_access
redirect_uri = http://localhost
client_id = 1111
client_secret = CANARY-secret
access_token = gAAAAA-CANARY
refresh_token = gAAAAA-CANARY

[bob@example.org]
token_url = https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token
oauth2_scope = https://outlook.office365.com/SMTP.Send offline_access
client_id = 1111
client_secret = CANARY-secret

[robot@example.org]
token_url = https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token
oauth2_scope = https://outlook.office365.com/.default
oauth2_flow = client_credentials
client_id = 2222
client_secret_encrypted = gAAAAA-CANARY

[carl@own.example]
permission_url = https://login.own.example/authorize
token_url = https://login.own.example/token
oauth2_scope = mail
client_id = 3333
client_secret = CANARY-own

[old@gmail.com]
permission_url = https://accounts.google.com/o/oauth2/auth
token_url = https://accounts.google.com/o/oauth2/token
oauth2_scope = https://mail.google.com/
client_id = 4444
client_secret = CANARY-google

[your.email@gmail.com]
token_url = https://oauth2.googleapis.com/token
client_id = *** your client id here ***

[ropc@example.org]
token_url = https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token
oauth2_flow = password
client_id = 5555

[emailproxy]
delete_account_token_on_password_error = False
`

  it('gives accounts with their providers, tenants and scopes, and says that encrypted tokens stay behind', async () => {
    const { format, drafts } = await read(config)
    assert.equal(format, 'email_oauth2_proxy')
    const [anna, bob, robot, carl, old] = credentialsOf(drafts)
    assert.deepEqual(
      [anna!.registration!.provider, anna!.registration!.placeholders, anna!.registration!.clientSecret?.reveal()],
      ['microsoft', { tenant: 'contoso.example' }, 'CANARY-secret'],
    )
    assert.deepEqual(
      [anna!.input.username, anna!.input.scopes, anna!.input.refreshToken],
      ['anna@example.org', ['https://outlook.office365.com/SMTP.Send', 'offline_access'], undefined],
    )
    assert.match(anna!.notes.join(), /cannot be taken over/)
    assert.equal(bob!.registration, anna!.registration, 'accounts of one client share its registration')
    assert.deepEqual(bob!.notes, [])
    assert.deepEqual(
      [robot!.input.grant, robot!.input.options, robot!.registration!.secretLater],
      ['client_credentials', { variant: 'microsoft_compatible' }, true],
    )
    assert.match(robot!.notes.join(), /client secret is encrypted/)
    assert.deepEqual(
      [carl!.registration!.provider, carl!.registration!.placeholders],
      ['generic', { token_endpoint: 'https://login.own.example/token', authorization_endpoint: 'https://login.own.example/authorize' }],
    )
    assert.equal(old!.registration!.provider, 'google')
    const left = drafts.filter((draft) => draft.kind === 'left_out')
    assert.deepEqual(
      left.map((draft) => draft.name),
      ['your.email@gmail.com', 'ropc@example.org'],
    )
    assert.match(left[0]!.notes.join(), /sample/)
  })
})

describe('the configuration of rclone', () => {
  const token = '{"access_token":"CANARY-a","token_type":"Bearer","refresh_token":"CANARY-r","expiry":"2026-01-09T23:08:18+07:00"}'

  it('gives the remotes that have a client of their own, and names why the others stay', async () => {
    const { format, drafts } = await read(`[gd]
type = drive
client_id = 11.apps.googleusercontent.com
client_secret = CANARY-s
scope = drive.readonly,drive.file
token = ${token}

[od]
type = onedrive
client_id = 22
client_secret = CANARY-s
tenant = contoso.example
token = ${token}
drive_id = x

[shared]
type = drive
client_id =
token = ${token}

[disk]
type = s3
access_key_id = CANARY

[broken]
type = drive
client_id = 33
client_secret = CANARY
token = {"access_token":CANARY
`)
    assert.equal(format, 'rclone')
    const [gd, od] = credentialsOf(drafts)
    assert.deepEqual(
      [gd!.input.refreshToken?.reveal(), gd!.input.scopes, gd!.registration!.provider],
      ['CANARY-r', ['https://www.googleapis.com/auth/drive.readonly', 'https://www.googleapis.com/auth/drive.file'], 'google'],
    )
    assert.deepEqual([od!.registration!.provider, od!.registration!.placeholders], ['microsoft', { tenant: 'contoso.example' }])
    const left = drafts.filter((draft) => draft.kind === 'left_out')
    assert.match(left[0]!.notes.join(), /client that rclone shares/)
    assert.match(left[1]!.notes.join(), /does not use OAuth/)
    const broken = drafts.find((draft) => draft.kind === 'refused')
    assert.deepEqual(broken?.errors, [{ path: 'line 25, token', message: 'is not JSON' }])
  })

  it('is refused whole when it is encrypted, and says how it is decrypted', async () => {
    await assert.rejects(read('# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nCANARY==\n'), isDamaged(/rclone config show/))
  })
})

describe('a token file of mutt_oauth2.py', () => {
  const file = {
    registration: 'microsoft',
    authflow: 'devicecode',
    email: 'anna@example.org',
    access_token: 'CANARY-a',
    access_token_expiration: '2026-11-25T10:00:00',
    refresh_token: 'CANARY-r',
    client_id: '1111',
    client_secret: 'CANARY-s',
  }

  it('gives a credential with its refresh token', async () => {
    const { format, drafts } = await read(JSON.stringify(file))
    assert.equal(format, 'mutt_oauth2')
    const [draft] = credentialsOf(drafts)
    assert.deepEqual(
      [draft!.input.name, draft!.input.grant, draft!.input.username, draft!.input.refreshToken?.reveal(), draft!.registration!.clientSecret?.reveal()],
      ['anna@example.org', 'device_code', 'anna@example.org', 'CANARY-r', 'CANARY-s'],
    )
  })

  it('says what to add where the client stands in the program instead', async () => {
    const { client_id: _, client_secret: _2, ...old } = file
    const { drafts } = await read(JSON.stringify(old))
    assert.equal(drafts[0]!.kind, 'refused')
    assert.match(JSON.stringify(drafts[0]), /Add .*client_id/)
  })

  it('is refused while GnuPG still holds it, and says how it is decrypted', async () => {
    await assert.rejects(read('-----BEGIN PGP MESSAGE-----\n\nhQEMA...\n-----END PGP MESSAGE-----\n'), isDamaged(/gpg --decrypt/))
    await assert.rejects(read(Buffer.from([0x85, 0x01, 0x0c, 0x03, 0xff, 0xfe, 0x12]).toString('utf8')), isDamaged(/gpg --decrypt/))
  })
})

describe('a JSON file of Google', () => {
  const client = {
    client_id: '1.apps.googleusercontent.com',
    project_id: 'my-project',
    client_secret: 'CANARY',
    token_uri: 'https://oauth2.googleapis.com/token',
  }

  it('gives a credential in each of its forms', async () => {
    const names = []
    for (const file of [
      { installed: client },
      { web: client },
      { type: 'authorized_user', client_id: '1', client_secret: 'CANARY', refresh_token: 'CANARY-r' },
    ]) {
      const { format, drafts } = await read(JSON.stringify(file))
      assert.equal(format, 'google')
      names.push(credentialsOf(drafts)[0]!.input.name)
    }
    assert.deepEqual(names, ['google my-project', 'google my-project', 'google 1'])
  })

  it('P10: with another token address than those of Google it is refused', async () => {
    for (const token_uri of ['https://oauth2.googleapis.com.evil.example/token', 'http://oauth2.googleapis.com/token', 'x']) {
      const { drafts } = await read(JSON.stringify({ installed: { ...client, token_uri } }))
      assert.equal(drafts[0]!.kind, 'refused', token_uri)
    }
  })

  it('is refused whole without what it needs', async () => {
    await assert.rejects(read(JSON.stringify({ installed: { client_id: '1' } })), isDamaged(/client_secret/))
  })
})

describe('a file of no known kind', () => {
  it('is refused with a list of those that are known, and nothing of it is repeated', async () => {
    for (const text of [
      '',
      'CANARY',
      '{"CANARY":1}',
      '[1, "CANARY"]',
      '{"installed":',
      '{',
      '[section]\nCANARY = 1\n',
      'a,b\nCANARY,2\n',
      '\ufffd\ufffdCANARY',
    ])
      await assert.rejects(read(text), isDamaged(/./), text)
  })

  it('never makes the reader fail in another way, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ maxLength: 400 }), fc.json(), fc.string({ unit: fc.constantFrom('[', ']', '=', '\n', '"', ',', 'a', '{', '}', ':', ' ') })),
        async (text) => {
          await read(text).catch((error: unknown) => assert.equal((error as { code?: string }).code, 'import_invalid'))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('of another kind than was said is refused', async () => {
    await assert.rejects(read('name,kind\na,api_key\n', 'google'), isDamaged(/format csv, not google/))
  })
})
