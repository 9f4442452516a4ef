import { Table, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './list-table.module.css'

export type Column<Row> = {
  title: string
  /** Null where there is nothing to say: the line is left out where the page is narrow. */
  cell: (row: Row) => ReactNode
  width?: number | string
  /** For buttons: the title is for screen readers only. */
  isTitleHidden?: boolean
}

type Props<Row> = {
  /** In a narrow part of a page: cards at every width. */
  isNarrow?: boolean
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  /** Rows that are over, such as revoked keys. */
  isDimmed?: (row: Row) => boolean
}

/** Rows of facts: a table where there is room, one card per row where there is not. The first column names the row. */
export function ListTable<Row>({ label, columns, rows, rowKey, isDimmed, isNarrow = false }: Props<Row>) {
  return (
    // The roles are said although the elements have them: a table that is laid out as blocks loses them in some browsers.
    <Table className={isNarrow ? `${classes.table} ${classes.narrow}` : classes.table} role="table" aria-label={label}>
      <Table.Thead role="rowgroup">
        <Table.Tr role="row">
          {columns.map((column) => (
            <Table.Th key={column.title} role="columnheader" scope="col" w={column.width}>
              {column.isTitleHidden === true ? <VisuallyHidden>{column.title}</VisuallyHidden> : column.title}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody role="rowgroup">
        {rows.map((row) => (
          <Table.Tr key={rowKey(row)} role="row" data-row={rowKey(row)} className={isDimmed?.(row) === true ? classes.dimmed : undefined}>
            {columns.map((column, index) => {
              const content = column.cell(row)
              if (index === 0) {
                return (
                  <Table.Th key={column.title} role="rowheader" scope="row">
                    {content}
                  </Table.Th>
                )
              }
              return (
                <Table.Td
                  key={column.title}
                  role="cell"
                  className={content === null ? classes.blank : undefined}
                  data-label={column.isTitleHidden === true ? undefined : column.title}
                >
                  {content}
                </Table.Td>
              )
            })}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
