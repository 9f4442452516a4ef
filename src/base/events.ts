/** Something that happened, as it is told to pages, scripts and the other nodes. Never carries a secret. */
export type Event = {
  /** Grows by one over all nodes; 0 for an event that only this process tells and nobody can ask for again. */
  seq: number
  at: number
  type: EventType
  subject: string | null
  data: Record<string, unknown>
}

/** Every kind of event, with the sentence that the reference page shows. */
export const eventTypes = {
  'credential.created': 'A credential was made.',
  'credential.changed': 'Name, description, settings or secrets of a credential were changed.',
  'credential.deleted': 'A credential was deleted; for a while it can be restored.',
  'credential.purged': 'A deleted credential was destroyed for good.',
  'credential.connected': 'A person consented, or a two-legged credential got its first token.',
  'credential.refreshed': 'A credential got a new access token.',
  'credential.expiring': 'A credential will stop soon unless a person acts.',
  'credential.broken': 'A credential stopped working; the data say why and what to do.',
  'credential.recovered': 'A credential works again.',
  'credential.paused': 'A person switched a credential off.',
  'credential.resumed': 'A person switched a credential on again.',
  'credential.revoked': 'The tokens of a credential were revoked.',
  'consent.started': 'A consent was started.',
  'consent.browser_refused': 'The answer to a consent came in another browser than the one that began it, and was refused.',
  'consent.finished': 'A consent ended; the data say how.',
  'token.handed_out': 'Tokens left for an access key; sent at most once a second per credential and key, with a count.',
  'registration.changed': 'A registration was made, changed or deleted.',
  'access_key.changed': 'An access key was made, handed over or revoked.',
  'access_key.unusual':
    'An access key was used as it never was: from another address, by another program, or many times as often. Told at most once a day of each key.',
  'access_key.delivery_reopened': 'The one-time link of an access key was opened again: somebody else may have the key. The data name both addresses.',
  'person.changed': 'A person was invited, joined, changed or removed, or signed in or out.',
  'sender.changed': 'A sender was made, changed or deleted.',
  'provider.changed': 'A provider of your own was made, changed or deleted.',
  'mail_options.changed': 'The email options were changed.',
  'credential.snoozed': 'Nobody is told of a credential until a day, or is told of it again.',
  'webhook.changed': 'A webhook was made, changed or deleted.',
  'webhook.disabled': 'A webhook was switched off, because nothing came through for days or its receiver wanted no more.',
  'message.queued': 'A message was accepted.',
  'message.sent': 'A message was handed to the mail server.',
  'message.delayed': 'A message could not be sent now and is tried again.',
  'message.failed': 'A message failed for good.',
  'message.cancelled': 'A message was cancelled.',
  'action.changed': 'An action was made, changed or deleted.',
  'action.skipped': 'A time of a schedule passed without a run; the data say why.',
  'action.run_started': 'A run of an action began.',
  'action.run_finished': 'A run of an action ended; the data say how.',
  'audit.blocked': 'The audit trail cannot be written; nothing is handed out.',
  'audit.unblocked': 'The audit trail can be written again; the data of one that was blocked for a while say since when it was.',
  'events.missed': 'Events were missed that are not kept any more, so that anything may have changed. Read everything anew.',
  'service.locked': 'The service was locked: until it is unlocked nothing is opened, and no job runs.',
  'service.unlocked': 'The service was unlocked.',
  'master_key.rotated': 'All data keys are wrapped by the new master key.',
} as const

export type EventType = keyof typeof eventTypes

export type EventListener = (event: Event) => void

/** Tells events to whoever listens in this process. */
export class EventBus {
  readonly #listeners = new Set<EventListener>()

  /** Calls the listener for every event from now on, until the returned function is called. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  publish(event: Event): void {
    // A copy: whoever listens may stop listening while it is told.
    for (const listener of Array.from(this.#listeners)) listener(event)
  }
}
