// A reporter of node:test that writes the path of each file in which a test failed, one a line.
type Told = { type: string; data: { file?: string } }

// oxlint-disable-next-line import/no-default-export -- The runner takes a reporter from there.
export default async function* failingFiles(source: AsyncIterable<Told>): AsyncGenerator<string> {
  const told = new Set<string>()
  for await (const { type, data } of source) {
    if (type !== 'test:fail' || data.file === undefined || told.has(data.file)) continue
    told.add(data.file)
    yield `${data.file}\n`
  }
}
