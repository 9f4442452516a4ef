import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import { CommitGroup } from './commit-group.ts'

/** One open file of the embedded database. */
export type EmbeddedFile = {
  execute(sql: string, parameters: readonly unknown[]): { rows: Record<string, unknown>[]; changes: number | bigint }
  readonly isTransaction: boolean
  /** Resolves when everything that was committed before the call is on disk. */
  sync(): Promise<void>
  close(): void
}

/**
 * Drives the embedded database by two open files: one writes, one transaction at a time, and one only reads, at once and only
 * what is committed, while the other one is in a transaction. Writes share their commits: see `CommitGroup`.
 */
export class EmbeddedDriver implements Driver {
  readonly #writer: EmbeddedFile
  readonly #reader: EmbeddedFile
  readonly #group: CommitGroup

  constructor(writer: EmbeddedFile, reader: EmbeddedFile) {
    this.#writer = writer
    this.#reader = reader
    this.#group = new CommitGroup({
      run: (sql) => void writer.execute(sql, []),
      sync: () => writer.sync(),
      get isOpen() {
        return writer.isTransaction
      },
    })
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<EmbeddedConnection> {
    return new EmbeddedConnection(this.#writer, this.#reader, this.#group)
  }

  async beginTransaction(connection: EmbeddedConnection): Promise<void> {
    await connection.begin()
  }

  async commitTransaction(connection: EmbeddedConnection): Promise<void> {
    await connection.commit()
  }

  async rollbackTransaction(connection: EmbeddedConnection): Promise<void> {
    connection.rollback()
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#group.settled()
    this.#reader.close()
    this.#writer.close()
  }
}

/** What one query or one transaction works with. */
class EmbeddedConnection implements DatabaseConnection {
  readonly #writer: EmbeddedFile
  readonly #reader: EmbeddedFile
  readonly #group: CommitGroup
  #hasTurn = false
  #error: unknown

  constructor(writer: EmbeddedFile, reader: EmbeddedFile, group: CommitGroup) {
    this.#writer = writer
    this.#reader = reader
    this.#group = group
  }

  async begin(): Promise<void> {
    await this.#group.begin()
    this.#hasTurn = true
  }

  async commit(): Promise<void> {
    this.#hasTurn = false
    await this.#group.commit()
  }

  /** Does nothing after a commit that failed: that has undone everything. */
  rollback(): void {
    if (!this.#hasTurn) return
    this.#hasTurn = false
    this.#group.rollback(this.#error)
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#hasTurn) return this.#write<Row>(sql, parameters)
    if (query.kind === 'SelectQueryNode') {
      // The one that writes knows the pages that it wrote; the other one reads them anew after each commit.
      const file = this.#writer.isTransaction ? this.#reader : this.#writer
      return toResult<Row>(file.execute(sql, parameters))
    }
    await this.begin()
    let result: QueryResult<Row>
    try {
      result = this.#write<Row>(sql, parameters)
    } catch (error) {
      this.rollback()
      throw error
    }
    await this.commit()
    return result
  }

  #write<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    try {
      return toResult<Row>(this.#writer.execute(sql, parameters))
    } catch (error) {
      this.#error = error
      // A full or failing disk ends the whole transaction: the members before this one must learn of it now.
      if (!this.#writer.isTransaction) this.#group.fail(error)
      throw error
    }
  }

  // eslint-disable-next-line require-yield
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('the embedded database gives no rows one by one')
  }
}

function toResult<Row>({ rows, changes }: { rows: Record<string, unknown>[]; changes: number | bigint }): QueryResult<Row> {
  return { rows: rows as Row[], numAffectedRows: BigInt(changes) }
}
