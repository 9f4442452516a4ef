import { Waiting } from '../elements/waiting.tsx'

/** Stands where a page comes as soon as its files are there. */
export function PageComing() {
  return <Waiting>The page is coming</Waiting>
}
