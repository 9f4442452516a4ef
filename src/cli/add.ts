import { Command } from 'commander'
import type { CredentialOptions, NewCredential, NewRegistration } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { shellWord } from '../base/shell-word.ts'
import { CommandError } from './connection.ts'
import { ask, askSecret, canAsk, collect, collectPairs, oneOf, readInput, readNumber, readSecretFile } from './input.ts'
import { print, printJson } from './output.ts'
import { connectService } from './service.ts'

type Options = {
  kind: 'oauth2' | 'api_key' | 'basic'
  provider?: string
  issuer?: string
  grant?: NewCredential['grant']
  registration?: string
  clientId?: string
  clientAuth?: NewRegistration['client_auth']
  clientSecretFile?: string
  privateKeyFile?: string
  privateKeyId?: string
  certificateFile?: string
  placeholder?: Record<string, string>
  user?: string
  scope?: string[]
  host?: string[]
  tag?: string[]
  description?: string
  variant?: CredentialOptions['variant']
  audience?: string
  resource?: string[]
  actFor?: string
  tokenParameter?: Record<string, string>
  consentDays?: number
  secretFile?: string
  refreshTokenFile?: string
  googleJson?: string
  json?: boolean
}

export function addCommand(): Command {
  return new Command('add')
    .description('make a credential, and its registration if it is new; asks on a terminal for what is missing')
    .argument('<name>', 'how automations call it, such as work-mail')
    .addOption(oneOf('--kind <kind>', 'what it is', ['oauth2', 'api_key', 'basic']).default('oauth2'))
    .option('--provider <id>', 'see "keybearer providers"')
    .option('--issuer <url>', 'find the endpoints of a provider that is not in the catalogue by its issuer address')
    .addOption(oneOf('--grant <grant>', 'how it gets tokens', ['authorization_code', 'device_code', 'client_credentials', 'jwt_bearer']))
    .option('--registration <name>', 'use a registration that exists')
    .option('--client-id <id>')
    .addOption(oneOf('--client-auth <method>', 'how the client proves itself', ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']))
    .option('--client-secret-file <file>', 'file with the client secret; - for stdin')
    .option('--private-key-file <file>', 'PEM file with the private key; - for stdin')
    .option('--private-key-id <kid>')
    .option('--certificate-file <file>', 'PEM file with the certificate of the key')
    .option('--placeholder <name=value>', "value of the provider's placeholder, such as tenant=contoso.com", collectPairs)
    .option('--user <account>', 'the account, mostly a mail address')
    .option('--scope <scopes>', 'scopes to ask for, with commas or several times', collect)
    .option('--host <hosts>', 'hosts that the secret may be sent to; those of the provider unless told', collect)
    .option('--tag <tags>', 'tags', collect)
    .option('--description <text>')
    .addOption(oneOf('--variant <variant>', 'whose way of asking without a person', ['standard', 'microsoft_compatible', 'google_compatible']))
    .option('--audience <audience>')
    .option('--resource <resources>', 'resource to ask a token for (RFC 8707)', collect)
    .option('--act-for <subject>', 'whom a service account acts for, such as a mailbox')
    .option('--consent-days <days>', 'days after which each consent ends, such as 7 while a Google app is in testing', readNumber)
    .option('--token-parameter <name=value>', 'further parameter of token requests', collectPairs)
    .option('--secret-file <file>', 'file with the API key or password; - for stdin')
    .option('--refresh-token-file <file>', 'file with a refresh token that another program got for the same registration')
    .option('--google-json <file>', 'client_secret*.json, service-account or authorized_user file of Google')
    .option('--json', 'print JSON')
    .action(async (name: string, options: Options) => {
      const client = connectService()
      const provider = options.issuer === undefined ? options.provider : await discoverOnce(client, options.issuer)
      const body = await makeBody(name, { ...options, ...(provider === undefined ? {} : { provider }) }, client)
      const made = await client.createCredential({ body })
      if (options.json) return printJson(made)
      print(`"${made.name}" is made. Status: ${made.status.replace('_', ' ')}.`)
      if (made.kind !== 'oauth2') return
      if (made.grant === 'authorization_code' || made.grant === 'device_code') {
        const registration = made.registration === null ? null : await client.getRegistration({ params: { registration: made.registration.id } })
        if (registration && made.grant === 'authorization_code')
          print(`Register this redirect URI at the provider, exactly as it stands:\n  ${registration.redirect_uri}`)
        if (!made.has_refresh_token) print(`Connect it with: keybearer connect ${shellWord(made.name)}`)
      } else print(`Try it with: keybearer test ${shellWord(made.name)}`)
    })
}

type Client = ReturnType<typeof connectService>

async function discoverOnce(client: Client, issuer: string): Promise<string> {
  const { description, warnings } = await client.discoverProvider({ body: { issuer } })
  for (const warning of warnings) process.stderr.write(`! ${warning}\n`)
  const known = (await client.listProviders({ query: { search: description.id, limit: 500 } })).items.find((one) => one.id === description.id)
  if (!known) await client.createProvider({ body: description })
  return description.id
}

async function makeBody(name: string, options: Options, client: Client): Promise<NewCredential> {
  const body: NewCredential = {
    name,
    kind: options.kind,
    ...(options.user === undefined ? {} : { username: options.user }),
    ...(options.scope ? { scopes: options.scope } : {}),
    ...(options.host ? { allowed_hosts: options.host } : {}),
    ...(options.tag ? { tags: options.tag } : {}),
    ...(options.description === undefined ? {} : { description: options.description }),
  }
  const extra: CredentialOptions = {
    ...(options.variant ? { variant: options.variant } : {}),
    ...(options.audience === undefined ? {} : { audience: options.audience }),
    ...(options.resource ? { resource: options.resource } : {}),
    ...(options.actFor === undefined ? {} : { act_for: options.actFor }),
    ...(options.consentDays === undefined ? {} : { consent_lifetime: Math.round(options.consentDays * 86_400) }),
    ...(options.tokenParameter ? { token_parameters: options.tokenParameter } : {}),
  }
  if (Object.keys(extra).length > 0) body.options = extra
  if (options.googleJson !== undefined) {
    delete body.kind
    return { ...body, google_json: readJson(options.googleJson), ...(options.grant ? { grant: options.grant } : {}) }
  }
  if (options.kind !== 'oauth2') {
    if (options.kind === 'basic' && options.user === undefined) body.username = await ask('User name', '--user')
    body.secret =
      options.secretFile === undefined
        ? await askSecret(options.kind === 'basic' ? 'Password' : 'API key', '--secret-file')
        : readSecretFile(options.secretFile)
    return body
  }
  if (options.refreshTokenFile !== undefined) body.refresh_token = readSecretFile(options.refreshTokenFile)
  if (options.registration !== undefined) return await withDefaults({ ...body, registration: options.registration }, options, null)
  const provider = options.provider ?? (await ask('Provider (see "keybearer providers")', '--provider'))
  const { description } = await client.getProvider({ params: { provider } })
  const placeholders = { ...options.placeholder }
  for (const [key, rule] of Object.entries(description.placeholders ?? {})) {
    const needed = placeholders[key] === undefined && rule.default === undefined && rule.kind !== 'url'
    if (needed && canAsk()) placeholders[key] = await ask(`${rule.title} (${rule.meaning} For example ${rule.example})`, `--placeholder ${key}=…`)
  }
  const clientId = options.clientId ?? (await ask('Client ID', '--client-id'))
  const registration: NewRegistration = {
    name,
    provider,
    client_id: clientId,
    ...(Object.keys(placeholders).length > 0 ? { placeholders } : {}),
    ...(options.clientAuth ? { client_auth: options.clientAuth } : {}),
    ...(options.clientSecretFile === undefined ? {} : { client_secret: readSecretFile(options.clientSecretFile) }),
    ...(options.privateKeyFile === undefined ? {} : { private_key: readInput(options.privateKeyFile) }),
    ...(options.privateKeyId === undefined ? {} : { private_key_id: options.privateKeyId }),
    ...(options.certificateFile === undefined ? {} : { certificate: readInput(options.certificateFile) }),
  }
  const hasSecret = registration.client_secret !== undefined || registration.private_key !== undefined
  const isPublic = options.clientAuth === 'none' || (description.client_auth as string[]).every((method) => method === 'none')
  if (!hasSecret && !isPublic && canAsk()) {
    const secret = await askSecret('Client secret (empty: none)', '--client-secret-file')
    if (secret !== '') registration.client_secret = secret
  }
  return await withDefaults({ ...body, registration }, options, {
    grants: description.grants,
    scopes: description.default_scopes,
    variants: description.variants,
  })
}

async function withDefaults(
  body: NewCredential,
  options: Options,
  known: { grants: string[]; scopes: string[]; variants: string[] } | null,
): Promise<NewCredential> {
  const grant = options.grant ?? (known ? (known.grants[0] as NewCredential['grant']) : undefined)
  if (grant === undefined) throw new CommandError('--grant is needed with a registration that exists.', { exit: exitCodes.usage })
  const withPerson = grant === 'authorization_code' || grant === 'device_code'
  const scopes = body.scopes ?? (known && withPerson ? known.scopes : undefined)
  const variant = body.options?.variant ?? (known && !withPerson ? known.variants[0] : undefined)
  return {
    ...body,
    grant,
    ...(scopes ? { scopes } : {}),
    ...(variant !== undefined && variant !== 'standard' ? { options: { ...body.options, variant: variant as NonNullable<CredentialOptions['variant']> } } : {}),
  }
}

function readJson(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readInput(file)) as Record<string, unknown>
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${file} is not JSON.`, { exit: exitCodes.usage })
  }
}
