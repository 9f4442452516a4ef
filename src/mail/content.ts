import { isUtf8 } from 'node:buffer'

/** No message begins with a NUL. */
const mark = '\0base64\0'

/** Returns the text, in UTF-8, as which a message is sealed. Programs send mail in whatever encoding they like: no byte of it changes. */
export const toContent = (mime: Buffer): Buffer => (isUtf8(mime) ? mime : Buffer.from(mark + mime.toString('base64'), 'latin1'))

/** Returns the bytes of a message from its sealed text. */
export const fromContent = (text: string): Buffer => (text.startsWith(mark) ? Buffer.from(text.slice(mark.length), 'base64') : Buffer.from(text, 'utf8'))
