import { parseMarkdown, plainText, type Block } from './markdown.ts'
import { readPlaces, withoutPaperWords, type Places } from './places.ts'

/** A page of docs/guide, taken apart. */
export type Guide = { id: string; title: string; blocks: Block[]; places: Places }

export function readGuide(id: string, text: string): Guide {
  const blocks = parseMarkdown(withoutPaperWords(text))
  const first = blocks[0]
  const title = first?.kind === 'heading' && first.level === 1 ? plainText(first.parts) : id
  return { id, title, blocks: first?.kind === 'heading' ? blocks.slice(1) : blocks, places: readPlaces(text) }
}

/** Reads a link of a guide: to another guide, within the same, to the outside, or to what is not part of the page. */
export type Target = { kind: 'guide'; guide: string; section: string | null } | { kind: 'outside'; href: string } | { kind: 'none' }

export function readTarget(to: string, from: string): Target {
  if (to.startsWith('https://')) return { kind: 'outside', href: to }
  const inside = /^([a-z0-9-]+)?(?:\.md)?(?:#(.+))?$/.exec(to)
  if (inside === null || (inside[1] === undefined && inside[2] === undefined)) return { kind: 'none' }
  return { kind: 'guide', guide: inside[1] ?? from, section: inside[2] ?? null }
}
