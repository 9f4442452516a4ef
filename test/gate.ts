/** Makes a promise that a test fulfils when it wants: what waits for `opened` goes on at `open()`. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}
