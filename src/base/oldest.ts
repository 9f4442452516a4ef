/**
 * Makes what returns the key that has been in a map for longest, for a cache that gives it up when it is full.
 *
 * One iterator goes on where it stood: a new one begins at the front each time and passes over everything that was ever deleted there.
 */
export function oldestOf<Key>(map: Map<Key, unknown>): () => Key | undefined {
  let keys = map.keys()
  return () => {
    let next = keys.next()
    // A map that was cleared, or gone through, is begun anew.
    if (next.done === true) next = (keys = map.keys()).next()
    return next.done === true ? undefined : next.value
  }
}
