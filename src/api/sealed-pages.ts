import { page } from './pages.ts'

/** What a browser shows of a locked service: how to unlock it, for whoever may. */
export function lockedPage({ mayUnlock, needsPassphrase }: { mayUnlock: boolean; needsPassphrase: boolean }): string {
  const field = needsPassphrase
    ? '<p><label for="passphrase">Passphrase of the master key</label><br><input id="passphrase" name="passphrase" type="password" required autocomplete="off" autofocus></p>'
    : ''
  return page(
    'Keybearer is locked',
    '<h1>Keybearer is locked</h1><p>Nothing is opened, no token leaves and no job runs until somebody unlocks it.</p>' +
      (mayUnlock
        ? `<form method="post" action="/v1/unlock">${field}<button>Unlock</button></form>`
        : '<p>This browser has no session of somebody who manages the service, and nobody can sign in while it is locked.</p>') +
      `<p>On the machine of the service: <code>keybearer unlock</code></p>`,
  )
}

/** Says that it goes on, and looks again in a moment. */
export function unlockingPage(): string {
  return page('Unlocking', '<h1>Unlocking …</h1><p><a href="/">Go on</a></p>', '<meta http-equiv="refresh" content="2;url=/">')
}
