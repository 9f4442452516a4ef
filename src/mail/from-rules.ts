import { Problem, type FieldError } from '../base/problem.ts'
import { normalizeAddress } from './message.ts'
import type { SenderView } from './types.ts'

/** What becomes of a message whose From belongs to no sender. */
export const foreignFroms = ['refuse', 'rewrite', 'keep'] as const
export type ForeignFrom = (typeof foreignFroms)[number]

type Ruled = Pick<SenderView, 'from' | 'takesFrom'>

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/**
 * Returns how closely an address belongs to a sender, 0 for its own; null when it may not go through it. A sender that names no
 * addresses takes those of its own domain.
 */
function closeness({ from, takesFrom }: Ruled, address: string): number | null {
  const text = address.toLowerCase()
  if (text === from.toLowerCase()) return 0
  if (takesFrom === null) return domainOf(from) === domainOf(text) ? 2 : null
  if (takesFrom.includes(text)) return 1
  if (takesFrom.includes(`@${domainOf(text)}`)) return 2
  return takesFrom.includes('*') ? 3 : null
}

/** Returns whether a message from this address may go through the sender. */
export const takesFrom = (sender: Ruled, address: string): boolean => closeness(sender, address) !== null

/**
 * Chooses the sender to which From belongs most closely: by its own address, by one that it names, by the domain, or because it
 * takes any; else the default one, else the only one there is.
 *
 * @throws Problem no_sender
 */
export function chooseSender(usable: SenderView[], from: string[], isNamed: boolean): { sender: SenderView; fits: boolean } {
  const main = usable.find((sender) => sender.isDefault)
  // The default one first, where several fit.
  const inOrder = main === undefined ? usable : [main, ...usable.filter((sender) => sender !== main)]
  const [address] = from
  if (address !== undefined && from.length === 1) {
    let best: { sender: SenderView; distance: number } | null = null
    for (const sender of inOrder) {
      const distance = closeness(sender, address)
      if (distance !== null && (best === null || distance < best.distance)) best = { sender, distance }
    }
    if (best !== null) return { sender: best.sender, fits: true }
  }
  const sender = isNamed || inOrder.length === 1 ? inOrder[0] : main
  if (sender) return { sender, fits: false }
  throw new Problem('no_sender', `No sender fits From ${from.join(', ').slice(0, 200)}, and there is no default one that may be used here.`, {
    nextStep: 'Make a sender with this address, or choose a default sender in the email options.',
  })
}

/** Returns the addresses that a sender takes as they are kept; null: those of its own domain. What is wrong goes to `errors`. */
export function readTakesFrom(entries: readonly string[] | null, errors: FieldError[]): string[] | null {
  if (entries === null || entries.length === 0) return null
  const read = entries.map((entry, i) => {
    const text = entry.trim().toLowerCase()
    if (text === '*') return text
    const address = normalizeAddress(text.startsWith('@') ? `any${text}` : text)
    if (address === null) errors.push({ path: `takes_from.${i}`, message: 'must be an address, a domain such as @example.org, or * for any' })
    return text.startsWith('@') ? `@${domainOf(address ?? text)}` : (address ?? text)
  })
  return [...new Set(read)]
}
