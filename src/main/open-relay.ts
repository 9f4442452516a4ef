import { hostname } from 'node:os'
import { networkTest } from '../access/caller.ts'
import { Refusals } from '../access/refusals.ts'
import type { Check, Services } from '../api/services.ts'
import { isLoopback } from '../base/addresses.ts'
import { Problem } from '../base/problem.ts'
import type { Settings } from '../config.ts'
import type { Relay, RelayOptions } from '../mail/relay.ts'
import { ownCertificate, readCertificate } from './relay-certificate.ts'

/** Makes the mail relay; null: it is switched off, and nothing of it is loaded. @throws Problem settings_invalid when a part is missing */
export async function openRelay(settings: Settings, services: Services): Promise<Relay | null> {
  if (portsOf(settings).every((port) => port === null)) return null
  const { KEYBEARER_RELAY_OPEN_NETWORKS: networks, KEYBEARER_RELAY_OPEN_SENDER: sender } = settings
  if (networks.length > 0 !== (sender !== null)) {
    throw new Problem('settings_invalid', 'KEYBEARER_RELAY_OPEN_NETWORKS and KEYBEARER_RELAY_OPEN_SENDER go together: set both or none.')
  }
  const { log, audit, clock, accessKeys, rawIntake, keyLimits, metrics } = services
  const options: RelayOptions = {
    host: settings.KEYBEARER_RELAY_HOST,
    name: settings.KEYBEARER_RELAY_NAME ?? hostname(),
    port: settings.KEYBEARER_RELAY_PORT,
    tlsPort: settings.KEYBEARER_RELAY_TLS_PORT,
    oldPort: settings.KEYBEARER_RELAY_OLD_PORT,
    oldTlsPort: settings.KEYBEARER_RELAY_OLD_TLS_PORT,
    tls: relayTlsOf(settings, services),
  }
  const { Relay } = await import('../mail/relay.ts')
  return new Relay(
    {
      log,
      intake: rawIntake,
      limits: keyLimits,
      clock,
      readKey: (authorization) => accessKeys.reader(authorization),
      refusals: new Refusals({ audit, clock, log }),
      count: (outcome) => metrics.count('relay_total', { outcome }),
      maxBytes: settings.KEYBEARER_MAIL_MAX_BYTES,
      openTo: sender === null ? null : { networks: networkTest(networks), sender },
    },
    options,
  )
}

const portsOf = (settings: Settings) => [
  settings.KEYBEARER_RELAY_PORT,
  settings.KEYBEARER_RELAY_TLS_PORT,
  settings.KEYBEARER_RELAY_OLD_PORT,
  settings.KEYBEARER_RELAY_OLD_TLS_PORT,
]

/** On loopback alone nothing needs to be encrypted, and a certificate that nobody knows would only be in the way. */
function needsCertificate(settings: Settings): boolean {
  const [port, ...others] = portsOf(settings)
  return others.some((one) => one !== null) || (port !== null && !isLoopback(settings.KEYBEARER_RELAY_HOST))
}

function relayTlsOf(settings: Settings, { clock, log }: Pick<Services, 'clock' | 'log'>): RelayOptions['tls'] {
  const { KEYBEARER_RELAY_CERTIFICATE_FILE: certificateFile, KEYBEARER_RELAY_KEY_FILE: keyFile, KEYBEARER_CONFIG: folder } = settings
  if (certificateFile !== null && keyFile !== null) return { certificateFile, keyFile }
  if (certificateFile !== null || keyFile !== null) {
    throw new Problem('settings_invalid', 'KEYBEARER_RELAY_CERTIFICATE_FILE and KEYBEARER_RELAY_KEY_FILE go together: set both or none.')
  }
  if (!needsCertificate(settings)) return null
  try {
    return ownCertificate({ folder, name: settings.KEYBEARER_RELAY_NAME, machine: hostname(), now: clock.now(), log })
  } catch (error) {
    throw new Problem('settings_invalid', `The relay cannot write its own certificate to ${folder} (${(error as NodeJS.ErrnoException).code ?? 'error'}).`, {
      cause: error,
      nextStep: 'Let the service write there once, or set KEYBEARER_RELAY_CERTIFICATE_FILE and KEYBEARER_RELAY_KEY_FILE.',
    })
  }
}

const day = 86_400_000
const soon = 14 * day

/** Examines what the settings make of the relay. */
export function relayChecks(settings: Settings, now: number): Check[] {
  const checks: Check[] = []
  const oldPorts = [settings.KEYBEARER_RELAY_OLD_PORT, settings.KEYBEARER_RELAY_OLD_TLS_PORT].filter((port) => port !== null)
  if (oldPorts.length > 0) {
    checks.push({
      name: 'mail relay',
      outcome: 'warning',
      message: `It takes TLS 1.0 and 1.1 at port ${oldPorts.join(' and ')}: whoever sits on the way can break it and read the access key.`,
      nextStep:
        'Give such devices a network and an access key of their own, and unset KEYBEARER_RELAY_OLD_PORT and KEYBEARER_RELAY_OLD_TLS_PORT when they are gone.',
    })
  }
  const file = settings.KEYBEARER_RELAY_CERTIFICATE_FILE
  if (file === null || portsOf(settings).every((port) => port === null)) return checks
  const certificate = readCertificate(file)
  const end = certificate === null ? Number.NaN : Date.parse(certificate.validTo)
  if (Number.isNaN(end)) checks.push({ name: 'mail relay', outcome: 'failed', message: `${file} holds no certificate.`, nextStep: 'Put it there again.' })
  else if (end - now < soon) {
    const message = `Its certificate ${end < now ? 'ended' : 'ends'} on ${new Date(end).toISOString()}.`
    checks.push({ name: 'mail relay', outcome: end < now ? 'failed' : 'warning', message, nextStep: `Renew ${file}: it is read again by itself.` })
  }
  return checks
}
