import { useState } from 'react'

/** The code of a one-time link. It stands behind the "#", which no browser sends, and leaves the address bar at once. */
export function useLinkCode(): string {
  const [code] = useState(() => {
    const text = decodeURIComponent(window.location.hash.slice(1))
    if (text !== '') window.history.replaceState(window.history.state, '', window.location.pathname)
    return text
  })
  return code
}
