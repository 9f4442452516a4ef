/** Settings that are secrets; those of the service too, which may be set where a person works. */
export const secretVariables = [
  'KEYBEARER_ACCESS_KEY',
  'KEYBEARER_MASTER_KEY',
  'KEYBEARER_MASTER_KEY_PASSPHRASE',
  'KEYBEARER_DATABASE_URL',
  'KEYBEARER_SIGN_IN_CLIENT_SECRET',
]

/**
 * Returns the environment of a program that is started from here.
 *
 * Invariant: the key with which tokens are fetched is not the child's, and no other secret of Keybearer either.
 */
export function childEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const child = { ...environment }
  for (const name of secretVariables) {
    delete child[name]
    delete child[`${name}_FILE`]
  }
  return child
}
