/** Gives a text to the browser as a file to keep. It never leaves the page any other way. */
export function saveFile(name: string, content: string, type = 'text/plain'): void {
  const address = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
  // The browser has taken it by then; freed at once, some browsers save nothing.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
