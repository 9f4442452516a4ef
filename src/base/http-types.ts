/** An outgoing HTTP request. All of the program's own HTTP passes `base/http.ts`. */
export type OutgoingRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD'
  url: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Milliseconds until the whole answer must be there; 30,000 unless told. */
  timeout?: number
  /** The largest answer that is read, in bytes; 1 MiB unless told. */
  maxBytes?: number
  /** What becomes of a larger one: it fails unless told; `cut` gives its beginning. */
  beyondMax?: 'fail' | 'cut'
  signal?: AbortSignal
}

export type OutgoingResponse = {
  status: number
  /** Lower-case names; several fields of one name are joined by ", ". */
  headers: Record<string, string>
  body: Uint8Array
  /** Set when there was more than was read. */
  isCut?: boolean
}

/**
 * Sends a request and returns whatever status came back; redirects are returned, never followed.
 *
 * @throws Problem `outgoing_failed` (network, TLS, time, size; `facts.sent` is false when certainly no byte of the request
 * reached the server) or `address_not_allowed` (private address, or not https)
 */
export type OutgoingHttp = (request: OutgoingRequest) => Promise<OutgoingResponse>
