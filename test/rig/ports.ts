import { createServer } from 'node:net'

/** Below what Linux gives to outgoing connections: such a port is not taken by one between its choice and its use. */
const lowest = 12_000
const highest = 32_000

/** Returns different ports that nobody listens on at any address of loopback. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  while (found.size < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) found.add(port)
  }
  return [...found]
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, () => server.close(() => done(true)))
  })
}
