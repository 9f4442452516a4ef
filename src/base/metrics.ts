import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'

/** Every metric, with the sentence that the reference page and Prometheus show. */
export const metricTable = {
  http_requests_total: { type: 'counter', help: 'Requests answered, by method, route and status.', labels: ['method', 'route', 'status'] },
  hand_outs_total: { type: 'counter', help: 'Hand-outs, by outcome: ok or the code of the problem.', labels: ['outcome'] },
  refreshes_total: { type: 'counter', help: 'Renewals of tokens, by outcome.', labels: ['outcome'] },
  token_requests_total: { type: 'counter', help: 'Requests to token endpoints, by what the answer was judged to be.', labels: ['outcome'] },
  messages_total: { type: 'counter', help: 'Messages, by outcome: accepted, sent, delayed, failed.', labels: ['outcome'] },
  audit_records_total: { type: 'counter', help: 'Audit records that were committed.', labels: [] },
  audit_commits_total: { type: 'counter', help: 'Commits of audit records; many records share one.', labels: [] },
  credentials: { type: 'gauge', help: 'Credentials, by status.', labels: ['status'] },
  outbox_waiting: { type: 'gauge', help: 'Messages that wait to be sent.', labels: [] },
} as const

export type MetricName = keyof typeof metricTable

export type Metrics = {
  count(name: MetricName, labels?: Record<string, string>, by?: number): void
  set(name: MetricName, value: number, labels?: Record<string, string>): void
  text(): Promise<string>
}

/** Makes the metrics of this process. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'keybearer_' })
  const made = new Map<string, Counter | Gauge>()
  for (const [name, { type, help, labels }] of Object.entries(metricTable)) {
    const options = { name: `keybearer_${name}`, help, labelNames: [...labels], registers: [registry] }
    made.set(name, type === 'counter' ? new Counter(options) : new Gauge(options))
  }
  return {
    count(name, labels = {}, by = 1) {
      ;(made.get(name) as Counter).inc(labels, by)
    },
    set(name, value, labels = {}) {
      ;(made.get(name) as Gauge).set(labels, value)
    },
    text: () => registry.metrics(),
  }
}
