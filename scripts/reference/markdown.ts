/** Joins the parts of a page, and says in its first line where it comes from. */
export function page(madeFrom: string, title: string, ...parts: (string | string[])[]): string {
  const text = [`<!-- Made from ${madeFrom} by "npm run generate": do not edit. -->`, `# ${title}`, ...parts.flat()].join('\n\n')
  return `${text.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`
}

/** Makes a table; pipes and line breaks in its cells are escaped. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ')).join(' | ')} |`
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n')
}

export const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``)
export const codes = (texts: readonly string[]): string => texts.map(code).join(', ')
export const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``
export const link = (text: string, to: string): string => `[${text}](${to})`

/** Escapes what Markdown would take for its own, outside of what stands in backticks. */
export const prose = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[*<[\]]/g, (sign) => (sign === '<' ? '&lt;' : `\\${sign}`))))
    .join('')

/** Makes a sentence of a phrase: a capital at its beginning, a full stop at its end. */
export const sentence = (text: string): string => (text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?:…]$/.test(text) ? '' : '.'}`)

/** Returns the anchor that GitHub and most other readers give a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
    .replaceAll(' ', '-')

/** Puts a target for links into a table, where no heading makes one. */
export const target = (id: string): string => `<a id="${id}"></a>`
