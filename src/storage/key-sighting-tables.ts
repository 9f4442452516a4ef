/** What an access key was seen with for the first time. */
export type KeySightingTable = {
  access_key_id: string
  /** address, program, busy_day */
  kind: string
  value: string
  first_at: number
  /** 1: people were told of it. */
  is_told: number
}

/** How often an access key was handed something on one day in UTC. */
export type KeyDayTable = { access_key_id: string; day: number; count: number }
