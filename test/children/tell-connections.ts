// Loaded before a program with --import: writes down whom it connects to and what names it looks up, in KEYBEARER_TEST_CONNECTIONS.
const { appendFileSync } = process.getBuiltinModule('node:fs')
const net = process.getBuiltinModule('node:net')
const dns = process.getBuiltinModule('node:dns')
const dgram = process.getBuiltinModule('node:dgram')
const file = process.env.KEYBEARER_TEST_CONNECTIONS ?? '/dev/null'
const tell = (what: string, whom: unknown) => appendFileSync(file, `${what} ${String(whom)}\n`)

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (this: InstanceType<typeof net.Socket>, ...given: unknown[]) {
  // node:net hands its own normalized list on; others give options, or port and host.
  const [first, second] = (Array.isArray(given[0]) ? given[0] : given) as [unknown, unknown]
  const { host, port, path } = (typeof first === 'object' && first !== null ? first : { port: first, host: second }) as Record<string, unknown>
  tell('connect', typeof path === 'string' ? path : `${typeof host === 'string' ? host : 'localhost'}:${String(port)}`)
  return connect.apply(this, given as never)
}

const send = dgram.Socket.prototype.send as (...given: unknown[]) => void
Object.assign(dgram.Socket.prototype, {
  send(this: unknown, ...given: unknown[]) {
    tell('datagram', given.filter((one) => typeof one === 'string' || typeof one === 'number').join(' '))
    return send.apply(this, given)
  },
})

for (const resolver of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype] as Record<string, unknown>[]) {
  for (const name of Object.getOwnPropertyNames(resolver)) {
    const call = resolver[name]
    if (!/^(?:lookup|resolve|reverse)/.test(name) || typeof call !== 'function') continue
    resolver[name] = function (this: unknown, ...given: unknown[]) {
      tell(name, given[0])
      return (call as (...all: unknown[]) => unknown).apply(this, given)
    }
  }
}
process.getBuiltinModule('node:module').syncBuiltinESMExports()
