/** Stops of many credentials at once. */
export type EmergencyStopTable = {
  id: string
  /** JSON: which credentials were meant. */
  criteria: string
  /** 1: their tokens are taken back at the providers, too. */
  revokes: number
  reason: string
  /** JSON: the actor that ordered it. */
  ordered_by: string
  created_at: number
  /** When what it had switched off was switched on again. */
  undone_at: number | null
}

/** What has become of each credential of a stop; a row outlives its credential. */
export type StoppedCredentialTable = {
  stop_id: string
  credential_id: string
  name: string
  /** 1: it was paused before. */
  was_paused: number
  /** stopped, waiting, revoking, revoked, not_revoked */
  state: string
  message: string | null
  /** The order by which its tokens are being taken back. */
  job_id: string | null
  updated_at: number
}
