import { createClient, KeybearerError, type Client } from '@keybearer/client'

/** Every call of the page goes through here: same origin, the session's cookie, the client that scripts use too. */
export const api: Client = createClient({ url: '', accessKey: null })

export const isRefusedSession = (error: unknown): boolean => error instanceof KeybearerError && error.status === 401
export const isStaleSession = (error: unknown): boolean => error instanceof KeybearerError && error.code === 'sign_in_stale'
export const isUnreachable = (error: unknown): boolean => error instanceof KeybearerError && error.code === 'service_unreachable'
export const isConflict = (error: unknown): boolean => error instanceof KeybearerError && error.code === 'changed_meanwhile'
export const isNotFound = (error: unknown): boolean => error instanceof KeybearerError && error.status === 404

/** An ETag as If-Match wants it. */
export const etag = (revision: number): string => `"r${revision}"`

/** A new Idempotency-Key: one per thing that a person does once, however often it is sent. */
export const newIdempotencyKey = (): string => crypto.randomUUID()
