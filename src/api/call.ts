import type { Caller } from '../access/caller.ts'
import type { Submission } from '../access/idempotency.ts'
import type { Actor } from '../base/actor.ts'
import type { Body, Endpoint, Params, Query, ReplyBody } from './endpoint.ts'
import type { EndpointId, EndpointOf } from './contract.ts'
import type { Services } from './services.ts'

/** A request that was let in: who asks for what, checked against the contract. */
export type Call<Row extends Endpoint = Endpoint> = {
  params: Params<Row>
  query: Query<Row>
  body: Body<Row>
  /** Who calls; nobody at a public endpoint. */
  caller: Row['permission'] extends 'public' ? null : Caller
  actor: Actor
  /** The id behind `{credential}` in the path where the permission is about it. It was decided on, so it is what the work is done on. */
  credentialId: string
  /** From If-Match. */
  ifRevision: number | undefined
  /** From Idempotency-Key, where the work itself keeps it. */
  submission: Submission | null
  requestId: string
  address: string | null
  isHead: boolean
  /** The query as it came, for the one endpoint that others define the parameters of. */
  rawQuery: string
  authorization: string | undefined
  /** What the cookie of a session holds. */
  session: string | null
  userAgent: string | null
  /** The Cookie header, for cookies that have names of their own. */
  cookies: string | null
  lastEventId: string | undefined
  /** The bytes of a body that is signed; empty for all others. */
  rawBody: Buffer
  /** What a signed call says of itself in its headers. */
  webhook: { id: string | undefined; timestamp: string | undefined; signature: string | undefined }
}

type More = { status?: number; headers?: Record<string, string> }

export type EventSink = {
  write(chunk: string): void
  /** Bytes that the caller has not taken yet. */
  readonly waiting: number
  end(): void
  onClose(listener: () => void): void
}

/** A file that is given away piece by piece. Whoever takes the pieces ends the iterator, however it ends. */
export type AnsweredFile = { name: string; size: number; chunks: AsyncIterable<Uint8Array> }

/** What a handler gives back, by the kind of reply that the contract says. */
export type Answer<Row extends Endpoint> = Row['kind'] extends 'json'
  ? More & { body: ReplyBody<Row>; revision?: number }
  : Row['kind'] extends 'nothing'
    ? More
    : Row['kind'] extends 'events'
      ? { stream: (sink: EventSink) => Promise<void> }
      : Row['kind'] extends 'lines'
        ? More & { lines: AsyncIterable<ReplyBody<Row>> }
        : Row['kind'] extends 'file'
          ? { file: AnsweredFile }
          : More & { text: string }

export type Handler<Row extends Endpoint> = (call: Call<Row>) => Promise<Answer<Row>>

/** One handler for every endpoint of the contract: one that is missing does not compile. */
export type Handlers = { [Id in EndpointId]: Handler<EndpointOf<Id>> }

export type HandlersOf<Ids extends EndpointId> = Pick<Handlers, Ids>

export type MakeHandlers<Ids extends EndpointId> = (services: Services) => HandlersOf<Ids>
