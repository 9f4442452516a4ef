// A process of its own: a real submission server that takes every mail and keeps none.
import { SMTPServer } from 'smtp-server'
import type { AddressInfo } from 'node:net'

process.on('message', ({ password }: { password: string }) => {
  const server = new SMTPServer({
    authMethods: ['PLAIN'],
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onAuth: (auth, _session, done) => (auth.password === password ? done(null, { user: auth.username }) : done(new Error('wrong password'))),
    onData: (stream, _session, done) => {
      stream.on('data', () => undefined)
      stream.on('end', () => done())
    },
  })
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.server.address() as AddressInfo).port }))
})
process.on('disconnect', () => process.exit(0))
