import type { Client } from '@keybearer/client'

type ItemOf<Name extends 'listPersons' | 'listSessions'> = Awaited<ReturnType<Client[Name]>>['items'][number]

export type Person = ItemOf<'listPersons'>
export type OwnSession = ItemOf<'listSessions'>
