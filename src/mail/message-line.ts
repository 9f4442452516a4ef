import { cutHeader, readFields } from './mime-reader.ts'

/**
 * Adds a line at the end of a message that is one plain text, as notices are; any other comes back as it was. The line is
 * encoded as the text is.
 */
export function addLine(mime: Buffer, line: string): Buffer {
  // One character per byte: the body stays what it is, whatever its encoding.
  const { header, body } = cutHeader(mime.toString('latin1'))
  const value = (name: string) =>
    readFields(header)
      .find((field) => field.name === name)
      ?.value.toLowerCase() ?? ''
  if (!value('content-type').startsWith('text/plain')) return mime
  const bytes = Buffer.from(line, 'utf8')
  const before = body.replace(/(?:\r\n)+$/, '')
  const write = (text: string) => Buffer.from(`${header}\r\n\r\n${text}\r\n`, 'latin1')
  switch (value('content-transfer-encoding')) {
    case 'base64': {
      const text = Buffer.concat([Buffer.from(body, 'base64'), Buffer.from('\n'), bytes, Buffer.from('\n')])
      return write((text.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n'))
    }
    case 'quoted-printable':
      return write(`${before}\r\n\r\n${quoted(bytes)}`)
    default:
      // Without an encoding only ASCII is allowed.
      return write(`${before}\r\n\r\n${line.replace(/[^\x20-\x7e]/g, '?')}`)
  }
}

/** @see RFC 2045 section 6.7 */
function quoted(bytes: Buffer): string {
  const marks = [...bytes].map((byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x3d ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  )
  const lines: string[] = ['']
  for (const mark of marks) {
    if (lines.at(-1)!.length + mark.length > 75) lines.push('')
    lines[lines.length - 1] += mark
  }
  return lines.join('=\r\n')
}
