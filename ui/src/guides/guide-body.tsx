import { Anchor, Title, type TitleOrder } from '@mantine/core'
import { IconExternalLink } from '@tabler/icons-react'
import { Fragment, type ReactNode } from 'react'
import { CopyIcon } from '../elements/copy-field.tsx'
import { readTarget, type Guide } from './guide.ts'
import { plainText, type Block, type Inline } from './markdown.ts'
import { fillCode, joined, placeTitles, type Piece, type PlaceValues } from './places.ts'
import styles from './guide-body.module.css'

type Props = {
  guide: Guide
  values: PlaceValues
  /** The level of its first headings. */ level: TitleOrder
  /** Before the anchors of its headings, so that no two elements of the page have the same. */ prefix: string
  /** The address of another guide, or of a section. */ hrefOf: (guide: string, section: string | null) => string
  onFollow: (guide: string, section: string | null) => void
  /** Guides that are there. */ has: (guide: string) => boolean
}

/** A guide as elements, never as HTML of its own: with every known value of the credential in its place, and a button at each command. */
export function GuideBody(props: Props) {
  return (
    <div className={styles.body}>
      <Blocks blocks={props.guide.blocks} context={props} />
    </div>
  )
}

function Blocks({ blocks, context }: { blocks: Block[]; context: Props }) {
  return blocks.map((block, index) => <OneBlock key={index} block={block} context={context} />)
}

function OneBlock({ block, context }: { block: Block; context: Props }): ReactNode {
  const { guide, values, level, prefix } = context
  switch (block.kind) {
    case 'heading':
      return (
        <Title
          order={Math.min(6, level + block.level - 2) as TitleOrder}
          id={`${prefix}${block.anchor}`}
          tabIndex={-1}
          size={level > 2 || block.level > 2 ? 'h5' : 'h4'}
          className={styles.heading}
        >
          <Line parts={block.parts} context={context} />
        </Title>
      )
    case 'paragraph':
      return (
        <p>
          <Line parts={block.parts} context={context} />
        </p>
      )
    case 'list': {
      const List = block.ordered ? 'ol' : 'ul'
      return (
        <List>
          {block.items.map((item, index) => (
            <li key={index}>
              <Blocks blocks={item} context={context} />
            </li>
          ))}
        </List>
      )
    }
    case 'code': {
      const pieces = fillCode(block.text, block.language, guide.places, values)
      const text = joined(pieces)
      return (
        <div className={styles.command}>
          <pre>
            <code>
              <Pieces pieces={pieces} />
            </code>
          </pre>
          <CopyIcon value={text} label={`Copy the lines that begin with ${text.trim().slice(0, 40)}`} />
        </div>
      )
    }
    case 'table':
      return (
        <table>
          <thead>
            <tr>
              {block.head.map((cell, index) =>
                cell.length === 0 ? (
                  <td key={index} />
                ) : (
                  <th key={index} scope="col">
                    <Line parts={cell} context={context} />
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row, at) => (
              <tr key={at}>
                {row.map((cell, index) => (
                  <td key={index} data-title={plainText(block.head[index] ?? [])}>
                    <Line parts={cell} context={context} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )
  }
}

function Line({ parts, context }: { parts: Inline[]; context: Props }): ReactNode {
  return parts.map((part, index) => (
    <Fragment key={index}>
      <Part part={part} context={context} />
    </Fragment>
  ))
}

function Part({ part, context }: { part: Inline; context: Props }): ReactNode {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'code': {
      const { places } = context.guide
      const isWhole = Object.values(places).includes(part.text)
      return (
        <code className={styles.code}>
          <Pieces pieces={fillCode(part.text, isWhole ? '' : 'sh', places, context.values)} />
        </code>
      )
    }
    case 'strong':
      return (
        <strong>
          <Line parts={part.parts} context={context} />
        </strong>
      )
    case 'emphasis':
      return (
        <em>
          <Line parts={part.parts} context={context} />
        </em>
      )
    case 'link': {
      const target = readTarget(part.to, context.guide.id)
      if (target.kind === 'outside')
        return (
          <Anchor href={target.href} target="_blank" rel="noopener noreferrer" inherit underline="always">
            <Line parts={part.parts} context={context} />
            <IconExternalLink size={13} aria-label=" (opens a new tab)" style={{ verticalAlign: '-2px', marginInlineStart: 2 }} />
          </Anchor>
        )
      if (target.kind === 'none' || !context.has(target.guide)) return <Line parts={part.parts} context={context} />
      return (
        <Anchor
          href={context.hrefOf(target.guide, target.section)}
          inherit
          underline="always"
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return
            event.preventDefault()
            context.onFollow(target.guide, target.section)
          }}
        >
          <Line parts={part.parts} context={context} />
        </Anchor>
      )
    }
  }
}

/** Lines break between words, not after a hyphen: "--scope" stays together as long as there is room for it. */
function Pieces({ pieces }: { pieces: Piece[] }): ReactNode {
  return wordsOf(pieces).map((word, index) =>
    typeof word === 'string' ? (
      word
    ) : (
      <span key={index} className={styles.word}>
        {word.map((piece, at) => (
          <OnePiece key={at} piece={piece} />
        ))}
      </span>
    ),
  )
}

function OnePiece({ piece }: { piece: Piece }): ReactNode {
  if (piece.place === undefined) return piece.text
  if (piece.isExample !== true) return <span className={styles.filled}>{piece.text}</span>
  return (
    <mark className={styles.example} title={`An example: ${placeTitles[piece.place].title}`}>
      {piece.text}
    </mark>
  )
}

/** Returns the blanks as they are, and between them words that may be of several pieces. */
function wordsOf(pieces: Piece[]): (string | Piece[])[] {
  const words: (string | Piece[])[] = []
  for (const piece of pieces) {
    for (const text of piece.text.split(/(\s+)/).filter((part) => part !== '')) {
      const last = words.at(-1)
      if (/^\s/.test(text)) words.push(text)
      else if (Array.isArray(last)) last.push({ ...piece, text })
      else words.push([{ ...piece, text }])
    }
  }
  return words
}
