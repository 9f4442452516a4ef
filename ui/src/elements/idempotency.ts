import { useState } from 'react'
import { newIdempotencyKey } from '../api/client.ts'

/**
 * Gives the Idempotency-Key of a request: the same content is done once, however often it is sent; changed content is a new
 * request.
 */
export function useIdempotencyKey(): (body: unknown) => string {
  const [keyOf] = useState(() => {
    let last = { text: '', key: '' }
    return (body: unknown): string => {
      const text = JSON.stringify(body)
      if (last.text !== text) last = { text, key: newIdempotencyKey() }
      return last.key
    }
  })
  return keyOf
}
