import { inspect } from 'node:util'

/**
 * Carries a ciphertext that `crypto/` made and only `crypto/` can open. It is the only kind of value that a secret
 * column of the database takes, and what every binary column gives back.
 */
export class Sealed {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  toString(): string {
    return '[sealed]'
  }

  toJSON(): string {
    return '[sealed]'
  }

  [inspect.custom](): string {
    return '[sealed]'
  }
}
