import { longestFailure, type Surface } from '../base/diagnosis.ts'

/** A failure's text as the classifier reads it. */
export type FailureText = {
  /** On one line, without codes of terminals and pages. */
  plain: string
  lower: string
  /** OAuth 2.0 error codes that stand where an error code stands. */
  errors: Set<string>
  /** The same words anywhere. */
  words: Set<string>
  aadsts: Set<number>
  /** Reply codes of a mail server with the enhanced status code behind them, such as `535 5.7.8`; either may be missing. */
  replies: { code: string; enhanced: string }[]
  statuses: Set<string>
  isPage: boolean
  /** Where such a text comes from, by its form. */
  likely: Surface[]
}

/**
 * Reads a text that came from outside. It is cut first, and every expression below looks at each place of it a bounded number
 * of times, so that no text is slow.
 */
export function readFailureText(text: string): FailureText {
  const isPage = /<!doctype html|<html|text\/html|it is a web page/i.test(text.slice(0, longestFailure))
  const plain = clean(text.slice(0, longestFailure), isPage)
  const lower = plain.toLowerCase()
  return {
    plain,
    lower,
    errors: new Set([...firstGroups(lower, /\berror["']? ?[:=] ?["']?([a-z_]{3,60})\b/g), ...firstGroups(lower, /(?:^|[ ("'[])([a-z]{3,20}_[a-z_]{3,40}): /g)]),
    words: new Set(firstGroups(lower, /(?<![a-z_])([a-z]{3,20}_[a-z_]{3,40})(?![a-z_])/g)),
    aadsts: readNumbers(lower),
    replies: readReplies(lower),
    statuses: new Set([
      ...firstGroups(lower, /\bhttp(?:\/[\d.]{1,3})? ?(?:error |status |code ){0,2}:? ?([1-5]\d\d)\b/g),
      ...firstGroups(lower, /\bstatus(?: ?code)?["']? ?[:=]? ?([1-5]\d\d)\b/g),
      ...firstGroups(lower, /\b([45]\d\d) (?:client|server) error\b/g),
      ...firstGroups(lower, /"code" ?: ?([45]\d\d)\b/g),
    ]),
    isPage,
    likely: likelySurfaces(lower),
  }
}

function likelySurfaces(lower: string): Surface[] {
  if (/^[2-5]\d\d[ -]/.test(lower)) return ['smtp_auth', 'smtp_data']
  if (/^[?&#]?error=/.test(lower)) return ['authorize_redirect']
  if (/^error [45]\d\d: /.test(lower)) return ['authorize_page']
  return ['token_endpoint']
}

function clean(text: string, isPage: boolean): string {
  // eslint-disable-next-line no-control-regex
  let plain = text.replace(/\u001b\[[0-9;?]{0,20}[A-Za-z]|\u001b\][^\u0007\u001b]{0,300}(?:\u0007|\u001b\\)/g, '')
  if (isPage) plain = plain.replace(/<[^<>]{1,500}>/g, ' ')
  if (/(?:^|[?&#\s])error(?:_description)?=/.test(plain))
    plain = plain.replaceAll('+', ' ').replace(/%([0-9a-f]{2})/gi, (whole, hex: string) => ascii(hex, whole))
  plain = plain
    .replace(/\\u00([0-7][0-9a-f])/gi, (whole, hex: string) => ascii(hex, whole))
    .replace(/\\[rnt]/g, ' ')
    .replace(/\\(["'/])/g, '$1')
    .replace(/&(?:quot|#34|#x22);/gi, '"')
    .replace(/&(?:apos|#39|#x27);/gi, "'")
    .replace(/&(?:nbsp|#160);/gi, ' ')
    .replace(/&(?:lt|gt);/gi, ' ')
    .replace(/&amp;/gi, '&')
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    // eslint-disable-next-line no-control-regex
    .replace(/[\s\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g, ' ')
    .replace(/" ?: ?"/g, '":"')
    .trim()
  return `${plain}${openChallenges(plain)}`
}

/** Returns what a `%xx` or an escape stands for where that is a printable character. */
function ascii(hex: string, whole: string): string {
  const code = Number.parseInt(hex, 16)
  return code >= 32 && code < 127 ? String.fromCharCode(code) : whole.startsWith('%') ? ' ' : ''
}

/** A mail server hides its reason in base64: `334 eyJzdGF0dXMiOi…`. */
function openChallenges(plain: string): string {
  const found = [...plain.matchAll(/(?<![A-Za-z0-9+/])eyJzdGF0dX[A-Za-z0-9+/=]{10,600}/g)].slice(0, 3)
  return found
    .map(
      ([coded]) =>
        ` ${Buffer.from(coded, 'base64')
          .toString('latin1')
          .replace(/[^ -~]/g, '')}`,
    )
    .join('')
}

const firstGroups = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].slice(0, 200).map((found) => found[1]!)

function readNumbers(lower: string): Set<number> {
  const numbers = firstGroups(lower, /aadsts(\d{4,8})/g).map(Number)
  for (const list of firstGroups(lower, /error_codes["']? ?[:=] ?\[([\d, ]{4,200})\]/g)) numbers.push(...list.split(',').map(Number))
  return new Set(numbers.filter((number) => number > 0))
}

function readReplies(lower: string): FailureText['replies'] {
  const replies: FailureText['replies'] = []
  for (const [, code, enhanced] of [...lower.matchAll(/(?<![\d.])([2-5]\d\d)[ #:-]{1,2}([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)/g)].slice(0, 50)) {
    replies.push({ code: code!, enhanced: enhanced! })
  }
  for (const enhanced of firstGroups(lower, /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)/g)) replies.push({ code: '', enhanced })
  const places = /(?:^|[:"'([>] ?|\b(?:code|reply|smtp|said|responded|server|responsecode|error)[ :=]{1,3})([2-5]\d\d)(?=[ -]|$)/g
  // 500 is far more often the status of a web server.
  for (const code of firstGroups(lower, places)) if (code !== '500') replies.push({ code, enhanced: '' })
  return replies
}
