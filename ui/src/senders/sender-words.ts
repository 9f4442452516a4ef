import type { Sender } from '@keybearer/client'

export const kindWords: Record<Sender['kind'], string> = { smtp: 'Mail server (SMTP)', graph: 'Microsoft Graph', gmail: 'Gmail API' }

export const tlsWords: Record<Sender['tls'], string> = { implicit: 'TLS from the start', starttls: 'STARTTLS', none: 'no TLS (this machine only)' }

export const mechanismWords: Record<Exclude<Sender['mechanism'], 'none'>, string> = {
  auto: 'What the server offers',
  XOAUTH2: 'XOAUTH2 (a token, as Google and Microsoft want it)',
  OAUTHBEARER: 'OAUTHBEARER (a token, by the standard)',
  PLAIN: 'PLAIN (user and password)',
  LOGIN: 'LOGIN (user and password, the old way)',
}

/** The port that belongs to a way of encryption, unless somebody knows better. */
export const usualPort: Record<Sender['tls'], number> = { implicit: 465, starttls: 587, none: 25 }

export const tlsHints: Record<Sender['tls'], string> = {
  starttls: 'Begins in the open and becomes encrypted before anything is said; mostly at port 587.',
  implicit: 'Encrypted from the first byte on; mostly at port 465.',
  none: 'Only for a mail server on this same machine.',
}
