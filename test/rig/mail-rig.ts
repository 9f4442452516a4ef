import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientSecrets, startAuthorizationServer, type AuthorizationServer } from './authorization-server.ts'
import { dovecotConfig, oauth2Config, postfixMain, postfixMaster } from './mail-config.ts'
import { freePorts } from './ports.ts'

/** Ways in which a Dovecot of the rig checks tokens. */
export type CheckMode = 'post' | 'auth' | 'local'
export const checkModes: CheckMode[] = ['post', 'auth', 'local']

/** Where everything is; written as JSON for the tests. */
export type MailRigAddresses = {
  issuer: string
  ca: string
  caFile: string
  mailboxes: string
  /** Ports of submission with STARTTLS and with implicit TLS, per mode. */
  submission: Record<CheckMode, number>
  submissions: Record<CheckMode, number>
  clientKeys: { rs256: string; es256: string }
  /** Control: PUT /hang or /go-on makes the authorization server silent, for everybody, so that one test file at a time may use the rig; PUT /take-back/bob takes every token of bob back; GET /requests lists what it answered. */
  control: string
}

const mailOwner = { uid: 43_500, gid: 43_500 }
const people = ['alice', 'bob', 'robot', 'shared']

/**
 * Starts a real mail system on loopback: an authorization server over TLS, three Dovecot submission servers that check
 * tokens in three ways, and a Postfix behind them that delivers into mailboxes. Needs root, because mail servers do.
 */
export async function startMailRig(
  state = mkdtempSync(join(tmpdir(), 'keybearer-mail-')),
): Promise<{ addresses: MailRigAddresses; server: AuthorizationServer; stop: () => Promise<void> }> {
  if (process.getuid?.() !== 0) throw new Error('the mail servers of the tests need root; without it run: npm run test:unit')
  mkdirSync(state, { recursive: true })
  chmodSync(state, 0o755)
  const pki = makeCertificates(join(state, 'pki'))
  const server = await startAuthorizationServer({ tls: { key: readFileSync(pki.key, 'utf8'), cert: readFileSync(pki.chain, 'utf8') } })
  const ports = await freePorts(17)
  const next = () => ports.shift() as number
  const mta = next()
  const stops: (() => Promise<void>)[] = [() => server.stop()]
  const control = await startControl(server)
  stops.push(control.stop)
  try {
    const mailboxes = join(state, 'mail')
    mkdirSync(mailboxes)
    chownSync(mailboxes, mailOwner.uid, mailOwner.gid)
    const keys = writeTokenKeys(join(state, 'token-keys'), server)
    const submission = {} as Record<CheckMode, number>
    const submissions = {} as Record<CheckMode, number>
    let authPort = 0
    for (const mode of checkModes) {
      const folder = join(state, `dovecot-${mode}`)
      mkdirSync(join(folder, 'run'), { recursive: true })
      const own = { submission: next(), submissions: next(), lmtp: next(), auth: next() }
      submission[mode] = own.submission
      submissions[mode] = own.submissions
      if (mode === 'post') authPort = own.auth
      const oauthFile = join(folder, 'oauth2.conf.ext')
      writeFileSync(oauthFile, oauth2Config(mode, { issuer: server.issuer, secret: clientSecrets.dovecot, caFile: pki.ca, keys }))
      const file = join(folder, 'dovecot.conf')
      writeFileSync(file, dovecotConfig(mode, { folder, pki, oauthFile, owner: mailOwner, mailboxes, mta, ports: own }))
      startDaemon('dovecot', ['-c', file], join(folder, 'log'))
      stops.unshift(() => endByPidFile(join(folder, 'run', 'master.pid')))
    }
    for (const mode of checkModes) await waitForPort(submission[mode])
    const postfix = startPostfix(state, { mta, authPort, mailboxes })
    stops.unshift(() => endByPidFile(postfix.pidFile))
    await waitForPort(mta)
    const addresses: MailRigAddresses = {
      issuer: server.issuer,
      ca: readFileSync(pki.ca, 'utf8'),
      caFile: pki.ca,
      mailboxes,
      submission,
      submissions,
      clientKeys: server.clientKeys,
      control: control.url,
    }
    const stop = async () => {
      await Promise.all(stops.map((one) => one()))
      rmSync(state, { recursive: true, force: true })
    }
    return { addresses, server, stop }
  } catch (error) {
    for (const one of stops) await one()
    const log = checkModes
      .map((mode) => join(state, `dovecot-${mode}`, 'log'))
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, 'utf8').slice(-800))
      .join('\n')
    throw new Error(`the mail servers did not start: ${String((error as { stderr?: Buffer }).stderr ?? error)}\n${log}`, { cause: error })
  }
}

/** A daemon keeps its output open: a pipe to it would never end. */
export function startDaemon(command: string, parameters: string[], log: string): void {
  const file = openSync(log, 'a')
  try {
    execFileSync(command, parameters, { stdio: ['ignore', file, file] })
  } finally {
    closeSync(file)
  }
}

/** Reads the rig that the test command started. */
export function readMailRig(): MailRigAddresses {
  const file = process.env.KEYBEARER_TEST_RIG
  if (file === undefined) throw new Error('KEYBEARER_TEST_RIG is not set: run npm test')
  return JSON.parse(readFileSync(file, 'utf8')) as MailRigAddresses
}

