/** A source file as the architecture test looks at it. */
export type SourceFile = {
  /** From the root of the repository, such as `src/base/clock.ts`. */
  path: string
  lines: number
  /** Without comments. */
  code: string
  /** Without comments, and with empty strings. */
  bare: string
  imports: Import[]
}

export type Import = {
  from: string
  /** What stands between `import` and `from`; empty for `import 'x'` and for `import('x')`. */
  names: string
  kind: 'import' | 'type' | 'export' | 'dynamic'
}

/** Takes a file apart, well enough for rules about imports and calls. */
export function readSource(path: string, text: string): SourceFile {
  const { code, bare } = stripComments(text)
  return { path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0), code, bare, imports: findImports(code) }
}

function findImports(code: string): Import[] {
  const found: Import[] = []
  for (const [, type, names = '', from = ''] of code.matchAll(
    /^[ \t]*import\b(\s+type\b)?\s*((?:[\w$]+\s*,?\s*)?(?:\*\s*as\s+[\w$]+|\{[^}]*\})?)\s*(?:\bfrom\s*)?['"]([^'"]+)['"]/gm,
  )) {
    found.push({ from, names: names.trim(), kind: type === undefined ? 'import' : 'type' })
  }
  for (const [, names = '', from = ''] of code.matchAll(/^[ \t]*export\b(?:\s+type\b)?\s*(\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})\s*from\s*['"]([^'"]+)['"]/gm)) {
    found.push({ from, names: names.trim(), kind: 'export' })
  }
  for (const [, from = ''] of code.matchAll(/\b(?:import|require)\s*\(\s*['"`]([^'"`]+)['"`]/g)) found.push({ from, names: '', kind: 'dynamic' })
  return found
}

/** Removes comments; knows strings, templates and regular expressions, so that an address such as "https://…" is no comment. */
export function stripComments(text: string): { code: string; bare: string } {
  let code = ''
  let bare = ''
  let at = 0
  // What the next `}` closes: a block, or the hole of a template.
  const open: ('block' | 'template')[] = []
  const take = (end: number, keep: boolean) => {
    const piece = text.slice(at, end)
    code += piece
    bare += keep ? piece : piece.replace(/[^\n]/g, ' ')
    at = end
  }
  const takeTemplate = (from: number) => {
    const end = endOf(text, from, /`|\$\{/y)
    take(end, false)
    if (text[end - 1] === '{') open.push('template')
  }
  while (at < text.length) {
    const two = text.slice(at, at + 2)
    const one = text[at]!
    if (two === '//' || two === '/*') {
      const end = two === '//' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2) + 2
      const comment = text.slice(at, end < 2 ? text.length : end)
      code += comment.replace(/[^\n]/g, ' ')
      bare += comment.replace(/[^\n]/g, ' ')
      at += comment.length
    } else if (one === "'" || one === '"') take(endOf(text, at + 1, one === '"' ? /"/y : /'/y), false)
    else if (one === '/' && beginsRegex(code)) take(endOf(text, at + 1, /\//y, true), false)
    else if (one === '`') takeTemplate(at + 1)
    else if (one === '}' && open.pop() === 'template') takeTemplate(at + 1)
    else {
      if (one === '{') open.push('block')
      take(at + 1, true)
    }
  }
  return { code, bare }
}

/** Returns where a literal ends, one after what closes it. */
function endOf(text: string, from: number, closing: RegExp, isRegex = false): number {
  let inClass = false
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') {
      at++
      continue
    }
    if (isRegex && text[at] === '[') inClass = true
    if (isRegex && text[at] === ']') inClass = false
    closing.lastIndex = at
    if (!inClass && closing.test(text)) return closing.lastIndex
  }
  return text.length
}

/** A slash begins a regular expression where no value can end before it. */
function beginsRegex(before: string): boolean {
  const trimmed = before.trimEnd()
  return trimmed === '' || /[(,=:[!&|?{};+\-*%<>~^]$/.test(trimmed) || /\b(?:return|typeof|case|in|of|do|else|void|await|yield)$/.test(trimmed)
}
