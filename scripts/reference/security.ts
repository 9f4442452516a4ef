import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { link, page, prose, table } from './markdown.ts'
import { findProofs, type Proof } from './security-proofs.ts'

/** One of the requirements; `left` says what no test shows yet although some part is proven. */
export type Requirement = { id: string; weight: 'critical' | 'high' | 'medium'; promise: string; left?: string }

const root = join(import.meta.dirname, '..', '..')
const file = 'docs/reference/security-requirements.json'

export const requirements = JSON.parse(readFileSync(join(root, file), 'utf8')) as Requirement[]

const groups: [letter: string, title: string, opening: string][] = [
  ['K', 'Keys and encryption', 'What lies on a disk opens only with the master key, and only where it belongs.'],
  ['A', 'Audit and logs', 'What happened can be told afterwards, without telling a secret.'],
  ['O', 'OAuth', 'Consents, tokens and their renewal.'],
  ['N', 'Network', 'Where connections go, and what comes back.'],
  ['Z', 'Access', 'Who may do what.'],
  ['P', 'Operation', 'What running it for years needs.'],
]

export function makeSecurityPage(): string {
  const proofs = findProofs(root)
  const count = (state: State) => requirements.filter((one) => stateOf(one, proofs) === state).length
  return page(
    `the titles of the tests and ${file}`,
    'Security: what is promised, and what proves it',
    `Keybearer measures itself by ${requirements.length} requirements. This page says for each whether a test proves it and which: **${count('proven')} proven, ${count('in part')} in part, ${count('not yet')} not yet**.`,
    howToRead,
    threatModel,
    '## Overview',
    table(
      ['Group', 'Proven', 'In part', 'Not yet'],
      groups.map(([letter, title]) => {
        const own = requirements.filter(({ id }) => id.startsWith(letter))
        const list = (state: State) =>
          own
            .filter((one) => stateOf(one, proofs) === state)
            .map(({ id }) => link(id, `#${id.toLowerCase()}`))
            .join(' ') || '–'
        return [title, list('proven'), list('in part'), list('not yet')]
      }),
    ),
    groups.flatMap(([letter, title, opening]) => [
      `## ${title}`,
      opening,
      ...requirements.filter(({ id }) => id.startsWith(letter)).flatMap((one) => section(one, proofs)),
    ]),
  )
}

const howToRead = [
  '## How to read this page',
  [
    '- A requirement is **proven** when tests whose titles begin with its id hold the whole of it. A test may carry an id only if it was seen to fail with the protection taken out.',
    '- **In part** means that such tests exist, and that the sentence below them names what no test shows yet.',
    '- **Not yet** means that no test shows it. It does not mean that the protection is missing; it means that you should not rely on it.',
    '- `npm test` runs every test that is named here. The page is made from their titles, so that it cannot promise what no test tries.',
  ].join('\n'),
  'How to report a weakness, and which versions get corrections, is in the file `SECURITY.md` of the repository.',
]

const threatModel = [
  '## What is defended against whom',
  'What is worth stealing here, in the order of damage: the master key; refresh tokens and service-account keys; client secrets; access tokens; access keys; the audit trail; and the knowledge which accounts are connected and who uses them.',
  table(
    ['Somebody who', 'must not get', 'because'],
    [
      ['steals the database, a backup or the disk', 'any secret', 'everything is sealed by a key that lies elsewhere'],
      [
        'can write to the database',
        'a secret in a place he may read, or an unnoticed change',
        'ciphertexts are bound to their place, and the audit trail is a chain',
      ],
      [
        'has a stolen access key',
        'more than its credentials, for long, unseen',
        'keys have rights, an end and a network, every use is recorded, and revoking works at once',
      ],
      [
        'lures the owner to a web page',
        'a call, or a connection to a foreign account',
        'Host and Origin are checked, calls need a key that browsers do not send, and consents are bound by state, PKCE and issuer',
      ],
      [
        'runs a malicious provider',
        "another provider's code or token, or script in our pages",
        'issuers and redirect URIs are told apart, and its words are shown as text',
      ],
      [
        'may enter addresses',
        'inner services, or a secret sent to his own host',
        'addresses are checked as numbers when they are used, and credentials name their hosts',
      ],
      ['reads logs, tickets and alerts', 'a secret', 'secrets have a type that does not print, and what is written is searched for them'],
    ],
  ),
  'Beside people, there is bad luck: a crash, a full disk, a lost answer, two processes at once. None of them may lose a token that was rotated.',
  'Nothing here helps against root on the machine, against somebody who reads the memory of the running process, against a provider that abuses its own tokens, or against an old state of the whole database and key put back together.',
]

type State = 'proven' | 'in part' | 'not yet'

function stateOf({ id, left }: Requirement, proofs: Map<string, Proof[]>): State {
  if (!proofs.has(id)) return 'not yet'
  return left === undefined ? 'proven' : 'in part'
}

function section(one: Requirement, proofs: Map<string, Proof[]>): string[] {
  const own = proofs.get(one.id) ?? []
  return [
    `### ${one.id}`,
    `${prose(one.promise)} *(${one.weight}; ${stateOf(one, proofs)})*`,
    ...(own.length === 0 ? [] : [own.map((proof) => `- ${prose(proof.title)} (${link(proof.path.split('/').at(-1)!, `../../${proof.path}`)})`).join('\n')]),
    ...(one.left === undefined ? [] : [`${own.length === 0 ? '' : 'Not yet: '}${prose(one.left)}`]),
  ]
}
