import type { Client } from '@keybearer/client'

type ItemOf<Name extends 'listPersons' | 'listPasskeys' | 'listSessions'> = Awaited<ReturnType<Client[Name]>>['items'][number]

export type Person = ItemOf<'listPersons'>
export type Passkey = ItemOf<'listPasskeys'>
export type OwnSession = ItemOf<'listSessions'>
