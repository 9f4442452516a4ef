import { metricTable } from '../../src/base/metrics.ts'
import { code, fence, page, prose, table } from './markdown.ts'

export function makeMetricsPage(): string {
  return page(
    'src/base/metrics.ts',
    'Metrics',
    'The service shows its metrics at `/metrics`, in the text format that Prometheus reads. They are counts and states only: no credential, account or access key is named.',
    fence('sh', 'curl -s http://127.0.0.1:7420/metrics'),
    'Whoever calls from the same machine needs no key; everybody else sends one. [`KEYBEARER_METRICS`](settings.md#keybearer_metrics) changes that, or switches them off. Each node counts for itself.',
    table(
      ['Metric', 'Type', 'Labels', 'What it tells'],
      Object.entries(metricTable).map(([name, { type, labels, help }]) => [
        code(`keybearer_${name}`),
        type,
        labels.length === 0 ? '–' : labels.map(code).join(', '),
        prose(help),
      ]),
    ),
    'Beside these stand the usual metrics of the process and of Node.js: memory, CPU, open files, event loop, garbage collection. Their names begin with `keybearer_process_` and `keybearer_nodejs_`.',
    '## What to watch',
    [
      '- `keybearer_credentials{status="needs_consent"}` and `keybearer_credentials{status="misconfigured"}` above 0: a person is needed.',
      '- `keybearer_credentials{status="expiring"}` above 0: a person will be needed soon.',
      '- `keybearer_hand_outs_total` with an outcome other than `ok` growing: an automation does not get what it asks for.',
      '- `keybearer_outbox_waiting` growing: mail does not leave.',
      '- `/readyz` answering anything but 200: nothing is handed out.',
    ].join('\n'),
    'An alert for Prometheus:',
    fence(
      'yaml',
      [
        'groups:',
        '  - name: keybearer',
        '    rules:',
        '      - alert: CredentialNeedsAPerson',
        '        expr: sum(keybearer_credentials{status=~"needs_consent|misconfigured"}) > 0',
        '        for: 10m',
        '        annotations:',
        '          summary: A credential has stopped. "keybearer status" says which and what to do.',
      ].join('\n'),
    ),
  )
}
