export const requestMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** An HTTP request that is to be sent with a credential. */
export type NewHttpRequest = {
  method: (typeof requestMethods)[number]
  url: string
  headers?: Record<string, string>
  /** Added to what the address has already. */
  query?: Record<string, string>
  body?: { kind: 'json'; json: unknown } | { kind: 'text'; text: string } | { kind: 'base64'; base64: string }
  /** The header that an API key goes into; as a bearer token unless told. */
  keyHeader?: string
  timeoutSeconds?: number
  maxBytes?: number
}

/** What the server answered, without the token wherever it was written back. */
export type HttpAnswer = {
  status: number
  headers: Record<string, string>
  body: { kind: 'text' | 'base64'; content: string }
  /** There was more than `maxBytes`. */
  truncated: boolean
  /** Milliseconds, with the waits between attempts. */
  duration: number
  attempts: number
}
