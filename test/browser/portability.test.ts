import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { openDesk, type Desk } from './desk.ts'
import { glanceAt } from './looks.ts'

const passphrase = 'correct horse battery staple'
const secret = `CANARY-${randomBytes(12).toString('hex')}`
const oddName = '🦊 "quoted" <script> שלום'

describe('export and import in the browser', () => {
  let desk: Desk
  let page: Page
  before(async () => {
    desk = await openDesk()
    page = desk.page
    await desk.api('POST', '/v1/credentials', { name: oddName, kind: 'api_key', secret, allowed_hosts: ['api.example.org'], description: 'The weather' })
    await desk.api('POST', '/v1/credentials', { name: 'old-mail', kind: 'basic', username: 'anna', secret: 'open sesame', allowed_hosts: ['mail.example.org'] })
  })
  after(() => desk.close())

  const file = (name: string) => join(desk.service.folder, name)
  const choose = async (path: string) => {
    await desk.visit('/credentials/import', 'Import credentials')
    await page.locator('input[type=file]').setInputFiles(path)
  }
  const look = () => page.getByRole('button', { name: 'Look what would happen' }).click()
  const itemOf = (name: string) => page.getByRole('row').filter({ hasText: name })
  const save = async (name: string): Promise<string> => {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export to a file' }).click()
    const path = file(name)
    await (await download).saveAs(path)
    await page.getByText(/is saved$/).waitFor()
    return readFileSync(path, 'utf8')
  }
  const names = async () => (await desk.api<{ items: { name: string }[] }>('GET', '/v1/credentials')).items.map((item) => item.name).sort()

  it('P10: an export leaves secrets out, or encrypts the whole file with a passphrase of some length, typed twice', async () => {
    await desk.visit('/credentials/export', 'Export credentials')
    const open = await save('open.json')
    assert.ok(open.includes('The weather') && !open.includes(secret))
    await glanceAt(desk.anna, 'export-done')
    await page.getByRole('radio', { name: 'Take them along, encrypted' }).click()
    const button = page.getByRole('button', { name: 'Export to a file' })
    await page.getByLabel('Passphrase', { exact: false }).first().fill('short')
    await page.getByText('7 more characters').waitFor()
    assert.equal(await button.isDisabled(), true)
    await page.locator('input[type=password]').nth(0).fill(passphrase)
    await page.locator('input[type=password]').nth(1).fill('something else')
    await page.getByText('This differs from the passphrase above').waitFor()
    assert.equal(await button.isDisabled(), true)
    await glanceAt(desk.anna, 'export-passphrase')
    await page.locator('input[type=password]').nth(1).fill(passphrase)
    const closed = await save('closed.age')
    assert.match(closed, /^-----BEGIN AGE ENCRYPTED FILE-----/)
    assert.ok(!closed.includes('weather') && !closed.includes(secret))
    assert.equal(await page.locator('input[type=password]').nth(0).inputValue(), '', 'the passphrase does not stay on the page')
  })

  it('the file comes back: a wrong passphrase opens nothing, the right one shows first what would happen', async () => {
    for (const name of await names()) await desk.api('DELETE', `/v1/credentials/${encodeURIComponent(name)}?revoke=false`)
    await choose(file('closed.age'))
    await page.getByRole('textbox', { name: 'Passphrase' }).fill('not the passphrase')
    await look()
    await page.getByRole('alert').waitFor()
    await glanceAt(desk.anna, 'import-wrong-passphrase')
    assert.equal(await page.getByText('closed.age').isVisible(), true, 'the file stays chosen')
    await page.getByRole('textbox', { name: 'Passphrase' }).fill(passphrase)
    await look()
    await page.getByText('The file is being opened').waitFor()
    await itemOf(oddName).getByText('Comes').waitFor()
    assert.deepEqual(await names(), [], 'looking changes nothing')
    await page.getByRole('button', { name: 'Import 2 credentials' }).click()
    await page.getByText('2 credentials imported').waitFor()
    await glanceAt(desk.anna, 'import-done')
    await page.getByRole('link', { name: 'To the credentials', exact: true }).click()
    await page.getByText(oddName).first().waitFor()
    assert.ok(!(await page.content()).includes(secret))
    const run = await desk.service.cli(['token', oddName])
    assert.equal(run.stdout.trim(), secret, 'the secret came through')
  })

  it('a name that is taken is skipped, renamed or replaced, as one says', async () => {
    const id = (await desk.api<{ id: string }>('GET', '/v1/credentials/old-mail')).id
    writeFileSync(file('more.csv'), 'name,kind,username,secret,allowed_hosts\nold-mail,basic,bela,second,mail.example.org\n')
    await choose(file('more.csv'))
    await look()
    await itemOf('old-mail').getByText('Skipped').waitFor()
    await page.getByText('Nothing new: everything is skipped.').waitFor()
    assert.equal(await page.getByRole('button', { name: /^Import \d/ }).count(), 0)

    await page.getByRole('radio', { name: 'Rename it' }).click()
    await look()
    await itemOf('old-mail').getByText('Comes renamed').waitFor()
    await page.getByRole('button', { name: 'Import 1 credential' }).click()
    await page.getByText('1 credential imported').waitFor()
    assert.equal((await names()).filter((name) => name.startsWith('old-mail')).length, 2)
    assert.equal((await desk.api<{ username: string }>('GET', '/v1/credentials/old-mail')).username, 'anna')

    await choose(file('more.csv'))
    await page.getByRole('radio', { name: 'Replace the one that is here' }).click()
    await look()
    await itemOf('old-mail').getByText('Replaces').waitFor()
    await glanceAt(desk.anna, 'import-replace')
    await page.getByRole('button', { name: 'Import 1 credential' }).click()
    await page.getByText('1 credential imported').waitFor()
    const replaced = await desk.api<{ id: string; username: string }>('GET', '/v1/credentials/old-mail')
    assert.deepEqual([replaced.id, replaced.username], [id, 'bela'], 'whatever uses it goes on with what the file has')
  })

  it('P10: a damaged, foreign, oversized or binary file is refused whole, in words, and nothing of it comes', async () => {
    const before = await names()
    const whole = readFileSync(file('open.json'), 'utf8')
    const closed = readFileSync(file('closed.age'), 'utf8')
    const refused: [string, string | Buffer][] = [
      ['cut.json', whole.slice(0, -40)],
      ['foreign.json', '{"hello": "world"}'],
      ['changed.age', closed.replace(/[A-Za-z0-9+/]{10}\n(.*)\n-----END/, 'AAAAAAAAAA\n$1\n-----END')],
      ['bad-row.csv', 'name,kind,secret\ngood,api_key,one\n,api_key,two\n'],
      ['large.json', JSON.stringify({ hello: 'x'.repeat(10_000_000) })],
    ]
    for (const [name, content] of refused) {
      writeFileSync(file(name), content)
      await choose(file(name))
      if (name.endsWith('.age')) await page.getByRole('textbox', { name: 'Passphrase' }).fill(passphrase)
      await look()
      await page.getByRole('alert').or(page.getByText('Something is refused, so nothing would be imported')).first().waitFor()
      assert.equal(await page.getByRole('button', { name: /^Import \d/ }).count(), 0, name)
      if (name === 'bad-row.csv' || name === 'foreign.json') await glanceAt(desk.anna, `import-${name.split('.')[0]}`)
    }
    for (const [name, content, words] of [
      ['binary.dat', randomBytes(10_000_000), 'is no text file'],
      ['zeros.dat', Buffer.alloc(10_000_000), 'is no text file'],
      ['empty.json', Buffer.alloc(0), 'is empty'],
    ] as const) {
      writeFileSync(file(name), content)
      await choose(file(name))
      await page.getByRole('alert').getByText(words).waitFor()
      assert.equal(await page.getByRole('button', { name: 'Look what would happen' }).isDisabled(), true)
    }
    await glanceAt(desk.anna, 'import-no-text')
    assert.deepEqual(await names(), before)
  })

  it('files are dropped as well: one is taken, several are not', async () => {
    await desk.visit('/credentials/import', 'Import credentials')
    const session = await page.context().newCDPSession(page)
    const drop = async (...files: string[]) => {
      const { x, y, width, height } = (await page.locator('.mantine-Dropzone-root').boundingBox())!
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
        await session.send('Input.dispatchDragEvent', { type, x: x + width / 2, y: y + height / 2, data: { items: [], files, dragOperationsMask: 1 } })
      }
    }
    writeFileSync(file('one.csv'), 'name,kind,secret\ndropped,api_key,abc\n')
    await drop(file('one.csv'), file('more.csv'))
    await page.getByText('Drop one single file.').waitFor()
    await drop(file('one.csv'))
    await page.getByText('one.csv').waitFor()
    await look()
    await itemOf('dropped').getByText('Comes').waitFor()
  })

  it('pasted text is covered like a password, and is looked at like a file', async () => {
    await desk.visit('/credentials/import', 'Import credentials')
    await page.getByRole('button', { name: 'Paste the text instead' }).click()
    await page.getByLabel('Paste the text of the file').fill('name,kind,secret\npasted,api_key,abc\n')
    assert.equal(
      await page.getByLabel('Paste the text of the file').evaluate((field) => getComputedStyle(field).getPropertyValue('-webkit-text-security')),
      'disc',
    )
    await look()
    await itemOf('pasted').getByText('Comes').waitFor()
    await glanceAt(desk.anna, 'import-pasted')
    assert.deepEqual(desk.anna.complaints, [])
  })
})
