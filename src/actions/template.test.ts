import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { inputsOf, Renderer, templateError, type Scope } from './template.ts'

const scope = (input: Record<string, unknown> = {}, more: Partial<Scope> = {}): Scope => ({
  input,
  previous: null,
  env: {},
  now: '2026-11-24T12:00:00.000Z',
  run: { id: 'run_1', trigger: 'api' },
  action: { name: 'daily' },
  ...more,
})
const write = (template: string, input: Record<string, unknown> = {}, more: Partial<Scope> = {}) =>
  new Renderer(scope(input, more)).text('email.text', template)
const failure = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    assert.ok(isProblem(error, 'template_failed'), String(error))
    return error.message
  }
  return assert.fail('it was written')
}

describe('the texts of actions', () => {
  it('are written with input, results, environment and time', () => {
    const previous = { status: 200, json: { items: [{ id: 7 }] } }
    const text = '{{ input.day | upcase }} {{ previous.json.items[0].id }} {{ env.SITE }} {{ now }} {{ run.id }} {{ action.name }}'
    assert.equal(write(text, { day: 'monday' }, { previous, env: { SITE: 'berlin' } }), 'MONDAY 7 berlin 2026-11-24T12:00:00.000Z run_1 daily')
    assert.equal(write('{% for name in input.names %}{{ name }};{% endfor %}', { names: ['a', 'b'] }), 'a;b;')
    assert.equal(write('{{ input.missing | default: "nobody" }}{% if previous %}no{% endif %}'), 'nobody')
  })

  it('are checked before they are saved', () => {
    for (const [text, said] of [
      ['{{ input.x | nonsense }}', /undefined filter: nonsense/],
      ['{% nonsense %}', /tag "nonsense" not found/],
      ['{% for %}', /illegal tag/],
      ['{% if input.x %}', /not closed/],
      ['{{ input.x', /not closed/],
      ['{{ name }}', /"name" is no variable: write input\.name/],
      ['{{ process.env.HOME }}', /"process" is no variable/],
    ] as const)
      assert.match(templateError(text, 'text') ?? '', said, text)
    for (const text of ['{{ input.x }}', 'plain', '{% assign y = input.x %}{{ y }}', '{% for i in input.x %}{{ i.z }}{{ forloop.index }}{% endfor %}'])
      assert.equal(templateError(text, 'html'), null, text)
  })

  it('name the input that they ask for', () => {
    assert.deepEqual(inputsOf('{{ input.day }} {% for one in input.list %}{{ one.name }}{% endfor %} {{ input["zip code"] }} {{ previous.body }}'), [
      'day',
      'list',
      'zip code',
    ])
  })

  it('read no file and no other template', () => {
    for (const tag of ["include '/etc/passwd'", "render '/etc/passwd'", "layout '/etc/passwd'", 'block x'])
      assert.match(templateError(`{% ${tag} %}`, 'text') ?? '', /not found/, tag)
  })

  it('see what is theirs and nothing behind it', () => {
    for (const path of ['input.constructor', 'input.__proto__', 'input.toString', 'input.x.length.constructor', 'env.PATH', 'previous.body'])
      assert.match(
        failure(() => write(`{{ ${path} }}`, { x: 'y' })),
        /which is not there/,
        path,
      )
  })

  it('end with a clear error when they never would, or would grow without end', () => {
    const started = performance.now()
    const bombs: [string, RegExp][] = [
      ['{% for i in (1..100000000) %}x{% endfor %}', /more memory/],
      ['{% for i in (1..3000) %}{% for j in (1..3000) %}{% for k in (1..3000) %}{% endfor %}{% endfor %}{% endfor %}', /takes longer|more memory/],
      ['{% for i in (1..2000) %}{% for j in (1..1900) %}{% assign k = j | times: 3 %}{% endfor %}{% endfor %}', /takes longer/],
      ['{% assign s = "aaaaaaaaaa" %}{% for i in (1..60) %}{% assign s = s | append: s %}{% endfor %}{{ s }}', /more memory/],
      [
        '{% capture s %}aaaaaaaaaa{% endcapture %}{% for i in (1..60) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}',
        /becomes longer than \d+ characters/,
      ],
      ['{{ input.long | replace: "a", input.long }}', /more memory/],
      ['{% for i in (1..1000) %}{{ input.long }}{% endfor %}', /becomes longer/],
      ['{{ "x" | date: "%999999999Y" }}{{ now | date: "%999999999Y" }}', /more memory|becomes longer/],
    ]
    for (const [text, said] of bombs)
      assert.match(
        failure(() => write(text, { long: 'a'.repeat(100_000) })),
        said,
        text,
      )
    assert.ok(performance.now() - started < 15_000)
  })

  it('share one limit of time, however many they are', () => {
    const renderer = new Renderer(scope())
    const slow = '{% for i in (1..20) %}{% for j in (1..300) %}{% assign k = j | times: 3 %}{% endfor %}{% endfor %}'
    const started = performance.now()
    assert.match(
      failure(() => Array.from({ length: 3000 }, () => renderer.text('request.query.x', slow))),
      /request\.query\.x.*takes longer/,
    )
    assert.ok(performance.now() - started < 5000)
  })

  it('do not say a value when they fail', () => {
    const secret = 'CANARY-value'
    for (const text of ['{{ input.x | date: input.y }}{{ input.z.z }}', '{{ input.x | slice: input.x }}{{ input.z.z }}', '{{ input[input.x] }}'])
      assert.ok(!failure(() => write(text, { x: secret, y: secret })).includes('CANARY'), text)
  })

  it('escape values by where they stand', () => {
    const values = { x: `<a href="x">'&` }
    assert.equal(
      new Renderer(scope(values)).text('p', '<b>{{ input.x }}</b>{{ input.x | raw }}', 'html'),
      `<b>&#60;a href=&#34;x&#34;&#62;&#39;&#38;</b>${values.x}`,
    )
    assert.equal(new Renderer(scope({ x: 'a b/c?d#e&f' })).text('p', 'https://h/{{ input.x }}', 'url'), 'https://h/a%20b%2Fc%3Fd%23e%26f')
    for (const bad of ['a@b.c, evil@d.e', 'a@b.c;x', 'a@b.c\r\nBcc: evil@d.e', '<evil@d.e>', 'x" <evil@d.e>', 'g: evil@d.e'])
      assert.match(
        failure(() => new Renderer(scope({ x: bad })).text('email.to.0', '{{ input.x }}', 'address')),
        /could add a recipient/,
        bad,
      )
  })

  it('give values as they are where a text is nothing but one', () => {
    const value = (text: string) => new Renderer(scope({ n: 3, list: [1, { a: null }], t: true })).value('p', text)
    assert.deepEqual(
      [value('{{ input.list }}'), value(' {{ input.n | plus: 1 }} '), value('{{ input.t }}'), value('n={{ input.n }}')],
      [[1, { a: null }], 4, true, 'n=3'],
    )
  })
})
