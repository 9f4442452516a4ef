import type { Compilable, CompiledQuery, Transaction } from 'kysely'
import type { Database, NewRow, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** Stands in a query for a value that comes later. */
class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/**
 * Makes a query that is built and compiled once per database and then only given its values: for those that run all day,
 * where building the text takes longer than the database does.
 *
 * `build` gets a slot for each value it names. It must not look at the slots, only put them in.
 */
export function prepared<Values extends Record<string, unknown>, Result>(
  build: (db: Reader, slots: Values) => Compilable<Result>,
): (db: Reader, values: Values) => Promise<Result[]> {
  const slots = new Proxy({} as Values, { get: (_, name) => new Slot(String(name)) })
  const find = compiledOnce((db) => build(db, slots))
  return async (db, values) => {
    const query = find(db)
    const parameters = query.parameters.map((value) => (value instanceof Slot ? values[value.name] : value))
    return (await db.executeQuery<Result>({ ...query, parameters })).rows
  }
}

/** Makes a query of which the text is compiled once per database; its values are given when it runs, in the order of the text. */
export function compiledOnce<Result>(build: (db: Reader) => Compilable<Result>): (db: Reader) => CompiledQuery<Result> {
  const known = new WeakMap<object, CompiledQuery<Result>>()
  return (db) => {
    // One per database, shared by its transactions.
    const { adapter } = db.getExecutor()
    let query = known.get(adapter)
    if (!query) {
      query = build(db).compile()
      known.set(adapter, query)
    }
    return query
  }
}

/**
 * Makes an insert of any number of rows, with these columns of each. A few take one statement, many take some: there is one for each
 * number up to 16, and for each power of two up to `largest`, each compiled when it is needed first.
 */
export function insertOf<Table extends keyof Tables>(
  table: Table,
  columns: readonly (keyof NewRow<Table> & string)[],
  largest = 64,
): (trx: Reader, rows: readonly NewRow<Table>[]) => Promise<void> {
  const model = Object.fromEntries(columns.map((column) => [column, ''])) as NewRow<Table>
  const inserts = new Map<number, (db: Reader) => CompiledQuery>()
  const insertFor = (count: number) => {
    const known = inserts.get(count)
    if (known !== undefined) return known
    const made: (db: Reader) => CompiledQuery = compiledOnce((db) => db.insertInto(table).values(Array.from({ length: count }, () => model)))
    inserts.set(count, made)
    return made
  }
  return async (trx, rows) => {
    for (let from = 0; from < rows.length;) {
      const left = Math.min(rows.length - from, largest)
      const until = from + (left <= 16 ? left : 2 ** Math.floor(Math.log2(left)))
      const insert = insertFor(until - from)(trx)
      const parameters: unknown[] = []
      for (; from < until; from++) for (const column of columns) parameters.push(rows[from]![column])
      await trx.executeQuery({ ...insert, parameters })
    }
  }
}
