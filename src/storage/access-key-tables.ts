/** What automations call with: the key itself is nowhere, its hash is. */
export type AccessKeyTable = {
  id: string
  name: string
  /** SHA-256 of the key, hex; a text that no key has as long as there is none yet. */
  hash: string
  /** The first characters, to recognize it. */
  hint: string
  /** JSON: [{credential: id or "*", rights: ["read", "token", "mail", "request"]}] */
  permissions: string
  /** JSON: ["manage", "keys", "audit", "persons"] */
  administration: string
  /** JSON list of ids of actions that it may run, or "*" for all. */
  actions: string
  /** JSON list of CIDR networks it may come from; [] = from anywhere. */
  networks: string
  /** JSON: {messages_per_hour, recipients_per_message, bytes_per_message}, each a number or null; null: no limits of its own. */
  mail_limits: string | null
  expires_at: number | null
  revoked_at: number | null
  created_by: string
  created_at: number
  last_used_at: number | null
  last_used_from: string | null
  /** As with credentials. */
  kept_from: number | null
  unused_told_at: number | null
  /** When it was stopped because nobody used it. */
  stopped_at: number | null
}

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
