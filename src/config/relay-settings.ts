import { hostName, networks, path, setting, wholeNumber } from './setting.ts'

/** The settings of the mail relay. */
export const relaySettings = {
  KEYBEARER_RELAY_PORT: setting<number | null>({
    parse: wholeNumber(0, 65_535),
    fallback: () => null,
    shownDefault: '(off)',
    sentence: 'Port of the mail relay, at which programs hand in mail by SMTP; with STARTTLS if it has a certificate.',
  }),
  KEYBEARER_RELAY_TLS_PORT: setting<number | null>({
    parse: wholeNumber(0, 65_535),
    fallback: () => null,
    shownDefault: '(off)',
    sentence: 'Port of the mail relay with TLS from the first byte.',
  }),
  KEYBEARER_RELAY_OLD_PORT: setting<number | null>({
    parse: wholeNumber(0, 65_535),
    fallback: () => null,
    shownDefault: '(off)',
    sentence: 'Port of the mail relay for old devices that know no TLS newer than 1.0, with STARTTLS. Weak: only for a network of their own.',
  }),
  KEYBEARER_RELAY_OLD_TLS_PORT: setting<number | null>({
    parse: wholeNumber(0, 65_535),
    fallback: () => null,
    shownDefault: '(off)',
    sentence: 'The same with TLS from the first byte.',
  }),
  KEYBEARER_RELAY_HOST: setting({ parse: path, fallback: () => '127.0.0.1', shownDefault: '127.0.0.1', sentence: 'Address at which the mail relay listens.' }),
  KEYBEARER_RELAY_NAME: setting<string | null>({
    parse: hostName,
    fallback: () => null,
    shownDefault: '(name of the machine)',
    sentence: 'Name by which programs reach the mail relay: it stands in its greeting, and in the certificate that it makes itself.',
  }),
  KEYBEARER_RELAY_CERTIFICATE_FILE: setting<string | null>({
    parse: path,
    fallback: () => null,
    shownDefault: '(made at the first start)',
    sentence:
      'PEM file of the mail relay: its certificate and the ones between it and the root. Read again when it changes. Without one, the relay makes its own where it needs one: relay.pem in KEYBEARER_CONFIG.',
  }),
  KEYBEARER_RELAY_KEY_FILE: setting<string | null>({
    parse: path,
    fallback: () => null,
    shownDefault: '(made at the first start)',
    sentence: "PEM file of that certificate's private key.",
  }),
  KEYBEARER_RELAY_OPEN_NETWORKS: setting({
    parse: networks,
    fallback: () => [],
    shownDefault: '(none)',
    sentence: 'Networks from which the mail relay takes mail without a login, for devices that have none.',
  }),
  KEYBEARER_RELAY_OPEN_SENDER: setting<string | null>({
    parse: (text) => text,
    fallback: () => null,
    shownDefault: '(none)',
    sentence: "Sender that such mail goes through; its address is that mail's From.",
  }),
  KEYBEARER_RELAY_FROM: setting<'refuse' | 'rewrite' | 'keep'>({
    parse: (text) => {
      if (text !== 'refuse' && text !== 'rewrite' && text !== 'keep') throw new Error('must be refuse, rewrite or keep')
      return text
    },
    fallback: () => 'refuse',
    shownDefault: 'refuse',
    sentence:
      'What becomes of finished mail whose From belongs to no sender, unless the sender that it ends up at says otherwise: refuse, rewrite (From of that sender, answers to the old one) or keep.',
  }),
} as const
