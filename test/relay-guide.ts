import { join } from 'node:path'
import { readMarkdown } from './markdown-files.ts'
import { readFileSync } from 'node:fs'

export type GuideBlock = { language: string; code: string }

const page = join(import.meta.dirname, '..', 'docs', 'guide', 'relay-programs.md')

/** Returns the blocks of code below each heading of the guide to programs that send through the relay. */
export function readRelayGuide(): Map<string, GuideBlock[]> {
  const text = readFileSync(page, 'utf8')
  const sections = text.split(/^## /m).slice(1)
  return new Map(
    sections.map((section) => {
      const title = section.slice(0, section.indexOf('\n'))
      return [title, readMarkdown(page, section).blocks.map(({ language, code }) => ({ language, code }))]
    }),
  )
}
