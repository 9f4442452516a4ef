import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import type { ActionRun } from '../../client/src/operations.ts'
import { startLocalServer } from '../local-server.ts'
import { until } from '../mail-world.ts'
import { makeService } from '../service.ts'

describe('runs of actions when the service is killed', () => {
  it('what was accepted is done or said to be cut off, and nothing that must not be repeated is sent twice', { timeout: 300_000 }, async () => {
    const seen = new Map<string, number>()
    const server = await startLocalServer((incoming, response) => {
      const id = incoming.url ?? ''
      seen.set(`${incoming.method} ${id}`, (seen.get(`${incoming.method} ${id}`) ?? 0) + 1)
      // Slow enough for the service to be killed in between.
      setTimeout(() => void response.end('{}'), 60)
    })
    const service = await makeService()
    try {
      await service.start()
      const file = join(service.folder, 'file')
      writeFileSync(file, 'k-4711-4711\n')
      await service.get('add', 'api', '--kind', 'api_key', '--secret-file', file, '--host', '127.0.0.1')
      for (const method of ['GET', 'POST']) {
        writeFileSync(
          file,
          JSON.stringify({ kind: 'http_request', request: { credential: 'api', method, url: `http://127.0.0.1:${server.port}/{{ input.id }}` } }),
        )
        await service.get('action', 'create', method.toLowerCase(), '--file', file)
      }
      const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
      const ask = (path: string, body?: object): Promise<Record<string, unknown>> =>
        new Promise((done, fail) => {
          const call = request(`${service.url}${path}`, {
            method: body ? 'POST' : 'GET',
            headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
          })
          call.on('error', fail)
          call.on('response', (response) => {
            let text = ''
            response.on('data', (chunk) => (text += String(chunk)))
            response.on('error', fail)
            response.on('end', () => done(JSON.parse(text) as Record<string, unknown>))
          })
          call.end(body && JSON.stringify(body))
        })
      const accepted = new Map<string, { run: string; method: string }>()
      for (let round = 0; round < 4; round++) {
        if (round > 0) await service.start()
        let isKilled = false
        const order = async (i: number) => {
          const method = i % 2 === 0 ? 'get' : 'post'
          const id = `${method}-${round}-${i}`
          try {
            const { run } = (await ask(`/v1/actions/${method}/run`, { input: { id }, wait: false })) as { run: { id: string } }
            accepted.set(id, { run: run.id, method: method.toUpperCase() })
          } catch (error) {
            if (!isKilled) throw error
          }
        }
        const orders = Array.from({ length: 24 }, (_, i) => sleep(i * 15).then(() => order(i)))
        const settled = Promise.allSettled(orders)
        await until('some are accepted', () => accepted.size > round * 6 + 3)
        await sleep(Math.random() * 250)
        isKilled = true
        await service.kill9()
        await settled
      }
      await service.start()
      const all = await until(
        'all have ended',
        async () => {
          const runs: ActionRun[] = []
          for (const { run } of accepted.values()) runs.push(((await ask(`/v1/action-runs/${run}`)) as { run: ActionRun }).run)
          return runs.every((run) => run.finished_at !== null) ? runs : null
        },
        120,
      )
      const byId = new Map(all.map((run) => [run.id, run]))
      for (const [id, { run, method }] of accepted) {
        const { status, problem } = byId.get(run)!
        const times = seen.get(`${method} /${id}`) ?? 0
        if (method === 'GET') assert.ok(status === 'done' && times >= 1, `${id}: ${status}, seen ${times} times, ${JSON.stringify(problem)}`)
        else if (status === 'done') assert.equal(times, 1, id)
        else assert.ok(status === 'interrupted' && times <= 1, `${id}: ${status}, seen ${times} times, ${JSON.stringify(problem)}`)
      }
      assert.ok(accepted.size >= 12)
    } finally {
      await service.remove()
      await server.close()
    }
  })
})
