import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { guidesBeside } from './guides-beside.ts'
import { readGuide, readTarget, type Guide } from './guide.ts'
import { parseMarkdown, plainText, type Block, type Inline } from './markdown.ts'
import { fillCode, joined, placeTitles, readPlaces, type PlaceName } from './places.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const folder = join(root, 'docs', 'guide')
const files = readdirSync(folder).filter((name) => /^[a-z].*\.md$/.test(name))
const texts = new Map(files.map((name) => [name.slice(0, -3), readFileSync(join(folder, name), 'utf8')]))
const guides = new Map([...texts].map(([id, text]) => [id, readGuide(id, text)]))

const codesOf = (blocks: Block[]): string[] =>
  blocks.flatMap((block) => {
    if (block.kind === 'code') return [block.text]
    if (block.kind === 'list') return block.items.flatMap(codesOf)
    return linesOf(block).flatMap(spansOf)
  })
const linesOf = (block: Block): Inline[][] =>
  block.kind === 'table' ? [...block.head, ...block.rows.flat()] : block.kind === 'heading' || block.kind === 'paragraph' ? [block.parts] : []
const spansOf = (parts: Inline[]): string[] => parts.flatMap((part) => (part.kind === 'code' ? [part.text] : 'parts' in part ? spansOf(part.parts) : []))
const anchorsOf = (guide: Guide): string[] => guide.blocks.flatMap((block) => (block.kind === 'heading' ? [block.anchor] : []))
const wordsOf = (blocks: Block[]): string =>
  blocks
    .map((block) => {
      if (block.kind === 'code') return block.text
      if (block.kind === 'list') return block.items.map(wordsOf).join(' ')
      return linesOf(block).map(plainText).join(' ')
    })
    .join(' ')

describe('the guides on the page', () => {
  it('lose no word of the files in docs/guide', () => {
    for (const [id, text] of texts) {
      const said = (all: string) => all.replace(/[^\p{L}\p{N}]+/gu, '')
      const file = text
        .replace(/<!--[\s\S]*?-->/g, '')
        .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
        .replace(/^(\s*)\d+\.\s/gm, '$1')
        .replace(/\]\([^)]*\)/g, ']')
        .replace(/^```\w+$/gm, '')
        .replace(/^\|[\s|:-]+$/gm, '')
        .replace(/^\s*```\w+$/gm, '')
      assert.equal(said(wordsOf(parseMarkdown(text))), said(file), id)
    }
  })

  it('know every place that they name, and each stands somewhere in code, whole and outside of quotes', () => {
    for (const [id, text] of texts) {
      const places = readPlaces(text)
      const named = /<!-- values\n([\s\S]*?)\n-->/.exec(text)?.[1]?.split('\n').length ?? 0
      assert.equal(Object.keys(places).length, named, `${id} names a place that is not in the table`)
      const codes = codesOf(guides.get(id)!.blocks)
      for (const [name, example] of Object.entries(places)) {
        const pieces = codes.flatMap((code) => fillCode(code, 'sh', places, { [name]: 'x y' }))
        assert.ok(
          pieces.some((piece) => piece.place === name && piece.isExample !== true),
          `${id}: ${name} = ${example} stands nowhere`,
        )
      }
      assert.equal(new Set(Object.values(places)).size, named, `${id} has one example for two places`)
    }
  })

  it('are named by providers as they are: every guide and every section is there', () => {
    let named = 0
    for (const name of readdirSync(join(root, 'providers')).filter((one) => one.endsWith('.json') && !/^(?:schema|index)/.test(one))) {
      const { guides: beside = [] } = JSON.parse(readFileSync(join(root, 'providers', name), 'utf8')) as { guides?: { guide: string; section?: string }[] }
      for (const one of beside) {
        named++
        const guide = guides.get(one.guide)
        assert.ok(guide, `${name}: ${one.guide}`)
        if (one.section !== undefined) assert.ok(anchorsOf(guide).includes(one.section), `${name}: ${one.guide}#${one.section}`)
      }
    }
    assert.ok(named > 50)
  })

  it('stand beside every step, whatever is made', () => {
    const steps = ['what', 'client', 'scopes', 'consent', 'name', 'test', null] as const
    for (const kind of ['oauth2', 'api_key', 'basic'] as const)
      for (const provider of [null, { id: 'generic', guides: [] }, { id: 'crm', guides: [] }, described('google'), described('microsoft'), described('zoho')])
        for (const step of steps)
          for (const grant of ['authorization_code', 'client_credentials', 'jwt_bearer', null] as const)
            for (const popular of [true, false]) {
              const found = guidesBeside({ kind, step, provider, grant, clientAuth: null, popular })
              assert.ok(found.length > 0)
              for (const one of found) {
                const guide = guides.get(one.guide)
                assert.ok(guide, one.guide)
                assert.ok(one.section === null || anchorsOf(guide).includes(one.section), `${one.guide}#${one.section}`)
              }
            }
  })

  it('come in the right order: the client of Microsoft 365 without a person, with a certificate and with a secret', () => {
    const scene = { kind: 'oauth2', step: 'client', provider: described('microsoft'), grant: 'client_credentials' } as const
    const first = (clientAuth: string) => guidesBeside({ ...scene, clientAuth })[0]?.guide
    assert.equal(first('private_key_jwt'), 'microsoft-365-certificate')
    assert.equal(first('client_secret_post'), 'microsoft-365-unattended')
    const consent = guidesBeside({ ...scene, step: 'consent', provider: described('google'), grant: 'authorization_code', clientAuth: null })
    assert.deepEqual(consent[0], { guide: 'google-cloud-2', section: '3-consent' })
  })

  it('are linked to each other by links that lead somewhere', () => {
    for (const guide of guides.values()) {
      const links = (blocks: Block[]): string[] =>
        blocks.flatMap((block) => (block.kind === 'list' ? block.items.flatMap(links) : linesOf(block).flatMap((line) => line.flatMap(linksOf))))
      for (const to of links(guide.blocks)) {
        const target = readTarget(to, guide.id)
        if (target.kind !== 'guide') continue
        const other = guides.get(target.guide)
        assert.ok(other, `${guide.id}: ${to}`)
        if (target.section !== null) assert.ok(anchorsOf(other).includes(target.section), `${guide.id}: ${to}`)
      }
    }
  })

  it('follow only links to https and to themselves', () => {
    for (const to of ['javascript:alert(1)', 'data:text/html,x', '//evil.example', '../reference/api.md', 'http://evil.example', 'mailto:a@b', ''])
      assert.equal(readTarget(to, 'x').kind, 'none', to)
  })

  it('have no HTML: what looks like it is text', () => {
    const [block] = parseMarkdown('See <img src=x onerror=alert(1)> and `<script>`, <b>bold</b>.')
    assert.deepEqual(block, {
      kind: 'paragraph',
      parts: [
        { kind: 'text', text: 'See <img src=x onerror=alert(1)> and ' },
        { kind: 'code', text: '<script>' },
        { kind: 'text', text: ', <b>bold</b>.' },
      ],
    })
  })
})

