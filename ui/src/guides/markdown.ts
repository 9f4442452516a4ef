/** What stands in a line of a guide. */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'emphasis'; parts: Inline[] }
  | { kind: 'link'; to: string; parts: Inline[] }

/** What a guide is made of. There is no HTML in it: whatever looks like it is text. */
export type Block =
  | { kind: 'heading'; level: number; anchor: string; parts: Inline[] }
  | { kind: 'paragraph'; parts: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Block[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'code'; language: string; text: string }

const fence = /^(\s*)(`{3,})\s*(\S*)/
const item = /^(\s*)(?:[-*]|(\d+)\.)\s+/
const rule = /^\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?$/

/** Reads the Markdown that the guides are written in: headings, paragraphs, lists, tables and code. */
export function parseMarkdown(text: string): Block[] {
  const lines = text.replace(/<!--[\s\S]*?-->/g, '').split('\n')
  const anchors = new Set<string>()
  return parseLines(lines, anchors)
}

function parseLines(lines: string[], anchors: Set<string>): Block[] {
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const line = lines[at]!
    const opened = fence.exec(line)
    const heading = /^(#{1,6}) +(.+?)(?: +#+)?$/.exec(line)
    if (line.trim() === '') at += 1
    else if (opened !== null) {
      const end = lines.findIndex((one, index) => index > at && one.trim() === opened[2])
      const until = end === -1 ? lines.length : end
      const code = lines.slice(at + 1, until).map((one) => (one.startsWith(opened[1]!) ? one.slice(opened[1]!.length) : one.trimStart()))
      blocks.push({ kind: 'code', language: opened[3]!, text: code.join('\n') })
      at = until + 1
    } else if (heading !== null) {
      blocks.push({ kind: 'heading', level: heading[1]!.length, anchor: anchorOf(heading[2]!, anchors), parts: parseInline(heading[2]!) })
      at += 1
    } else if (item.test(line)) {
      const list = readList(lines, at, anchors)
      blocks.push(list.block)
      at = list.next
    } else if (line.trimStart().startsWith('|') && rule.test(lines[at + 1] ?? '')) {
      let end = at + 2
      while (lines[end]?.trimStart().startsWith('|') === true) end += 1
      blocks.push({ kind: 'table', head: cellsOf(line), rows: lines.slice(at + 2, end).map(cellsOf) })
      at = end
    } else {
      let end = at + 1
      while (end < lines.length && !endsParagraph(lines[end]!)) end += 1
      const words = lines
        .slice(at, end)
        .map((one) => one.trim())
        .join(' ')
      const parts = parseInline(words)
      if (parts.some((part) => part.kind !== 'text' || part.text.trim() !== '')) blocks.push({ kind: 'paragraph', parts })
      at = end
    }
  }
  return blocks
}

const endsParagraph = (line: string): boolean => line.trim() === '' || fence.test(line) || /^#{1,6} /.test(line) || item.test(line)

/** Reads the items of a list; what is indented below one belongs to it. */
function readList(lines: string[], from: number, anchors: Set<string>): { block: Block; next: number } {
  const first = item.exec(lines[from]!)!
  const ordered = first[2] !== undefined
  const items: Block[][] = []
  let at = from
  while (at < lines.length) {
    const begin = item.exec(lines[at]!)
    if (begin === null || begin[1]!.length !== first[1]!.length || (begin[2] !== undefined) !== ordered) break
    const own = [lines[at]!.slice(begin[0].length)]
    at += 1
    for (; at < lines.length; at += 1) {
      const line = lines[at]!
      const indent = line.length - line.trimStart().length
      if (line.trim() === '') {
        const further = lines.slice(at).find((one) => one.trim() !== '')
        if (further === undefined || further.length - further.trimStart().length < begin[0].length) break
        own.push('')
      } else if (indent >= begin[0].length) own.push(line.slice(begin[0].length))
      else if (indent > first[1]!.length && !item.test(line)) own.push(line.trimStart())
      else break
    }
    items.push(parseLines(own, anchors))
    while (lines[at]?.trim() === '' && item.test(lines[at + 1] ?? '')) at += 1
  }
  return { block: { kind: 'list', ordered, items }, next: at }
}

const cellsOf = (line: string): Inline[][] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => parseInline(cell.trim()))

const marks = /(`+)([\s\S]+?)\1(?!`)|!\[[^\]]*\]\([^)]*\)|\[((?:`[^`]*`|[^\]])+)\]\(\s*<?([^\s)>]+)>?[^)]*\)|\*\*([\s\S]+?)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*/g

/** Reads what stands in a line. Pictures are left out: the page shows what they would. */
export function parseInline(text: string): Inline[] {
  const parts: Inline[] = []
  let at = 0
  for (const match of text.matchAll(marks)) {
    if (match.index > at) parts.push({ kind: 'text', text: text.slice(at, match.index) })
    const [whole, , code, words, to, strong, emphasis] = match
    if (code !== undefined) parts.push({ kind: 'code', text: code.trim() })
    else if (to !== undefined) parts.push({ kind: 'link', to, parts: parseInline(words!) })
    else if (strong !== undefined) parts.push({ kind: 'strong', parts: parseInline(strong) })
    else if (emphasis !== undefined) parts.push({ kind: 'emphasis', parts: parseInline(emphasis) })
    at = match.index + whole.length
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) })
  return parts
}

/** Returns the words alone. */
export const plainText = (parts: Inline[]): string => parts.map((part) => ('text' in part ? part.text : plainText(part.parts))).join('')

/** Makes the anchor that GitHub gives a heading, so that links between the guides lead here as they do there. */
function anchorOf(heading: string, taken: Set<string>): string {
  const base = plainText(parseInline(heading))
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
  let anchor = base
  for (let i = 1; taken.has(anchor); i++) anchor = `${base}-${i}`
  taken.add(anchor)
  return anchor
}
