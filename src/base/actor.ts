/** Who does something: the caller of the API, a person, or the service by itself. */
export type Actor = {
  /** Id of the access key or person, `service`, or `nobody`. */
  id: string
  /** Its name at that moment, for the audit trail. */
  name: string
  kind: 'access_key' | 'person' | 'service' | 'nobody'
  /** The network address it came from. */
  address: string | null
}

/** The service itself, when nobody asked: scheduled refreshes, retries, clean-up. */
export const service: Actor = { id: 'service', name: 'Keybearer', kind: 'service', address: null }
