import { z } from 'zod'
import { roles } from '../access/roles.ts'
import { endpoint } from './endpoint.ts'
import { count, optionalTime, ref, time, word } from './schemas.ts'

const person = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    status: z.enum(['active', 'invited', 'suspended']),
    passkeys: count,
    created_at: time,
    last_seen_at: optionalTime,
  })
  .meta({ id: 'Person', description: 'Somebody who may sign in to the web page' })

const invited = z
  .object({ person, link: z.string().meta({ description: 'One-time link for the person; in this answer only' }), expires_at: time })
  .meta({ id: 'InvitedPerson' })

const params = z.strictObject({ person: ref('person') })
const permission = { administration: 'persons' } as const

export const personEndpoints = [
  endpoint({
    id: 'listPersons',
    method: 'GET',
    path: '/v1/persons',
    tag: 'Persons',
    summary: 'Lists who may sign in.',
    permission,
    audit: null,
    status: 200,
    kind: 'json',
    reply: z.object({ items: z.array(person), next: z.null() }).meta({ id: 'Persons' }),
  }),
  endpoint({
    id: 'invitePerson',
    method: 'POST',
    path: '/v1/persons',
    tag: 'Persons',
    summary: 'Makes a person and the one-time link by which he joins.',
    permission,
    audit: 'person.invited',
    body: z.strictObject({ name: word(200), role: z.enum(roles) }).meta({ id: 'NewPerson' }),
    status: 201,
    kind: 'json',
    reply: invited,
    fresh: true,
    noStore: true,
    problems: ['name_taken'],
  }),
  endpoint({
    id: 'changePerson',
    method: 'PATCH',
    path: '/v1/persons/{person}',
    tag: 'Persons',
    summary: 'Changes the role of a person, suspends or admits him. It works at once, on open sessions too.',
    permission,
    audit: 'person.changed',
    params,
    body: z.strictObject({ role: z.enum(roles).optional(), suspended: z.boolean().optional() }).meta({ id: 'PersonChange' }),
    status: 200,
    kind: 'json',
    reply: person,
    fresh: true,
    problems: ['last_administrator'],
  }),
  endpoint({
    id: 'deletePerson',
    method: 'DELETE',
    path: '/v1/persons/{person}',
    tag: 'Persons',
    summary: 'Removes a person with his sessions. What the audit trail says of him stays.',
    permission,
    audit: 'person.deleted',
    params,
    status: 204,
    kind: 'nothing',
    fresh: true,
    problems: ['last_administrator'],
  }),
  endpoint({
    id: 'renewInvitation',
    method: 'POST',
    path: '/v1/persons/{person}/invitation',
    tag: 'Persons',
    summary: 'Makes a new one-time link for a person: the old one was lost, or the password was forgotten.',
    permission,
    audit: 'person.invited',
    params,
    status: 201,
    kind: 'json',
    reply: invited,
    fresh: true,
    noStore: true,
  }),
] as const
