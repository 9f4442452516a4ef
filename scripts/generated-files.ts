import { join } from 'node:path'
import { z } from 'zod'
import { openApi } from '../src/api/openapi.ts'
import { diagnosisFileSchema } from '../src/providers/diagnosis-schema.ts'
import { makeIndex } from '../src/providers/catalogue.ts'
import { popularFileSchema } from '../src/providers/popular.ts'
import { providerSchema } from '../src/providers/provider-schema.ts'
import { makeClientOperations } from './generate-client.ts'
import { makeApiPage } from './reference/api.ts'
import { makeAuditActionsPage } from './reference/audit-actions.ts'
import { makeCommandLinePage } from './reference/command-line.ts'
import { makeDiagnosesPage } from './reference/diagnoses.ts'
import { makeErrorsPage } from './reference/errors.ts'
import { makeEventsPage } from './reference/events.ts'
import { makeMetricsPage } from './reference/metrics.ts'
import { makePermissionsPage } from './reference/permissions.ts'
import { makeProvidersPage } from './reference/providers.ts'
import { makeSecurityPage } from './reference/security.ts'
import { makeSettingsPage } from './reference/settings.ts'

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

/** Every file that is made from the code, from the root of the repository; they are committed, and a test makes them anew and compares. */
export const generatedFiles: readonly { path: string; make: () => string }[] = [
  { path: 'client/src/operations.ts', make: makeClientOperations },
  {
    path: 'providers/schema.json',
    make: () => json({ $comment: 'Made from src/providers/provider-schema.ts by "npm run generate".', ...z.toJSONSchema(providerSchema, { io: 'input' }) }),
  },
  {
    path: 'providers/diagnoses/schema.json',
    make: () =>
      json({ $comment: 'Made from src/providers/diagnosis-schema.ts by "npm run generate".', ...z.toJSONSchema(diagnosisFileSchema, { io: 'input' }) }),
  },
  {
    path: 'providers/popular/schema.json',
    make: () => json({ $comment: 'Made from src/providers/popular.ts by "npm run generate".', ...z.toJSONSchema(popularFileSchema, { io: 'input' }) }),
  },
  { path: 'providers/index.json', make: () => makeIndex(join(import.meta.dirname, '..', 'providers')) },
  { path: 'docs/reference/openapi.json', make: () => json(openApi()) },
  { path: 'docs/reference/api.md', make: makeApiPage },
  { path: 'docs/reference/audit-actions.md', make: makeAuditActionsPage },
  { path: 'docs/reference/command-line.md', make: makeCommandLinePage },
  { path: 'docs/reference/diagnoses.md', make: makeDiagnosesPage },
  { path: 'docs/reference/errors.md', make: makeErrorsPage },
  { path: 'docs/reference/events.md', make: makeEventsPage },
  { path: 'docs/reference/metrics.md', make: makeMetricsPage },
  { path: 'docs/reference/permissions.md', make: makePermissionsPage },
  { path: 'docs/reference/providers.md', make: makeProvidersPage },
  { path: 'docs/reference/security.md', make: makeSecurityPage },
  { path: 'docs/reference/settings.md', make: makeSettingsPage },
]
