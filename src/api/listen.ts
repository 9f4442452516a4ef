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

/** Begins to answer and returns where. @throws Problem settings_invalid when another program listens there */
export function listenOn(server: Server, port: number, host: string): Promise<{ port: number; host: string }> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Problem('settings_invalid', `Port ${port} of ${host} is in use by another program.`, {
              cause: error,
              nextStep: 'Stop the other program, or set KEYBEARER_LISTEN to another port.',
            })
          : error,
      )
    })
    server.listen(port, host, () => {
      const bound = server.address() as AddressInfo
      resolve({ port: bound.port, host: bound.address })
    })
  })
}

/** Begins to answer where the settings say. @throws Problem settings_invalid in words of the settings */
export async function listenAt(server: Pick<ApiServer, 'listen'>, port: number, host: string): Promise<{ port: number; host: string }> {
  try {
    return await server.listen(port, host)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const where = `${host}:${port}`
    if (code === 'EADDRINUSE') {
      throw new Problem('settings_invalid', `Another program listens on ${where}.`, {
        cause: error,
        nextStep: 'Stop it, or set KEYBEARER_PORT to another port.',
      })
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new Problem('settings_invalid', `${where} cannot be listened on (${code}).`, {
        cause: error,
        nextStep: 'Correct KEYBEARER_HOST or KEYBEARER_PORT.',
      })
    }
    throw error
  }
}
