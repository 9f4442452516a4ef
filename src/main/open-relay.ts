import { networkTest } from '../access/caller.ts'
import { Refusals } from '../access/refusals.ts'
import type { Services } from '../api/services.ts'
import { Problem } from '../base/problem.ts'
import type { Settings } from '../config.ts'
import type { Relay, RelayOptions } from '../mail/relay.ts'

/** Makes the mail relay; null: it is switched off, and nothing of it is loaded. @throws Problem settings_invalid when a part is missing */
export async function openRelay(settings: Settings, services: Services): Promise<Relay | null> {
  const options: RelayOptions = {
    host: settings.KEYBEARER_RELAY_HOST,
    port: settings.KEYBEARER_RELAY_PORT,
    tlsPort: settings.KEYBEARER_RELAY_TLS_PORT,
    tls: relayTlsOf(settings),
  }
  const { KEYBEARER_RELAY_OPEN_NETWORKS: networks, KEYBEARER_RELAY_OPEN_SENDER: sender } = settings
  if (options.port === null && options.tlsPort === null) return null
  if (options.tlsPort !== null && options.tls === null) {
    throw new Problem('settings_invalid', 'KEYBEARER_RELAY_TLS_PORT needs KEYBEARER_RELAY_CERTIFICATE_FILE and KEYBEARER_RELAY_KEY_FILE.')
  }
  if (networks.length > 0 !== (sender !== null)) {
    throw new Problem('settings_invalid', 'KEYBEARER_RELAY_OPEN_NETWORKS and KEYBEARER_RELAY_OPEN_SENDER go together: set both or none.')
  }
  const { Relay } = await import('../mail/relay.ts')
  const { log, audit, clock, accessKeys, rawIntake, metrics } = services
  return new Relay(
    {
      log,
      intake: rawIntake,
      authenticate: (authorization, address) => accessKeys.authenticate(authorization, address),
      refusals: new Refusals({ audit, clock, log }),
      count: (outcome) => metrics.count('relay_total', { outcome }),
      maxBytes: settings.KEYBEARER_MAIL_MAX_BYTES,
      openTo: sender === null ? null : { networks: networkTest(networks), sender },
    },
    options,
  )
}

function relayTlsOf({ KEYBEARER_RELAY_CERTIFICATE_FILE: certificateFile, KEYBEARER_RELAY_KEY_FILE: keyFile }: Settings): RelayOptions['tls'] {
  if (certificateFile !== null && keyFile !== null) return { certificateFile, keyFile }
  if (certificateFile === null && keyFile === null) return null
  throw new Problem('settings_invalid', 'KEYBEARER_RELAY_CERTIFICATE_FILE and KEYBEARER_RELAY_KEY_FILE go together: set both or none.')
}
