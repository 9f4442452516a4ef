import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Problem } from '../base/problem.ts'

export type ApiServer = {
  /** Begins to answer and returns where. */
  listen(port: number, host: string): Promise<{ port: number; host: string }>
  /** Answers every call but the one for liveness with a reason from now on; those under way go on. */
  refuse(why: Problem): void
  /** Stops taking calls, lets those under way finish, and resolves when no connection is open. Late callers are told why. */
  close(why?: Problem): Promise<void>
}

/** Begins to answer and returns where. @throws Problem settings_invalid in words of the settings */
export function listenOn(server: Server, port: number, host: string): Promise<{ port: number; host: string }> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(inWordsOfSettings(error, `${host}:${port}`)))
    server.listen(port, host, () => {
      const bound = server.address() as AddressInfo
      resolve({ port: bound.port, host: bound.address })
    })
  })
}

function inWordsOfSettings(error: NodeJS.ErrnoException, where: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new Problem('settings_invalid', `Another program listens on ${where}.`, {
        cause: error,
        nextStep: 'Stop it, or set KEYBEARER_PORT to another port.',
      })
    case 'EACCES':
    case 'EADDRNOTAVAIL':
      return new Problem('settings_invalid', `${where} cannot be listened on (${error.code}).`, {
        cause: error,
        nextStep: 'Correct KEYBEARER_HOST or KEYBEARER_PORT.',
      })
    default:
      return error
  }
}
