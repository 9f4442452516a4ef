import { problemCodes, type ProblemCode } from '../../src/base/problem-codes.ts'
import { problemsOf } from '../../src/api/openapi.ts'
import { contract } from '../../src/api/contract.ts'
import type { Endpoint } from '../../src/api/endpoint.ts'
import { code, fence, page, prose, table, target } from './markdown.ts'

type Group = { title: string; opening: string; first: ProblemCode }

/** The page follows the order of the table of codes; each group goes on until the next one begins. */
const groups: Group[] = [
  { title: 'The request', opening: 'What the caller sent, or who sent it, does not fit.', first: 'invalid_request' },
  {
    title: 'The credential',
    opening: 'The credential cannot be used now. Its status says the same, with a reason: `keybearer show NAME`.',
    first: 'incomplete',
  },
  { title: 'Consent', opening: "A person's sign-in at a provider did not end with tokens.", first: 'consent_unknown' },
  { title: 'Providers and the network', opening: 'A provider, or the way to it, did not do its part.', first: 'discovery_failed' },
  { title: 'Mail', opening: 'A message was not accepted, or not sent.', first: 'mail_invalid' },
  { title: 'The service', opening: 'The service itself cannot go on, or was set up wrongly.', first: 'audit_blocked' },
]

export function makeErrorsPage(): string {
  const all = Object.keys(problemCodes) as ProblemCode[]
  const begins = groups.map(({ first }) => all.indexOf(first))
  return page(
    'src/base/problem-codes.ts',
    'Errors',
    'Every error has a code that never changes its meaning, a sentence that says what happened in this case, and a next step. Programs should look at the code; people at the rest.',
    'The API answers in the form of RFC 9457, with the media type `application/problem+json`:',
    fence('json', JSON.stringify(example(), null, 2)),
    '`errors` names the fields of the input that are wrong, `retry_after` the seconds to wait (the same as the header `Retry-After`), `facts` further facts of the case. `request_id` stands in the log of the service, too. No error ever repeats a secret.',
    'The command line prints the sentence and the next step on stderr and ends with the exit code of the table; what the exit codes mean stands in the [reference of the command line](command-line.md#exit-codes).',
    groups.flatMap(({ title, opening }, i) => [
      `## ${title}`,
      opening,
      table(
        ['Code', 'HTTP', 'Exit', 'What happened', 'Next step'],
        all.slice(begins[i], begins[i + 1]).map((one) => {
          const { status, exit, title: happened, nextStep } = problemCodes[one]
          return [`${target(one)}${code(one)}`, String(status), String(exit), prose(happened), prose(nextStep)]
        }),
      ),
    ]),
    '## Errors that any call may answer with',
    `Some errors are not listed at each endpoint of the [API](api.md), because any of them may give them: ${everywhere().map(code).join(', ')}.`,
  )
}

/** Returns the codes that no endpoint is free of. */
function everywhere(): ProblemCode[] {
  const [first, ...others] = (contract as readonly Endpoint[]).map(problemsOf)
  return first!.filter((one) => others.every((codes) => codes.includes(one)))
}

function example(): unknown {
  const { status, title } = problemCodes.needs_consent
  return {
    type: 'urn:keybearer:problem:needs_consent',
    title,
    status,
    code: 'needs_consent',
    detail: 'Google refuses to renew the tokens of "work-mail": the consent was taken back or has run out.',
    next_step: 'Reconnect it: keybearer connect work-mail',
    request_id: 'req_5pm3ywyq2gn7k4vbtd8r',
    facts: { credential: 'work-mail' },
  }
}
