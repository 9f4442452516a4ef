import type { Counter, Gauge, Registry } from 'prom-client'

/** Every metric, with the sentence that the reference page and Prometheus show. */
export const metricTable = {
  http_requests_total: { type: 'counter', help: 'Requests answered, by method, route and status.', labels: ['method', 'route', 'status'] },
  hand_outs_total: { type: 'counter', help: 'Hand-outs, by outcome: ok or the code of the problem.', labels: ['outcome'] },
  refreshes_total: { type: 'counter', help: 'Renewals of tokens, by outcome.', labels: ['outcome'] },
  token_requests_total: { type: 'counter', help: 'Requests to token endpoints, by what the answer was judged to be.', labels: ['outcome'] },
  messages_total: { type: 'counter', help: 'Messages, by outcome: accepted, sent, delayed, failed.', labels: ['outcome'] },
  sent_requests_total: {
    type: 'counter',
    help: 'HTTP requests sent with a credential, by outcome: the class of the status such as 2xx, or the code of the problem.',
    labels: ['outcome'],
  },
  relay_total: { type: 'counter', help: 'What the mail relay said: accepted, refused, try_later, login_refused.', labels: ['outcome'] },
  action_runs_total: { type: 'counter', help: 'Runs of actions, by outcome: done, failed, interrupted.', labels: ['outcome'] },
  audit_records_total: { type: 'counter', help: 'Audit records that were committed.', labels: [] },
  audit_commits_total: { type: 'counter', help: 'Commits of audit records; many records share one.', labels: [] },
  credentials: { type: 'gauge', help: 'Credentials, by status.', labels: ['status'] },
  last_backup_timestamp_seconds: { type: 'gauge', help: 'When the last backup was made, in seconds since 1970; 0: none is known.', labels: [] },
  provider_clock_error_seconds: {
    type: 'gauge',
    help: "By how much this machine's clock is ahead of that provider's with which it agrees least; negative when it is behind.",
    labels: [],
  },
  outbox_waiting: { type: 'gauge', help: 'Messages that wait to be sent.', labels: [] },
} as const

export type MetricName = keyof typeof metricTable

export type Metrics = {
  count(name: MetricName, labels?: Record<string, string>, by?: number): void
  set(name: MetricName, value: number, labels?: Record<string, string>): void
  text(): Promise<string>
}

type Series = { labels: Record<string, string>; value: number }
type Shown = { registry: Registry; metrics: Map<MetricName, Counter | Gauge> }

/**
 * Makes the metrics of this process. They are counted here, since every call counts some, and laid out for Prometheus only
 * when somebody asks.
 */
export function createMetrics(): Metrics {
  const names = Object.keys(metricTable) as MetricName[]
  const kept = new Map(names.map((name) => [name, new Map<string, Series>()]))
  let shown: Promise<Shown> | undefined

  const seriesOf = (name: MetricName, labels: Record<string, string>): Series => {
    const allowed: readonly string[] = metricTable[name].labels
    let key = ''
    let given = 0
    for (const label of allowed) {
      if (labels[label] !== undefined) given++
      key += `${labels[label] ?? ''}\n`
    }
    if (given !== Object.keys(labels).length) throw new TypeError(`${name} has no label ${Object.keys(labels).find((label) => !allowed.includes(label))}`)
    const all = kept.get(name)!
    let series = all.get(key)
    if (series === undefined) all.set(key, (series = { labels, value: 0 }))
    return series
  }
  return {
    count(name, labels = {}, by = 1) {
      seriesOf(name, labels).value += by
    },
    set(name, value, labels = {}) {
      seriesOf(name, labels).value = value
    },
    async text() {
      const { registry, metrics } = await (shown ??= layOut())
      for (const [name, metric] of metrics) {
        metric.reset()
        for (const { labels, value } of kept.get(name)!.values()) metric.inc(labels, value)
      }
      return await registry.metrics()
    },
  }
}

async function layOut(): Promise<Shown> {
  // It takes a part of the start-up time that nobody should wait for who asks for no metrics.
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'keybearer_' })
  const metrics = new Map<MetricName, Counter | Gauge>()
  for (const [name, { type, help, labels }] of Object.entries(metricTable)) {
    const options = { name: `keybearer_${name}`, help, labelNames: [...labels], registers: [registry] }
    metrics.set(name as MetricName, type === 'counter' ? new Counter(options) : new Gauge(options))
  }
  return { registry, metrics }
}
