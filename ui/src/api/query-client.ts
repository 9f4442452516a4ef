import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { KeybearerError } from '@keybearer/client'

/** What is known is kept and shown while newer facts are fetched; what a repetition cannot mend is not repeated. */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeEndOfSession }),
  mutationCache: new MutationCache({ onError: noticeEndOfSession }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: true,
      retry: (count, error) => (error instanceof KeybearerError && error.status >= 400 && error.status < 500 ? false : count < 3),
      retryDelay: (count) => Math.min(1000 * 2 ** count, 8000),
    },
    mutations: { retry: false },
  },
})

/** A refused call asks once more who is signed in: the frame then shows the sign-in over the page. */
function noticeEndOfSession(error: unknown): void {
  if (error instanceof KeybearerError && error.code === 'not_signed_in') void queryClient.invalidateQueries({ queryKey: ['session'] })
}
