import { readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import type { NewRequest, RequestAnswer } from '../../client/src/operations.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError } from './connection.ts'
import { failureMark } from './fail.ts'
import { collectPairs, oneOf, readInput, readNumber } from './input.ts'
import { printJson, say } from './output.ts'
import { connectService } from './service.ts'

type Options = {
  method?: NonNullable<NewRequest['method']>
  header?: Record<string, string>
  query?: Record<string, string>
  json?: string
  text?: string
  file?: string
  keyHeader?: string
  timeout?: number
  maxBytes?: number
  include?: boolean
  output?: string
  whole?: boolean
}

export function requestCommand(): Command {
  return new Command('request')
    .description('send an HTTP request with a credential and print the body of the answer; the token stays in the service')
    .argument('<name>', 'the credential')
    .argument('<url>', 'an address at a host that the credential may be sent to')
    .addOption(oneOf('--method <method>', 'GET unless told, POST with a body', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']))
    .option('--header <name: value>', 'further header; may come several times', collectHeaders)
    .option('--query <name=value>', 'parameter to add to the address; may come several times', collectPairs)
    .option('--json <file>', 'file with a JSON body; - for stdin')
    .option('--text <file>', 'file with a text body; - for stdin')
    .option('--file <file>', 'file to send as it is; - for stdin')
    .option('--key-header <name>', 'for an API key: the header it goes into; as a bearer token unless told')
    .option('--timeout <seconds>', 'until the whole answer must be there', readNumber)
    .option('--max-bytes <number>', 'the most that is given of the body', readNumber)
    .option('--include', 'print status and headers before the body')
    .option('--output <file>', 'write the body to a file')
    .option('--whole', 'print the whole answer as JSON: status, headers, body, duration')
    .action(async (name: string, url: string, options: Options) => {
      const body = readBody(options)
      const answer = await connectService().sendRequest({
        body: {
          credential: name,
          url,
          ...(options.method ? { method: options.method } : {}),
          ...(options.header ? { headers: options.header } : {}),
          ...(options.query ? { query: options.query } : {}),
          ...(body ? { body } : {}),
          ...(options.keyHeader === undefined ? {} : { key_header: options.keyHeader }),
          ...(options.timeout === undefined ? {} : { timeout_seconds: options.timeout }),
          ...(options.maxBytes === undefined ? {} : { max_bytes: options.maxBytes }),
        },
      })
      tellAnswer(answer, url, options)
    })
}

/** Reads `Name: value` as curl has it, or `name=value` as other commands here have it. */
function collectHeaders(value: string, before: Record<string, string> | undefined): Record<string, string> {
  const at = value.search(/[:=]/)
  if (at < 1) throw new CommandError(`"${value}" must be of the form "Name: value".`, { exit: exitCodes.usage })
  return { ...before, [value.slice(0, at).trim()]: value.slice(at + 1).trim() }
}

function readBody(options: Options): NewRequest['body'] {
  const given = [options.json, options.text, options.file].filter((file) => file !== undefined)
  if (given.length > 1) throw new CommandError('Only one of --json, --text and --file can be given.', { exit: exitCodes.usage })
  if (options.text !== undefined) return { text: readInput(options.text) }
  if (options.file !== undefined) return { base64: readBytes(options.file).toString('base64') }
  if (options.json === undefined) return undefined
  try {
    return { json: JSON.parse(readInput(options.json)) as never }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${options.json === '-' ? 'The standard input' : options.json} is not JSON.`, { exit: exitCodes.usage })
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}.`, { exit: exitCodes.usage })
  }
}

function tellAnswer(answer: RequestAnswer, url: string, options: Options): void {
  const bytes = Buffer.from(answer.body, answer.body_encoding === 'base64' ? 'base64' : 'utf8')
  if (options.whole) printJson(answer)
  else {
    if (options.include) {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`)
      process.stdout.write(`${[`HTTP ${answer.status}`, ...lines].join('\n')}\n\n`)
    }
    if (options.output === undefined) writeBody(bytes)
    else writeFileSync(options.output, bytes)
  }
  if (answer.truncated) say(`The body was longer and has been cut after ${bytes.length} bytes; see --max-bytes.`)
  if (answer.status < 400) return
  say(`${failureMark()} ${new URL(url).host} answers with status ${answer.status}.`)
  process.exitCode = exitOf(answer.status)
}

/** Bytes go out as they came; only a person's prompt wants a line of its own. */
function writeBody(bytes: Buffer): void {
  process.stdout.write(bytes)
  if (process.stdout.isTTY && bytes.length > 0 && bytes.at(-1) !== 0x0a) process.stdout.write('\n')
}

function exitOf(status: number): number {
  if (status === 401 || status === 403) return exitCodes.not_allowed
  if (status === 404 || status === 410) return exitCodes.no_such_thing
  if (status === 408 || status === 425 || status === 429 || status === 502 || status === 503 || status === 504) return exitCodes.try_later
  return exitCodes.failed
}