/** Waits for a mail in somebody's mailbox that contains a text and returns it. */
export async function waitForMail(rig: MailRigAddresses, person: string, text: string, most = 60_000): Promise<string> {
  const end = Date.now() + most
  for (;;) {
    const folder = join(rig.mailboxes, person, 'Maildir', 'new')
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const mail = readFileSync(join(folder, name), 'utf8')
      if (mail.includes(text)) return mail
    }
    if (Date.now() > end) throw new Error(`no mail for ${person} contains "${text}"`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** Counts the mails in somebody's mailbox that contain a text. */
export function countMails(rig: MailRigAddresses, person: string, text: string): number {
  const folder = join(rig.mailboxes, person, 'Maildir', 'new')
  return existsSync(folder) ? readdirSync(folder).filter((name) => readFileSync(join(folder, name), 'utf8').includes(text)).length : 0
}

export type Certificates = { ca: string; key: string; chain: string }

function makeCertificates(folder: string): Certificates {
  mkdirSync(folder)
  const at = (name: string) => join(folder, name)
  const openssl = (...parameters: string[]) => execFileSync('openssl', parameters, { stdio: 'pipe' })
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-sha256',
    '-days',
    '30',
    '-subj',
    '/CN=Keybearer test authority',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-subj', '/CN=localhost', '-keyout', at('server.key'), '-out', at('server.csr'))
  writeFileSync(
    at('extensions'),
    'subjectAltName=DNS:localhost,DNS:mail.rig.test,IP:127.0.0.1,IP:127.0.0.2\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n',
  )
  openssl(
    'x509',
    '-req',
    '-sha256',
    '-days',
    '30',
    '-in',
    at('server.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-extfile',
    at('extensions'),
    '-out',
    at('server.pem'),
  )
  writeFileSync(at('chain.pem'), readFileSync(at('server.pem'), 'utf8') + readFileSync(at('ca.pem'), 'utf8'))
  for (const name of readdirSync(folder)) chmodSync(at(name), 0o644)
  return { ca: at('ca.pem'), key: at('server.key'), chain: at('chain.pem') }
}

/** Dovecot looks for `default/ALG/KID` when it checks a token by itself. */
function writeTokenKeys(folder: string, server: AuthorizationServer): string {
  for (const [alg, kid, pem] of [
    ['RS256', 'as-rs256', server.publicKeys.rs256],
    ['ES256', 'as-es256', server.publicKeys.es256],
  ] as const) {
    mkdirSync(join(folder, 'default', alg), { recursive: true })
    writeFileSync(join(folder, 'default', alg, kid), pem)
  }
  return folder
}

function startPostfix(state: string, options: { mta: number; authPort: number; mailboxes: string }): { pidFile: string } {
  const home = join(state, 'postfix')
  for (const name of ['etc', 'queue', 'data']) mkdirSync(join(home, name), { recursive: true })
  const [, , uid, gid] = execFileSync('getent', ['passwd', 'postfix'], { encoding: 'utf8' }).split(':')
  chownSync(join(home, 'data'), Number(uid), Number(gid))
  const etc = join(home, 'etc')
  writeFileSync(join(etc, 'mailboxes'), people.map((name) => `${name}@rig.test ${name}/Maildir/\n`).join(''))
  // robot may also send as the shared mailbox, as with a delegated mailbox at a real provider.
  writeFileSync(
    join(etc, 'senders'),
    [...people.filter((name) => name !== 'shared').map((name) => `${name}@rig.test ${name}@rig.test`), 'shared@rig.test robot@rig.test,alice@rig.test'].join(
      '\n',
    ) + '\n',
  )
  writeFileSync(join(etc, 'main.cf'), postfixMain({ home, state, etc, owner: mailOwner, mailboxes: options.mailboxes, authPort: options.authPort }))
  writeFileSync(join(etc, 'master.cf'), postfixMaster(options.mta))
  if (existsSync('/etc/postfix/dynamicmaps.cf')) cpSync('/etc/postfix/dynamicmaps.cf', join(etc, 'dynamicmaps.cf'))
  startDaemon('postfix', ['-c', etc, 'start'], join(state, 'postfix.log'))
  return { pidFile: join(home, 'queue', 'pid', 'master.pid') }
}

async function startControl(server: AuthorizationServer): Promise<{ url: string; stop: () => Promise<void> }> {
  const { createServer: createHttp } = await import('node:http')
  const http = createHttp((request, response) => {
    if (request.url === '/hang' || request.url === '/go-on') server.hang(request.url === '/hang')
    const [, person] = /^\/take-back\/(\w+)$/.exec(request.url ?? '') ?? []
    void (person === undefined ? Promise.resolve() : server.takeBackTokens(person)).then(() => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(request.url === '/requests' ? server.requests : {}))
    })
  })
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(http.address() as { port: number }).port}`,
    async stop() {
      http.closeAllConnections()
      await new Promise((done) => http.close(done))
    },
  }
}

export async function endByPidFile(file: string): Promise<void> {
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8').trim())
  const lives = () => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
  if (lives()) process.kill(pid, 'SIGTERM')
  for (let i = 0; i < 100 && lives(); i++) await new Promise((done) => setTimeout(done, 50))
  if (lives()) process.kill(pid, 'SIGKILL')
}

async function waitForPort(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        done(true)
      })
      socket.once('error', () => done(false))
    })
    if (open) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`port ${port} did not open`)
}

if (import.meta.main) {
  const option = (name: string) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined)
  const rig = await startMailRig(option('--state'))
  const out = option('--out')
  const text = JSON.stringify(rig.addresses, null, 2)
  if (out === undefined) console.log(text)
  else writeFileSync(out, text)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void rig.stop().then(() => process.exit(0)))
}
