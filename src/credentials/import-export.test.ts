import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../base/secret.ts'
import { decryptWithPassphrase, encryptWithPassphrase } from '../crypto/passphrase-file.ts'
import { databases, makePlace, openWorld, tester, type Place, type World } from '../../test/world.ts'
import { Exporter } from './export-credentials.ts'
import { Importer, type ImportOrder, type ImportResult } from './import-credentials.ts'
import type { PortableFile } from './portable-file.ts'
import { Registrations } from './registrations.ts'
import type { CredentialView, NewCredential } from './types.ts'

const passphrase = new Secret('correct horse battery staple')
const work = 2
const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

/** One installation of Keybearer. */
type Side = { place: Place; world: World; exporter: Exporter; importer: Importer }

async function openSide(database: 'sqlite' | 'postgres'): Promise<Side> {
  const place = await makePlace(database)
  const world = await openWorld(place)
  return { place, world, exporter: new Exporter(world.context, work), importer: new Importer(world.context, world.registrations) }
}

async function closeSide({ world, place }: Side): Promise<void> {
  await world.close()
  await place.remove()
}

for (const database of databases) {
  describe(`export and import on ${database}`, () => {
    let from: Side
    let to: Side
    before(async () => {
      from = await openSide(database)
      to = await openSide(database)
    })
    after(async () => {
      await closeSide(from)
      await closeSide(to)
    })
    beforeEach(async () => {
      for (const { world } of [from, to]) {
        for (const table of ['credentials', 'registrations', 'providers', 'data_keys'] as const) {
          const rows = table === 'data_keys' ? world.context.db.deleteFrom(table).where('owner', '!=', 'audit') : world.context.db.deleteFrom(table)
          await rows.execute()
        }
      }
    })

    const make = async (input: Partial<NewCredential> & { name: string }, world = from.world) =>
      await world.credentials.create({ kind: 'api_key', secret: new Secret(`CANARY-${input.name}`), allowedHosts: ['api.example'], ...input }, tester)
    const makeOauth = async (name: string, further: Partial<NewCredential> = {}, world = from.world) =>
      await world.credentials.create(
        {
          name,
          kind: 'oauth2',
          grant: 'authorization_code',
          username: 'anna@example.org',
          scopes: ['openid'],
          refreshToken: new Secret('CANARY-refresh'),
          registration: { name: `${name} client`, provider: 'google', clientId: 'client-1', clientSecret: new Secret('CANARY-client') },
          ...further,
        },
        tester,
      )
    const exported = async (secrets: 'none' | 'encrypted', side = from) =>
      (await side.exporter.export(await side.exporter.idsOf(undefined), { secrets, ...(secrets === 'none' ? {} : { passphrase }) }, tester)).content
    const imports = async (content: string, order: Partial<ImportOrder> = {}, limits = {}): Promise<ImportResult> =>
      await to.importer.run({ content: new Secret(content), passphrase, onClash: 'skip', format: 'auto', dryRun: false, ...order }, tester, limits)
    const everything = async ({ world }: Side) => {
      const { db } = world.context
      const [credentials, registrations, providers] = await Promise.all(
        (['credentials', 'registrations', 'providers'] as const).map((table) => db.selectFrom(table).selectAll().orderBy('id').execute()),
      )
      return JSON.stringify([credentials, registrations, providers])
    }
    /** Decrypts an export, changes it, and encrypts it again as a person with the passphrase could. */
    const edited = async (content: string, change: (file: PortableFile) => void) => {
      const file = JSON.parse(await decryptWithPassphrase(content, passphrase)) as PortableFile
      change(file)
      return await encryptWithPassphrase(JSON.stringify(file), passphrase, work)
    }

    it('P10: an export holds no secret in the clear, with and without secrets', async () => {
      await make({ name: 'key' })
      await make({ name: 'basic', kind: 'basic', username: 'anna' })
      await makeOauth('mail')
      const signed = { name: 'signed', provider: 'microsoft', clientId: 'c', privateKey: new Secret(privateKey), placeholders: { tenant: 'contoso.example' } }
      await from.world.credentials.create({ name: 'signed', kind: 'oauth2', grant: 'client_credentials', registration: signed }, tester)
      const plain = await exported('none')
      const sealed = await exported('encrypted')
      for (const content of [plain, sealed]) {
        for (const canary of ['CANARY', Buffer.from('CANARY').toString('base64').slice(0, 8), privateKey.split('\n')[1]!]) assert.ok(!content.includes(canary))
      }
      assert.match(plain, /"secrets": "none"/)
      assert.match(await decryptWithPassphrase(sealed, passphrase), /CANARY-refresh/, 'encrypted they are there')
      const { items } = await from.world.context.audit.list({ action: 'credential.exported' })
      assert.equal(items.length, 8, 'every credential has a record of each')
      await assert.rejects(from.exporter.export([], { secrets: 'encrypted', passphrase: new Secret('short') }, tester), { code: 'invalid_request' })
      await assert.rejects(from.exporter.export([], { secrets: 'encrypted' }, tester), { code: 'invalid_request' })
    })

    it('P10: an encrypted export in which anything was changed is refused as a whole', async () => {
      await make({ name: 'one' })
      await make({ name: 'two' })
      const content = await exported('encrypted')
      const before = await everything(to)
      const lines = content.split('\n')
      for (const at of [1, Math.floor(lines.length / 2), lines.length - 3]) {
        const changed = [...lines]
        changed[at] = changed[at]!.replace(/[A-Za-z]/, (sign) => (sign === 'A' ? 'B' : 'A'))
        await assert.rejects(imports(changed.join('\n')), (error: { code?: string }) => error.code === 'import_invalid' || error.code === 'import_passphrase')
      }
      await assert.rejects(imports(lines.slice(0, -3).join('\n')), { code: 'import_invalid' })
      await assert.rejects(imports(content, { passphrase: new Secret('another passphrase') }), { code: 'import_passphrase' })
      const { passphrase: _, ...without } = { content: new Secret(content), passphrase, onClash: 'skip' as const, format: 'auto' as const, dryRun: false }
      await assert.rejects(to.importer.run(without, tester), { code: 'import_passphrase' })
      assert.equal(await everything(to), before, 'nothing was written')
    })

    it('P10: an unencrypted file that holds a secret, names an owner, a status or anything else that nobody may set, is refused as a whole', async () => {
      await make({ name: 'one' })
      const plain = JSON.parse(await exported('none')) as PortableFile
      const before = await everything(to)
      const changes: [string, (file: Record<string, never> & PortableFile) => void][] = [
        ['credentials.0', (file) => (file.credentials[0]!.secret = 'CANARY')],
        ['secrets', (file) => (file.secrets = 'included')],
        ['credentials.0.owner', (file) => Object.assign(file.credentials[0]!, { owner: 'mallory' })],
        ['credentials.0.id', (file) => Object.assign(file.credentials[0]!, { id: 'cred_01kcw3x8000000000000000000' })],
        ['credentials.0.status', (file) => Object.assign(file.credentials[0]!, { status: 'ready' })],
        ['credentials.0.revision', (file) => Object.assign(file.credentials[0]!, { revision: 7 })],
        ['(top).admin', (file) => Object.assign(file, { admin: true })],
        ['credentials.0.options.is_admin', (file) => (file.credentials[0]!.options = { is_admin: true } as never)],
        ['credentials.0.registration', (file) => (file.credentials[0]!.registration = 'of somebody else')],
        ['credentials.0.kind', (file) => (file.credentials[0]!.kind = 'root' as never)],
        ['version', (file) => (file.version = 'x' as never)],
      ]
      for (const [path, change] of changes) {
        const file = structuredClone(plain) as never
        change(file)
        await assert.rejects(imports(JSON.stringify(file)), (error: { code?: string; errors?: { path: string }[] }) => {
          assert.equal(error.code, 'import_invalid', path)
          assert.ok(
            error.errors!.some((one) => one.path === path),
            `${path}: ${JSON.stringify(error.errors)}`,
          )
          return true
        })
      }
      await assert.rejects(imports(JSON.stringify(plain).replace('"tags":', '"__proto__":{"x":1},"tags":')), { code: 'import_invalid' })
      await assert.rejects(imports(JSON.stringify({ ...plain, version: 2 })), /version 2/)
      assert.equal(await everything(to), before)
      const { items } = await to.world.context.audit.list({ action: 'credential.imported', outcome: 'refused' })
      assert.ok(items.length >= changes.length, 'every refusal is in the trail')
    })

    it('P10: one item that could not be typed like this keeps all others out, in a dry run and for real', async () => {
      await make({ name: 'good' })
      await makeOauth('mail')
      const content = await exported('encrypted')
      const before = await everything(to)
      const changes: [RegExp, (file: PortableFile) => void][] = [
        [/allowed_hosts\[0\]/, (file) => (file.credentials[0]!.allowed_hosts = ['*'])],
        [/allowed_hosts\[0\]/, (file) => (file.credentials[0]!.allowed_hosts = ['https://evil.example/'])],
        [/is not one of|no placeholders/, (file) => (file.registrations[0]!.placeholders = { token_endpoint: 'https://evil.example/token' })],
        [/placeholders/, (file) => (file.credentials[1]!.options = { placeholders: { host: 'evil.example' } })],
        [/no provider/, (file) => (file.registrations[0]!.provider = 'evil')],
        [/is set by Keybearer itself/, (file) => (file.credentials[1]!.options = { token_parameters: { client_id: 'other' } })],
        [/name/, (file) => (file.credentials[0]!.name = 'bad/name')],
        [/one scope without spaces/, (file) => (file.credentials[1]!.scopes = ['two scopes'])],
      ]
      for (const [what, change] of changes) {
        const file = await edited(content, change)
        const dry = await imports(file, { dryRun: true })
        const real = await imports(file)
        assert.deepEqual(real.items, dry.items)
        assert.equal(real.applied, false)
        const refused = real.items.filter((item) => item.action === 'refused')
        assert.equal(refused.length, 1, String(what))
        assert.match(refused[0]!.problem!.detail, what)
        assert.equal(await everything(to), before, String(what))
      }
    })

    it('says of every item where its secret may go beyond what the provider needs', async () => {
      const own = {
        id: 'own',
        version: 1,
        name: 'Own',
        token_endpoint: 'https://login.own.example/token',
        grants: ['client_credentials'],
        client_auth: ['client_secret_basic'],
      }
      await from.world.providers.create(own as never, tester)
      const registration = (name: string, provider: string) => ({ name, provider, clientId: 'c', clientSecret: new Secret('CANARY') })
      await makeOauth('wide', { allowedHosts: ['smtp.gmail.com', 'files.other.example'] })
      await from.world.credentials.create({ name: 'own', kind: 'oauth2', grant: 'client_credentials', registration: registration('own', 'own') }, tester)
      await make({ name: 'key', allowedHosts: ['api.example', '*.api.example'] })
      const { items, applied } = await imports(await exported('encrypted'))
      assert.equal(applied, true)
      const notes = Object.fromEntries(items.map((item) => [item.name, item.notes.join(' ')]))
      assert.match(notes.wide!, /may be sent to files\.other\.example, beyond the hosts of Google/)
      assert.doesNotMatch(notes.wide!, /smtp\.gmail\.com/)
      assert.match(notes.own!, /sent to login\.own\.example, as the file says/)
      assert.match(notes.key!, /may be sent to api\.example, \*\.api\.example/)
      assert.equal((await to.world.providers.get('own')).own, true, 'the provider came along')
    })

    it('never sends a client secret to another server than in the file, though a provider of that id is here', async () => {
      const own = (host: string) => ({
        id: 'own',
        version: 1,
        name: 'Own',
        token_endpoint: `https://${host}/token`,
        grants: ['client_credentials'],
        client_auth: ['client_secret_basic'],
      })
      await from.world.providers.create(own('theirs.example') as never, tester)
      await to.world.providers.create(own('ours.example') as never, tester)
      const registration = { name: 'own', provider: 'own', clientId: 'c', clientSecret: new Secret('CANARY') }
      await from.world.credentials.create({ name: 'own', kind: 'oauth2', grant: 'client_credentials', registration }, tester)
      const { items } = await imports(await exported('encrypted'))
      assert.equal(items[0]!.provider, 'own-2')
      assert.match(items[0]!.notes.join(), /made under the id "own-2"/)
      assert.equal((await to.world.providers.get('own')).description.token_endpoint, 'https://ours.example/token')
      assert.equal((await to.world.providers.get('own-2')).description.token_endpoint, 'https://theirs.example/token')
    })

    it('skips, renames or replaces what has a name that is taken, and a dry run says the same', async () => {
      await make({ name: 'taken', description: 'from the file' })
      await make({ name: 'taken 2' })
      const content = await exported('encrypted')
      const present = await make({ name: 'Taken', description: 'here', secret: new Secret('here') }, to.world)
      const tried = async (onClash: ImportOrder['onClash']) => {
        const dry = await imports(content, { onClash, dryRun: true })
        assert.equal(dry.applied, false)
        const real = await imports(content, { onClash })
        assert.deepEqual(real.items, dry.items)
        return Object.fromEntries(real.items.map((item) => [item.name, [item.action, item.finalName]]))
      }
      assert.deepEqual(await tried('skip'), { taken: ['skip', 'taken'], 'taken 2': ['create', 'taken 2'] })
      assert.equal((await to.world.credentials.get('taken')).description, 'here')
      assert.deepEqual(await tried('rename'), { taken: ['rename', 'taken 3'], 'taken 2': ['rename', 'taken 2 2'] })
      assert.equal((await to.world.credentials.get('taken 3')).description, 'from the file')
      assert.deepEqual(await tried('replace'), { taken: ['replace', 'taken'], 'taken 2': ['replace', 'taken 2'] })
      const replaced = await to.world.credentials.get('taken')
      assert.deepEqual([replaced.id, replaced.description], [present.id, 'from the file'], 'whatever uses it goes on using it')
      const { accessToken } = await to.world.credentials.handOut('taken', { purpose: 'token', actor: tester })
      assert.equal(accessToken.reveal(), 'CANARY-taken')
    })

    it('a replacement without a secret keeps the one that is here only while nothing changes whose it is and where it goes', async () => {
      await make({ name: 'key', kind: 'basic', username: 'anna', allowedHosts: ['api.example'] })
      const plain = JSON.parse(await exported('none')) as PortableFile
      const tried = async (change: (one: PortableFile['credentials'][number]) => void) => {
        await to.world.context.db.deleteFrom('credentials').execute()
        await make({ name: 'key', kind: 'basic', username: 'anna', allowedHosts: ['api.example', 'old.example'] }, to.world)
        const file = structuredClone(plain)
        change(file.credentials[0]!)
        const { items, applied } = await imports(JSON.stringify(file), { onClash: 'replace' })
        assert.equal(applied, true)
        return { view: await to.world.credentials.get('key'), notes: items[0]!.notes.join(' ') }
      }
      const same = await tried((one) => (one.description = 'new'))
      assert.deepEqual([same.view.hasSecret, same.view.description, same.view.allowedHosts], [true, 'new', ['api.example']])
      assert.match(same.notes, /keeps the secret/)
      for (const change of [
        (one: PortableFile['credentials'][number]) => (one.username = 'mallory'),
        (one: PortableFile['credentials'][number]) => (one.allowed_hosts = ['api.example', 'evil.example']),
      ]) {
        const moved = await tried(change)
        assert.deepEqual([moved.view.hasSecret, moved.view.status], [false, 'incomplete'])
        assert.match(moved.notes, /is removed/)
      }
      const another = structuredClone(plain)
      another.credentials[0]!.kind = 'api_key'
      assert.equal((await imports(JSON.stringify(another), { onClash: 'replace' })).items[0]!.problem?.code, 'wrong_kind')
      // The same for tokens, whose registration stays and would renew them.
      await from.world.context.db.deleteFrom('credentials').execute()
      await makeOauth('mail')
      const facts = JSON.parse(await exported('none')) as PortableFile
      for (const [kept, change] of [
        [true, () => undefined],
        [false, (one) => (one.username = 'mallory@example.org')],
        [false, (one) => one.allowed_hosts.push('evil.example')],
        [false, (one) => (one.grant = 'device_code')],
        [false, (one) => (one.registration = 'other client')],
      ] as [boolean, (one: PortableFile['credentials'][number]) => unknown][]) {
        for (const table of ['credentials', 'registrations'] as const) await to.world.context.db.deleteFrom(table).execute()
        const present = await makeOauth('mail', {}, to.world)
        const file = structuredClone(facts)
        file.registrations.push({ ...file.registrations[0]!, name: 'other client' })
        change(file.credentials[0]!)
        assert.equal((await imports(JSON.stringify(file), { onClash: 'replace' })).applied, true)
        const view = await to.world.credentials.get('mail')
        assert.deepEqual([view.id, view.hasRefreshToken], [present.id, kept], String(change))
      }
    })

    it('uses a registration of the same client that is here, and lets nobody widen its reach who may not read its tokens', async () => {
      await makeOauth('mail', { allowedHosts: ['smtp.gmail.com', 'evil.example'] })
      const content = await exported('encrypted')
      await to.world.registrations.create({ name: 'mail client', provider: 'google', clientId: 'client-1', clientSecret: new Secret('here') }, tester)
      const refused = await imports(content, {}, { mayWidenHosts: false })
      assert.deepEqual([refused.applied, refused.items[0]!.problem?.code], [false, 'not_allowed'])
      const { items, applied } = await imports(content)
      assert.equal(applied, true)
      assert.match(items[0]!.notes.join(), /Uses the registration "mail client" that is here/)
      assert.equal((await to.world.registrations.list({})).items.length, 1)
    })

    it('leaves a registration of another client alone that has the same name', async () => {
      await makeOauth('mail')
      await to.world.registrations.create({ name: 'mail client', provider: 'google', clientId: 'another', clientSecret: new Secret('here') }, tester)
      const { items } = await imports(await exported('encrypted'))
      assert.match(items[0]!.notes.join(), /made as "mail client 2"/)
      const names = (await to.world.registrations.list({})).items.map((one) => [one.name, one.clientId])
      assert.deepEqual(names, [
        ['mail client', 'another'],
        ['mail client 2', 'client-1'],
      ])
    })

    it('brings everything without secrets too: what is missing is said, and can be entered', async () => {
      await makeOauth('mail')
      await make({ name: 'key' })
      const { items, applied } = await imports(await exported('none'))
      assert.equal(applied, true)
      assert.match(items.find((item) => item.name === 'mail')!.notes.join(' '), /has no secret yet/)
      assert.equal((await to.world.credentials.get('mail')).status, 'incomplete')
      assert.equal((await to.world.credentials.get('key')).status, 'incomplete')
      await to.world.credentials.change('key', { secret: new Secret('again') }, tester)
      assert.equal((await to.world.credentials.get('key')).status, 'ready')
    })

    it('brings accounts of other programs in through the same door', async () => {
      const result = await imports(
        '[gd]\ntype = drive\nclient_id = 1\nclient_secret = CANARY-s\nscope = drive\ntoken = {"refresh_token":"CANARY-r"}\n[disk]\ntype = s3\n',
      )
      assert.equal(result.applied, true)
      assert.deepEqual(
        result.items.map((item) => [item.name, item.action, item.provider]),
        [
          ['gd', 'create', 'google'],
          ['disk', 'skip', null],
        ],
      )
      const made = await to.world.credentials.get('gd')
      assert.deepEqual([made.hasRefreshToken, made.allowedHosts.includes('*.googleapis.com'), made.refreshDueAt !== null], [true, true, true])
      assert.doesNotMatch(JSON.stringify(await to.world.context.audit.list({ limit: 50 })), /CANARY/)
      assert.ok(to.world.log.every((line) => !line.includes('CANARY')))
    })

    it('what is exported and imported is what it was, whatever it is', async () => {
      const word = fc
        .string({ unit: fc.constantFrom('a', 'Z', 'é', 'ß', '日', '🔑', '-', ' ', '"', '<', '.'), minLength: 1, maxLength: 12 })
        .filter((text) => text.trim() !== '')
      const host = fc.constantFrom('api.example', '*.api.example', 'localhost', 'smtp.gmail.com', '127.0.0.1:8080')
      const basics = {
        description: fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !text.includes('\0')),
        tags: fc.uniqueArray(fc.constantFrom('eu', 'sales & more', 'ü'), { maxLength: 3 }),
        allowedHosts: fc.uniqueArray(host, { maxLength: 3 }),
        paused: fc.boolean(),
      }
      const secret = fc.string({ unit: fc.constantFrom('a', '"', '\\', 'é', ' ', "'", ',', '🔑'), minLength: 1, maxLength: 20 })
      const simple = fc.record({ kind: fc.constant('api_key' as const), secret, ...basics })
      const basic = fc.record({ kind: fc.constant('basic' as const), username: fc.constantFrom('anna', 'ü@example.org'), secret, ...basics })
      const oauth2 = fc.record({
        kind: fc.constant('oauth2' as const),
        grant: fc.constantFrom('authorization_code' as const, 'device_code' as const),
        username: fc.constantFrom('anna@example.org', undefined),
        scopes: fc.uniqueArray(fc.constantFrom('openid', 'https://mail.google.com/'), { maxLength: 2 }),
        refreshToken: fc.option(fc.constantFrom('CANARY-r', '1//x"y'), { nil: undefined }),
        options: fc.constantFrom({}, { loginHint: 'anna', authorizeParameters: { a: 'b "c"' }, resource: ['https://x.example'] }),
        ...basics,
      })
      const facts = (view: CredentialView) => {
        const { id: _, registration, since: _2, createdAt: _3, updatedAt: _4, revision: _5, refreshDueAt, ...rest } = view
        return { ...rest, registration: registration?.name ?? null, due: refreshDueAt !== null, subject: view.subject }
      }
      const tokens = async ({ world }: Side, view: CredentialView) => {
        const row = (await world.context.db.selectFrom('credentials').selectAll().where('id', '=', view.id).executeTakeFirst())!
        if (row.secret === null) return null
        const { dataKeysOf } = await import('../storage/data-keys.ts')
        const { credentialPlace } = await import('./token-set.ts')
        return (await world.context.vault.open(dataKeysOf(world.context.db), credentialPlace(row.id, row.generation), row.secret)).reveal()
      }
      await fc.assert(
        fc
          .asyncProperty(fc.array(fc.tuple(word, fc.oneof(simple, basic, oauth2)), { minLength: 1, maxLength: 4 }), async (list) => {
            for (const [n, [name, input]] of list.entries()) {
              const { paused, refreshToken, secret: text, username, ...rest } = { refreshToken: undefined, secret: undefined, username: undefined, ...input }
              const made = await from.world.credentials.create(
                {
                  ...rest,
                  name: `${n} ${name}`,
                  ...(username === undefined ? {} : { username }),
                  ...(text === undefined ? {} : { secret: new Secret(text) }),
                  ...(refreshToken === undefined ? {} : { refreshToken: new Secret(refreshToken) }),
                  ...(input.kind === 'oauth2'
                    ? { registration: { name: `client ${n}`, provider: 'google', clientId: `c${n}`, clientSecret: new Secret(`s"${n}`) } }
                    : {}),
                } as NewCredential,
                tester,
              )
              if (paused) await from.world.credentials.pause(made.id, tester)
            }
            const result = await imports(await exported('encrypted'))
            assert.equal(result.applied, true, JSON.stringify(result.items))
            const [there, here] = await Promise.all([from, to].map(async (side) => (await side.world.credentials.list({ limit: 500 })).items))
            assert.deepEqual(here!.map(facts), there!.map(facts))
            for (const [i, view] of there!.entries()) assert.equal(await tokens(to, here![i]!), await tokens(from, view))
          })
          .beforeEach(async () => {
            for (const { world } of [from, to])
              for (const table of ['credentials', 'registrations'] as const) await world.context.db.deleteFrom(table).execute()
          }),
        // Every run makes and reads databases: to shrink a failure would take minutes, and its seed is printed.
        { numRuns: 25, endOnFailure: true },
      )
    })

    if (database === 'postgres') {
      it('keeps nobody waiting for the audit trail while it writes', async () => {
        await makeOauth('mail')
        await make({ name: 'key' })
        const content = await exported('encrypted')
        const { context } = to.world
        let recorded = 0
        const slow: typeof context.vault = {
          ...context.vault,
          async seal(...args) {
            // On another connection: it would wait for the import, which waits for it.
            await context.audit.record({ actor: tester, action: 'audit.read', outcome: 'done' })
            recorded += 1
            return await context.vault.seal(...args)
          },
        }
        const registrations = new Registrations({ ...context, vault: slow })
        const importer = new Importer({ ...context, vault: slow }, registrations)
        assert.equal((await importer.run({ content: new Secret(content), passphrase, onClash: 'skip', format: 'auto', dryRun: false }, tester)).applied, true)
        assert.equal(recorded, 3)
      })
    }

    it('writes nothing at all when the last item fails while it is written', async () => {
      for (const name of ['a', 'b', 'c']) await make({ name })
      const content = await exported('encrypted')
      const { context } = to.world
      const before = await everything(to)
      let sealed = 0
      const failing = new Importer(
        {
          ...context,
          vault: {
            ...context.vault,
            async seal(...args) {
              if (++sealed === 3) throw new Error('the disk is gone')
              return await context.vault.seal(...args)
            },
          },
        },
        to.world.registrations,
      )
      await assert.rejects(
        failing.run({ content: new Secret(content), passphrase, onClash: 'skip', format: 'auto', dryRun: false }, tester),
        /the disk is gone/,
      )
      assert.equal(sealed, 3)
      assert.equal(await everything(to), before)
      assert.equal((await context.audit.verify()).ok, true)
    })
  })
}
