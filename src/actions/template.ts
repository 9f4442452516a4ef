import { Context, Liquid, LiquidError, type Template } from 'liquidjs'
import { systemClock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'

/** What a text is made for decides how values in it are written. */
export type Purpose = 'text' | 'html' | 'url' | 'address'

/** What the variables of a text mean. Plain data only. */
export type Scope = {
  /** What came with the run. */
  input: Record<string, unknown>
  /** What the action before this one came to; null for the first. */
  previous: Record<string, unknown> | null
  /** Variables of the environment that the settings allow. */
  env: Readonly<Record<string, string>>
  /** RFC 3339, in UTC. */
  now: string
  run: { id: string; trigger: string }
  action: { name: string }
}

const roots = ['input', 'previous', 'env', 'now', 'run', 'action']

/** Milliseconds for all texts of one action together. */
const longestRender = 1000
/** What LiquidJS counts: characters and items that are newly made. */
const mostMemory = 4_000_000
export const longestTemplate = 512 * 1024
const longestOutput = 2 * 1024 * 1024

/** Tags that read other templates. */
const fileTags = ['include', 'render', 'layout', 'block']

class TooLong extends Error {}
class Unfit extends Error {}

/** Gathers what is written, and ends when it is more than any text may be. */
class LimitedOutput {
  buffer = ''
  write(part: unknown): void {
    this.buffer += toText(part)
    if (this.buffer.length > longestOutput) throw new TooLong()
  }
}

/** Returns a value as it stands in a text. */
function toText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map(toText).join('')
  if (typeof value === 'object') return JSON.stringify(value) ?? ''
  return String(value)
}

const escapes: Record<Purpose, ((value: unknown) => string) | null> = {
  text: null,
  html: (value) => toText(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`),
  url(value) {
    try {
      return encodeURIComponent(toText(value))
    } catch {
      throw new Unfit('holds half a character')
    }
  },
  address(value) {
    const text = toText(value)
    if (/[\p{Cc},;:<>()[\]"\\]/u.test(text)) throw new Unfit('holds a character that could add a recipient or a header')
    return text
  },
}

const engines = {} as Record<Purpose, Liquid>

function engineOf(purpose: Purpose): Liquid {
  return (engines[purpose] ??= makeEngine(purpose))
}

/** Makes a Liquid that reads no files, knows no prototypes, and does not write more than it may. */
function makeEngine(purpose: Purpose): Liquid {
  const outputEscape = escapes[purpose]
  const engine = new Liquid({
    strictFilters: true,
    strictVariables: true,
    lenientIf: true,
    ownPropertyOnly: true,
    timezoneOffset: 0,
    parseLimit: longestTemplate,
    memoryLimit: mostMemory,
    // Nothing is looked for on the disk, even if a tag that does so should come back.
    templates: {},
    cache: false,
    ...(outputEscape === null ? {} : { outputEscape }),
  })
  for (const tag of fileTags) delete engine.tags[tag]
  const { renderer } = engine
  const renderTemplates = renderer.renderTemplates.bind(renderer)
  renderer.renderTemplates = (templates, context, emitter) => renderTemplates(templates, context, emitter ?? new LimitedOutput())
  return engine
}

/** Returns what is wrong with a text; null: nothing. Its values are judged when they are there. */
export function templateError(text: string, purpose: Purpose): string | null {
  try {
    const unknown = variablesOf(parse(text, purpose), purpose).find((path) => !roots.includes(path[0] ?? ''))
    return unknown === undefined ? null : `"${unknown[0]?.slice(0, 60)}" is no variable: write input.${unknown[0]?.slice(0, 60)}, previous.…, env.… or now`
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 300) : 'is no template'
  }
}

/** Returns the names of the input that a text asks for. */
export function inputsOf(text: string): string[] {
  try {
    return variablesOf(parse(text, 'text'), 'text').flatMap(([root, name]) => (root === 'input' && name !== undefined ? [name] : []))
  } catch {
    return []
  }
}

const parse = (text: string, purpose: Purpose): Template[] => engineOf(purpose).parse(text)

function variablesOf(templates: Template[], purpose: Purpose): string[][] {
  return engineOf(purpose)
    .globalVariableSegmentsSync(templates)
    .map((segments) => segments.map((segment) => (typeof segment === 'string' || typeof segment === 'number' ? String(segment) : '…')))
}

/** Writes the texts of one action. All of them share one limit of time. */
export class Renderer {
  readonly #scope: object
  #rest = longestRender

  constructor(scope: Scope) {
    const { previous, ...rest } = scope
    // A variable that is null is there; one that is not is missed.
    this.#scope = previous === null ? rest : scope
  }

  /** @throws Problem template_failed, without any value in its words */
  text(path: string, template: string, purpose: Purpose = 'text'): string {
    return this.#limited(path, template, purpose, (engine, context) => engine.renderSync(engine.parse(template), context) as string)
  }

  /** Returns the value itself where the text is nothing but one variable, so that numbers, lists and objects stay what they are. */
  value(path: string, template: string, purpose: Purpose = 'text'): unknown {
    const expression = /^\s*\{\{-?([^{}%]*?)-?\}\}\s*$/.exec(template)?.[1]
    if (expression === undefined) return this.text(path, template, purpose)
    return this.#limited(path, template, purpose, (engine, context) => {
      const value = engine.evalValueSync(expression, context) as unknown
      return value === undefined ? null : value
    })
  }

  #limited<Result>(path: string, template: string, purpose: Purpose, work: (engine: Liquid, context: Context) => Result): Result {
    const engine = engineOf(purpose)
    // What is measured here is work, which no test turns.
    const started = systemClock.monotonic()
    const context = new Context(this.#scope, engine.options, { sync: true, renderLimit: this.#rest }, { liquid: engine })
    try {
      const result = work(engine, context)
      if (typeof result === 'string' && result.length > longestOutput) throw new TooLong()
      return result
    } catch (error) {
      throw toProblem(error, path, template)
    } finally {
      this.#rest = Math.max(1, this.#rest - (systemClock.monotonic() - started))
    }
  }
}

function toProblem(error: unknown, path: string, template: string): Problem {
  const inner = error instanceof LiquidError ? ((error as { originalError?: unknown }).originalError ?? error) : error
  const words = error instanceof Error ? error.message : ''
  const said = (() => {
    if (inner instanceof TooLong) return `becomes longer than ${longestOutput} characters`
    if (inner instanceof Unfit) return inner.message
    if (/limit exceeded/.test(words))
      return /memory/.test(words) ? 'needs more memory than a text may' : 'takes longer to write than a text may: it may have an endless loop'
    if (inner instanceof RangeError) return 'becomes longer than a text may'
    const missing = /undefined variable: ([\w.[\]-]{1,100})/.exec(words)?.[1]
    // A name that a value was part of is the value's affair.
    if (missing !== undefined) return template.includes(missing) ? `needs "${missing}", which is not there` : 'needs something which is not there'
    return 'cannot be written with these values'
  })()
  return new Problem('template_failed', `The text "${path}" ${said}.`, { facts: { template: path } })
}
