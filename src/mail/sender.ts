import type { Actor } from '../base/actor.ts'
import type { Delivery, Priority, SenderView } from './types.ts'

/** Who sends, and everybody who gets it; with how urgent it is among others for the same account. What stands in the message's own header does not count. */
export type Envelope = { from: string; to: string[]; priority?: Priority }

/** The port to whatever takes mail. Nothing here throws for what a server or the network does. */
export type Sender = {
  /**
   * Sends a message once. A token that the server refuses is renewed and tried once more.
   *
   * Invariant: the envelope is the truth. Nobody in it is forgotten, and nobody else gets the message.
   */
  deliver(sender: SenderView, envelope: Envelope, mime: string | Buffer, actor: Actor): Promise<Delivery>
  /** Shows the credential to the server, and sends nothing. */
  tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'>
  /** Asks servers that are left alone for now again, where they did not ask for it themselves. */
  reopen(): void
  /** Closes what waits for work. */
  close(): void
}

export type SenderKind = SenderView['kind']
export type SendersByKind = Record<SenderKind, Sender>
