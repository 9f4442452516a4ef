import { Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'

const shortest = 12
const longest = 512

/** What everybody tries first, folded as `fold` does. Length is what counts; this list only keeps the worst out. */
const tried = new Set(
  [
    'password password1 password12 password123 password1234 passw0rd passw0rd123 passwort passwort123 passwortpasswort passwordpassword',
    'mypassword secret secretsecret topsecret verysecret changeme changemenow changemechangeme pleasechangeme letmein letmein123 letmeinnow',
    'welcome welcome1 welcome123 welcome1234 willkommen willkommen1 administrator administrator1 admin admin123 admin1234 adminadmin adminadminadmin',
    'root rootroot rootrootroot superuser qwerty qwerty123 qwertyuiop qwertyuiopas qwertyuiop123 qwertz qwertzuiop qwertzuiopas asdfghjkl asdfghjklqwe',
    '1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc zaq12wsxcde3 qazwsxedcrfv iloveyou iloveyou123 iloveyouiloveyou monkeymonkey dragondragon',
    'sunshine123 princess123 football123 baseball123 superman123 batman123 trustno1 trustno1trustno1 correcthorsebatterystaple',
    'keybearer keybearer1 keybearer12 keybearer123 keybearer1234 keybearerkeybearer keybearerpassword keybeareradmin',
    'testtesttest testpassword demodemodemo demopassword defaultpassword default defaultdefault guestguestguest',
  ]
    .join(' ')
    .split(' '),
)

/** Letters and digits in one case; signs at the end and in between do not make a well-known password a good one. */
const fold = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')

/**
 * Checks a password that a person wants to have: long enough, and not one that is tried first. There are no rules about kinds
 * of characters: they make passwords that are hard to remember and no harder to guess.
 *
 * @throws Problem password_weak
 */
export function checkNewPassword(password: Secret, name: string): void {
  const text = password.reveal()
  const letters = [...text.normalize('NFKC')]
  const weak = (message: string) => new Problem('password_weak', `The password ${message}.`, { errors: [{ path: 'password', message }] })
  if (letters.length < shortest) throw weak(`must have at least ${shortest} characters`)
  if (letters.length > longest) throw weak(`must have at most ${longest} characters`)
  if (new Set(letters).size < 5 || isRepeated(letters.join('')) || isRun(letters)) throw weak('must not be a simple pattern')
  const folded = fold(text)
  if (tried.has(folded) || tried.has(folded.replace(/\d+$/, ''))) throw weak('must not be a well-known one')
  const own = fold(name)
  if (own.length >= 3 && folded.replaceAll(own, '').length < 6) throw weak('must not be made of the name')
}

/** A piece of up to four characters, over and over. */
const isRepeated = (text: string): boolean => /^(.{1,4})\1+.{0,3}$/su.test(text)

/** Characters that follow each other, such as abcdefghijkl or 987654321098. */
function isRun(letters: string[]): boolean {
  let along = 0
  for (let i = 1; i < letters.length; i++) {
    const step = letters[i]!.codePointAt(0)! - letters[i - 1]!.codePointAt(0)!
    if (Math.abs(step) === 1 || Math.abs(step) === 9) along++
  }
  return along >= letters.length - 2
}
