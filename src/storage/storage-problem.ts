import { isProblem, Problem } from '../base/problem.ts'

type DriverError = { code?: string; errcode?: number; message?: string }

/** Makes a problem of an error of the database's own making; null for any other error. */
export function toStorageProblem(error: unknown): Problem | null {
  if (isProblem(error)) return null
  const { code = '', errcode = 0, message = '' } = (error ?? {}) as DriverError
  const primary = errcode & 0xff
  if (primary === 13 || code === '53100' || code === 'ENOSPC') {
    return new Problem('storage_full', 'The disk of the database is full; nothing was written.', { cause: error, retryAfter: 30 })
  }
  if (code === 'ERR_SQLITE_ERROR') {
    switch (primary) {
      case 5:
      case 6:
        return new Problem('storage_unavailable', 'The database is locked by another process.', { cause: error, retryAfter: 5 })
      case 8:
        return new Problem('storage_unavailable', 'The database is read-only: check the rights of the data folder.', { cause: error, retryAfter: 30 })
      case 10:
        return new Problem('storage_unavailable', 'The database could not be written: the disk reports an error.', { cause: error, retryAfter: 30 })
      case 11:
      case 26:
        return new Problem('storage_unavailable', 'The database file is damaged.', { cause: error, nextStep: 'Restore it from a backup.' })
    }
  }
  // It answers, but lets nobody in: the wrong user or password (28), database (3D), or rights (42501), or no TLS that can be trusted.
  if (/^(28...|3D000|42501)$/.test(code) || /CERT|SELF_SIGNED|ALTNAME/.test(code) || /does not support SSL/.test(message)) {
    return new Problem('storage_unavailable', `PostgreSQL cannot be used: ${message}.`, {
      cause: error,
      nextStep: 'Check user, password, database and sslmode in KEYBEARER_DATABASE_URL, and the rights of the role.',
    })
  }
  const lost =
    /^(08|57P0|53[0-3]|55P03|57014)/.test(code) ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)/.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/.test(message)
  if (lost) return new Problem('storage_unavailable', 'The database does not answer.', { cause: error, retryAfter: 5 })
  return null
}
