import { SendmailError } from './sysexits.ts'

/** What a call of `sendmail` asks for. */
export type SendmailOrder =
  | {
      mode: 'deliver'
      /** -t: To, Cc and Bcc of the message name recipients. */
      readsHeader: boolean
      /** Whether a line with only a dot ends the message. */
      endsAtDot: boolean
      /** -f or -r */
      from: string | null
      /** -F */
      fullName: string | null
      recipients: string[]
      verbose: boolean
    }
  | { mode: 'flush'; withRefused: boolean; verbose: boolean }
  | { mode: 'list' }
  /** -bi: the aliases are read at every call. */
  | { mode: 'nothing' }

/** Options with a value, which stands behind the letter or is the next word. */
const withValue = 'ABbCDeFfhLNOopQRrVX'
/** Options without one. `d` and `q` may have one behind the letter. */
const flags = 'cGIiMmnstUv'

/** Modes that belong to a mail server, and what does their work here. */
const impossibleModes: Record<string, string> = {
  s: 'hands no SMTP session through; programs that speak SMTP use the mail relay (KEYBEARER_RELAY_PORT)',
  d: 'runs no daemon: the service is "keybearer serve"',
  D: 'runs no daemon: the service is "keybearer serve"',
  t: 'has no rules of addresses to test',
  v: 'cannot verify an address: only its mail server knows',
  h: 'keeps no status of hosts',
  H: 'keeps no status of hosts',
}

/**
 * Reads the words as /usr/sbin/sendmail does: options may be joined (-ti), and those that ask for nothing that matters here
 * are passed over.
 *
 * @throws SendmailError with EX_USAGE for what cannot be done
 */
export function readOrder(words: string[]): SendmailOrder {
  const order = { readsHeader: false, endsAtDot: true, from: null as string | null, fullName: null as string | null, verbose: false }
  const recipients: string[] = []
  let mode: SendmailOrder['mode'] = 'deliver'
  let withRefused = false
  const take = (letter: string, value: string): void => {
    switch (letter) {
      case 'f':
      case 'r':
        order.from = readSender(value)
        return
      case 'F':
        order.fullName = value
        return
      case 'o':
        if (value === 'i') order.endsAtDot = false
        return
      case 'O':
        if (/^IgnoreDots=(?:true|yes|t|y|1)?$/i.test(value)) order.endsAtDot = false
        return
      case 'b':
        if (value === 'm' || value === 'a') return
        if (value === 'p') mode = 'list'
        else if (value === 'i') mode = 'nothing'
        else throw impossible(`-b${value}`, impossibleModes[value] ?? 'knows no such mode')
        return
      case 'C':
      case 'X':
      case 'D':
        throw impossible(`-${letter}`, letter === 'C' ? 'has no configuration file: its settings are KEYBEARER_… variables' : 'writes no such log')
      default:
    }
  }
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') {
      recipients.push(...words.slice(i + 1))
      break
    }
    if (word === '--flush') {
      mode = 'flush'
      withRefused = true
      continue
    }
    if (word === '--no-input') continue
    if (word.startsWith('--')) throw new SendmailError(`sendmail has no option ${word.slice(0, 60)}.`, 'usage', 'See: keybearer sendmail --help')
    if (!word.startsWith('-') || word === '-') {
      recipients.push(word)
      continue
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!
      const rest = word.slice(at + 1)
      if (letter === 'q') {
        // -qI…, -qR…, -qS… name a part of the queue; it is small, and goes as a whole. -q30m is a daemon.
        if (/^[pf]?\d/.test(rest)) throw impossible(`-q${rest}`, 'runs nothing at intervals: call "keybearer sendmail -q" by a timer')
        mode = 'flush'
        break
      }
      if (letter === 'd') break
      if (withValue.includes(letter)) {
        const value = rest === '' ? words[(i += 1)] : rest
        if (value === undefined) throw new SendmailError(`-${letter} needs a value.`, 'usage')
        take(letter, value)
        break
      }
      if (!flags.includes(letter)) throw new SendmailError(`sendmail has no option -${letter}.`, 'usage', 'See: keybearer sendmail --help')
      if (letter === 'i') order.endsAtDot = false
      else if (letter === 't') order.readsHeader = true
      else if (letter === 'v') order.verbose = true
      else if (letter === 'I') mode = 'nothing'
    }
  }
  if (mode === 'flush') return { mode, withRefused, verbose: order.verbose || withRefused }
  if (mode !== 'deliver') return { mode }
  if (recipients.length === 0 && !order.readsHeader) {
    throw new SendmailError('Nobody is named to send the message to.', 'usage', 'Name the recipients, or have them read from the message with -t.')
  }
  return { mode, ...order, recipients }
}

function impossible(option: string, why: string): SendmailError {
  return new SendmailError(`sendmail of Keybearer cannot do ${option}: it ${why}.`, 'usage')
}

/** A name of this machine says nothing to anybody else: then the sender's own address counts. */
function readSender(value: string): string | null {
  const address = /^\s*<?([^<>]*)>?\s*$/.exec(value)?.[1]?.trim() ?? ''
  return address.includes('@') ? address : null
}
