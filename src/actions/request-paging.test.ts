import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeActionBed } from '../../test/action-world.ts'
import type { Paging } from './action-types.ts'
import { atPath, parsePath } from './json-path.ts'

const paging = (more: Partial<Paging>): Paging => ({ by: 'next_link', path: null, parameter: null, items: 'value', mostPages: 10, ...more })

describe('the pages of an answer', () => {
  it('are gathered by a link in the answer, by the header Link, and by a cursor', async (t) => {
    const bed = await makeActionBed(t)
    bed.on.answer = (call, response) => {
      const url = new URL(call.url, `http://127.0.0.1:${bed.api.port}`)
      const n = Number(url.searchParams.get('page') ?? 1)
      const next = n < 3 ? `${url.pathname}?page=${n + 1}&x=${url.searchParams.get('x') ?? ''}` : undefined
      response.setHeader('content-type', 'application/json')
      if (next !== undefined) response.setHeader('link', `<${next}>; rel="next", </first>; rel="first"`)
      response.end(JSON.stringify({ value: [{ n }, { n: n + 0.5 }], '@odata.nextLink': next, meta: { cursor: n < 3 ? n + 1 : null } }))
    }
    const at = { url: `http://127.0.0.1:${bed.api.port}/list`, query: { x: '{{ input.x }}' } }
    await bed.make('by link', bed.request({ ...at, paging: paging({ path: '["@odata.nextLink"]' }) }))
    await bed.make('by header', bed.request({ ...at, paging: paging({ by: 'link_header' }) }))
    await bed.make('by cursor', bed.request({ ...at, paging: paging({ by: 'cursor', path: 'meta.cursor', parameter: 'page' }) }))
    for (const name of ['by link', 'by header', 'by cursor']) {
      bed.seen.length = 0
      const { outcome, result } = await bed.run(name, { x: 'a&b' })
      assert.deepEqual([outcome, result?.pages, result?.truncated], ['done', 3, false], name)
      assert.deepEqual(
        (result!.json as { n: number }[]).map((item) => item.n),
        [1, 1.5, 2, 2.5, 3, 3.5],
        name,
      )
      assert.deepEqual(new Set(bed.seen.map((call) => call.headers.authorization)), new Set(['Bearer CANARY-key']))
    }
  })

  it('N4: are fetched from the host of the request and from no other, whatever a link says', async (t) => {
    const bed = await makeActionBed(t)
    const foreign = await makeActionBed(t)
    let link = ''
    bed.on.answer = (_, response) => void response.setHeader('content-type', 'application/json').end(JSON.stringify({ value: [1], next: link }))
    await bed.make('list', bed.request({ paging: paging({ path: 'next' }) }))
    for (const bad of [
      `http://127.0.0.1:${foreign.api.port}/steal`,
      `http://localhost:${bed.api.port}/x`,
      '//evil.example/x',
      'https://evil.example',
      'file:///etc/passwd',
      'javascript:1',
      'http://[',
    ]) {
      link = bad
      const { run } = await bed.run('list')
      assert.equal(run.problem?.code, 'outgoing_failed', bad)
    }
    assert.deepEqual(foreign.seen, [])
  })

  it('end when the server never does', async (t) => {
    const bed = await makeActionBed(t)
    bed.on.answer = (_, response, count) =>
      void response.setHeader('content-type', 'application/json').end(JSON.stringify({ value: ['x'.repeat(1000)], next: `/p${count}`, same: '/things' }))
    await bed.make('endless', bed.request({ paging: paging({ path: 'next', mostPages: 5 }) }))
    const endless = await bed.run('endless')
    assert.deepEqual([endless.outcome, endless.result?.pages, endless.result?.truncated, (endless.result!.json as unknown[]).length], ['done', 5, true, 5])
    await bed.make('too large', bed.request({ maxBytes: 3500, paging: paging({ path: 'next', mostPages: 100 }) }))
    const large = await bed.run('too large')
    assert.deepEqual([large.outcome, large.result?.truncated], ['done', true])
    assert.ok((large.result!.json as unknown[]).length <= 4)
    await bed.make('round', bed.request({ paging: paging({ path: 'same', mostPages: 100 }) }))
    assert.match((await bed.run('round')).run.problem?.message ?? '', /same page again/)
  })

  it('fail as a whole when one of them does, and keep whole answers where no items are named', async (t) => {
    const bed = await makeActionBed(t)
    bed.on.answer = (call, response) => {
      if (call.url === '/broken') return void response.writeHead(500).end()
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ next: call.url === '/things' ? '/broken' : null, of: call.url }))
    }
    await bed.make('broken', bed.request({ paging: paging({ path: 'next' }) }))
    const broken = await bed.run('broken')
    assert.deepEqual([broken.outcome, broken.run.responseStatus], ['failed', 500])
    await bed.make('whole', bed.request({ url: `http://127.0.0.1:${bed.api.port}/one`, paging: paging({ path: 'next', items: null }) }))
    assert.deepEqual((await bed.run('whole')).result?.json, [{ next: null, of: '/one' }])
  })
})

describe('a path into an answer', () => {
  it('names fields and places in lists, and nothing that is inherited', () => {
    const value = { a: { b: [{ c: 1 }] }, '@odata.nextLink': 'x', 'b c': 2 }
    assert.deepEqual([atPath(value, 'a.b[0].c'), atPath(value, '$.a.b[0].c'), atPath(value, '["@odata.nextLink"]'), atPath(value, '["b c"]')], [1, 1, 'x', 2])
    for (const path of ['a.x', 'constructor', '__proto__', 'a.b.length.x', 'a.b[7]', 'toString.name']) assert.equal(atPath(value, path), undefined, path)
    for (const path of ['a b', 'a[x]', 'a..b', '[', 'a["x', 'a'.repeat(3) + '.b'.repeat(30)]) assert.equal(parsePath(path), null, path)
  })
})
