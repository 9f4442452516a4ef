import { administrationMeanings, administrations, rightMeanings, rights } from '../../src/access/types.ts'
import { contract } from '../../src/api/contract.ts'
import type { Endpoint } from '../../src/api/endpoint.ts'
import { describePermission } from '../../src/api/openapi.ts'
import { endpointAnchor } from './api.ts'
import { code, fence, link, page, prose, table, target } from './markdown.ts'

export function makePermissionsPage(): string {
  return page(
    'src/access/types.ts and src/api/contract.ts',
    'Permissions',
    'An access key may do what it was made for and nothing else. It names credentials and what may be done with each of them (rights), and apart from that what may be administered. Whatever is not allowed by this page is refused.',
    fence(
      'sh',
      [
        '# A backup job that fetches tokens of one credential, for 90 days, from one network',
        'keybearer key create backup-job --credential work-mail --right token --network 192.0.2.0/24 --expires 90d',
        '',
        '# A monitor that sees how every credential is, and no token',
        'keybearer key create monitor --credential all --right read',
      ].join('\n'),
    ),
    'A key is shown once, when it is made. Its rights cannot be changed afterwards: make another one and revoke the first. Nobody can give away more than he has.',
    '## Rights on credentials',
    table(
      ['Right', 'What it allows'],
      rights.map((right) => [`${target(right)}${code(right)}`, prose(rightMeanings[right])]),
    ),
    'A credential that a key has no right on looks to it exactly like one that does not exist.',
    'Which saved actions a key may run, it names beside the credentials. Whoever runs an action needs no right on its credential; whoever makes one needs it.',
    '## Administration',
    table(
      ['Word', 'What it allows'],
      administrations.map((one) => [`${target(one)}${code(one)}`, prose(administrationMeanings[one])]),
    ),
    'Managing and reading tokens are two different things: a key that may manage everything still gets no token unless it has the right `token`.',
    '## Who may call what',
    table(
      ['Call', 'Needs'],
      (contract as readonly Endpoint[]).map((row) => [
        link(code(`${row.method} ${row.path}`), `api.md#${endpointAnchor(row)}`),
        describePermission(row.permission),
      ]),
    ),
    'A refused call is answered with [`not_signed_in`](errors.md#not_signed_in), [`not_allowed`](errors.md#not_allowed) or [`not_found`](errors.md#not_found), and is [recorded](audit-actions.md).',
  )
}
