import type { SmtpReply } from './smtp-reply.ts'

type Advice = {
  match: RegExp
  message: string
  nextStep: string
  /** The login was refused by a rule that no other token changes. */
  noTokenHelps?: true
}

/**
 * What the words of real mail servers mean. The first match counts. The words only choose the advice: whether something is
 * tried again is decided by the reply's code.
 */
const table: Advice[] = [
  {
    match: /SmtpClientAuthentication is disabled for the (Tenant|Mailbox)/i, noTokenHelps: true,
    message: 'The login is fine, but sending by SMTP is switched off for this mailbox or its organisation.',
    nextStep: 'An administrator allows it: Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false. It takes up to an hour.',
  },
  {
    match: /5\.7\.30\b|basic authentication is disabled/i, noTokenHelps: true,
    message: 'The mail server no longer takes user name and password.', nextStep: 'Use a credential of kind oauth2 for this sender.',
  },
  {
    match: /security defaults|did not meet the criteria to be authenticated/i, noTokenHelps: true,
    message: 'A rule of the organisation refuses this login.', nextStep: 'Ask its administrator to look at the sign-in log and to allow this account to send by SMTP.',
  },
  {
    match: /5\.7\.139\b/, noTokenHelps: true,
    message: 'An administrator has blocked this way of logging in.', nextStep: 'Read the server\'s sentence: it names the rule. Ask the administrator of the mailbox.',
  },
  {
    match: /\b535 5\.7\.3\b/,
    message: 'The mail server took neither token nor account, and does not say why.',
    nextStep: 'Check three things: the scope is https://outlook.office.com/SMTP.Send (unattended: https://outlook.office365.com/.default), the login is the address of the mailbox, and an unattended app was given the mailbox in Exchange.',
  },
  {
    match: /5\.7\.60\b|SendAsDenied|5\.2\.252|not allowed to send as|sender address rejected: not owned|not owned by user/i,
    message: 'The account may not send with this From address.',
    nextStep: 'Use the account\'s own address as From, or have the right "Send As" granted for it.',
  },
  {
    match: /Concurrent connections limit exceeded|thread limit exceeded|\b432 4\.3\.2\b/i,
    message: 'Too many connections or messages at once for this mailbox.', nextStep: 'Nothing: it is tried again more slowly. See whether other programs send through the same mailbox.',
  },
  {
    match: /5\.4\.5\b.*(?:quota|limit)|sending (?:limit|quota)|SubmissionQuotaExceeded|5\.1\.90\b|\b5\.7\.23[236]\b/i,
    message: 'The account has sent as much as it may for now.', nextStep: 'Wait until the limit moves on, mostly 24 hours, then retry; send less, or through a service for bulk mail.',
  },
  {
    match: /STOREDRV/, message: 'Exchange could not take the message for this mailbox.',
    nextStep: 'Check that the mailbox exists, has a licence and room, and that an unattended app was given it in Exchange.',
  },
  { match: /Application-specific password required|\b534 5\.7\.9\b/i, message: 'The account refuses its normal password.', nextStep: 'Use a credential of kind oauth2, or an app password.' },
  { match: /\b55[24] 5\.(?:2|3)\.[34]\b|message (?:size|too large)|exceeds? (?:the )?(?:size|maximum)/i, message: 'The message is larger than the mail server takes.', nextStep: 'Send a link to the file instead.' },
  { match: /relay(?:ing)? (?:access )?denied|unable to relay/i, message: 'The mail server does not take mail for this recipient from this account.', nextStep: 'Check host, port and credential of the sender.' },
  { match: /STARTTLS first|Encryption required|\b538\b/i, message: 'The mail server wants an encrypted connection.', nextStep: 'Set the sender to starttls (port 587) or implicit TLS (port 465).' },
  { match: /\b550 5\.1\.(?:1|10)\b|user unknown|no such user|mailbox (?:unavailable|not found)/i, message: 'The mail server knows no such recipient.', nextStep: 'Correct the address.' },
]

export type Advised = { message: string; nextStep: string; noTokenHelps: boolean }

/** Returns what a reply means in plain words and what to do; null when nothing is known about it. */
export function adviseOn(reply: SmtpReply): Advised | null {
  const words = `${reply.code} ${reply.enhanced ?? ''} ${reply.text}`
  const found = table.find((advice) => advice.match.test(words))
  return found ? { message: found.message, nextStep: found.nextStep, noTokenHelps: found.noTokenHelps ?? false } : null
}
