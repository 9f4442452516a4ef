import { useNavigate, useRouterState } from '@tanstack/react-router'

/** What a list shows, kept in the address bar: it survives a reload and can be sent to somebody. Empty values are left out. */
export function useAddressFilter<Filter extends Record<string, string>>(empty: Filter): [Filter, (part: Partial<Filter>) => void] {
  const search = useRouterState({ select: (state) => state.location.search as Record<string, unknown> })
  const navigate = useNavigate()
  const filter = Object.fromEntries(
    Object.keys(empty).map((name) => {
      const value = search[name]
      return [name, typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : empty[name]]
    }),
  ) as Filter
  const change = (part: Partial<Filter>) => {
    const next = Object.entries({ ...filter, ...part }).filter(([name, value]) => value !== empty[name])
    void navigate({ to: '.', search: Object.fromEntries(next) as never, replace: true })
  }
  return [filter, change]
}