const linksOf = (part: Inline): string[] => (part.kind === 'link' ? [part.to] : 'parts' in part ? part.parts.flatMap(linksOf) : [])

function described(id: string) {
  return JSON.parse(readFileSync(join(root, 'providers', `${id}.json`), 'utf8')) as never
}

describe('commands with values filled in', () => {
  const places = { name: 'reports', mailbox: 'reports@contoso.com', tenant: 'contoso.onmicrosoft.com', object_id: '<Object ID>' }
  const fill = (code: string, values: Partial<Record<PlaceName, string>>, language = 'sh') => joined(fillCode(code, language, places, values))

  it('have the values where the examples stood, and examples where nothing is known', () => {
    assert.equal(
      fill('keybearer add reports --placeholder tenant=contoso.onmicrosoft.com --user reports@contoso.com', { name: 'night', tenant: 'acme.example' }),
      'keybearer add night --placeholder tenant=acme.example --user reports@contoso.com',
    )
    assert.equal(
      fill('Add-MailboxPermission -User <Object ID> -AccessRights FullAccess', { object_id: '0-1' }, 'powershell'),
      'Add-MailboxPermission -User 0-1 -AccessRights FullAccess',
    )
  })

  it('take an example for one only as a whole word', () => {
    const code = 'reports.pem my-reports reports-old reports@other.example x.contoso.onmicrosoft.com'
    assert.equal(fill(code, { name: 'night', tenant: 'acme.example', mailbox: 'm@x' }), code)
  })

  it('never run what is in a value: a shell reads it as one word', async () => {
    const { spawnSync } = await import('node:child_process')
    const nasty = ['a; touch x', '$(id)', '`id`', "it's", '"', 'a b', '*', '~', 'ä', '\\', "'; id #", '!x', '#x', '{a,b}', '&']
    for (const name of nasty) {
      const line = fill('printf %s reports', { name })
      assert.equal(spawnSync('sh', ['-c', line], { encoding: 'utf8' }).stdout, name)
    }
    assert.equal(fill('Get-X reports', { name: "it's \u2019; calc" }, 'powershell'), "Get-X 'it''s \u2019\u2019; calc'")
  })

  it('leave the example where a value cannot stand: in quotes, as an option, over several lines, in a file of unknown syntax', () => {
    for (const [code, name, language] of [
      ['x "/CN=reports"', '$(id)', 'sh'],
      ["x 'reports'", "a'b", 'sh'],
      ['x reports', '--help', 'sh'],
      ['x reports', 'a\nid', 'sh'],
      ['x reports', 'a\u202eb', 'sh'],
      ['user reports', 'a b', 'ini'],
    ] as const)
      assert.equal(fill(code, { name }, language), code)
    assert.equal(fill('x "/CN=reports"', { name: 'plain' }), 'x "/CN=plain"')
  })

  it('have a title for every place', () => {
    for (const [name, { title }] of Object.entries(placeTitles)) assert.ok(title.length > 3, name)
  })
})
