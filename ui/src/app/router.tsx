import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect, stripSearchParams } from '@tanstack/react-router'
import { emptyFilter, readFilter } from '../credentials/filter.ts'
import { Outside } from './outside.tsx'
import { Shell } from './shell.tsx'
import { PageComing } from './page-coming.tsx'
import { NotFound, PageFailed } from './page-failed.tsx'

const root = createRootRoute({ notFoundComponent: NotFound, errorComponent: PageFailed })
const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Shell })
const outside = createRoute({ getParentRoute: () => root, id: 'outside', component: Outside })

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  beforeLoad: (): void => {
    throw redirect({ to: '/credentials', search: emptyFilter })
  },
})

const credentials = createRoute({
  getParentRoute: () => inside,
  path: '/credentials',
  validateSearch: readFilter,
  search: { middlewares: [stripSearchParams(emptyFilter)] },
  component: lazyRouteComponent(() => import('../credentials/credentials-page.tsx'), 'CredentialsPage'),
})

const newCredentialRoute = createRoute({
  getParentRoute: () => inside,
  path: '/credentials/new',
  component: lazyRouteComponent(() => import('../wizard/new-credential-page.tsx'), 'NewCredentialPage'),
})

const importRoute = createRoute({
  getParentRoute: () => inside,
  path: '/credentials/import',
  component: lazyRouteComponent(() => import('../portability/import-page.tsx'), 'ImportPage'),
})

const exportRoute = createRoute({
  getParentRoute: () => inside,
  path: '/credentials/export',
  component: lazyRouteComponent(() => import('../portability/export-page.tsx'), 'ExportPage'),
})

const credentialRoute = createRoute({
  getParentRoute: () => inside,
  path: '/credentials/$credential',
  component: lazyRouteComponent(() => import('../credentials/credential-page.tsx'), 'CredentialPage'),
})

const editCredentialRoute = createRoute({
  getParentRoute: () => inside,
  path: '/credentials/$credential/edit',
  component: lazyRouteComponent(() => import('../wizard/edit-credential-page.tsx'), 'EditCredentialPage'),
})

const connectRoute = createRoute({
  getParentRoute: () => inside,
  path: '/credentials/$credential/connect',
  component: lazyRouteComponent(() => import('../wizard/connect-page.tsx'), 'ConnectPage'),
})

const registrationsRoute = createRoute({
  getParentRoute: () => inside,
  path: '/registrations',
  component: lazyRouteComponent(() => import('../registrations/registrations-page.tsx'), 'RegistrationsPage'),
})

const registrationRoute = createRoute({
  getParentRoute: () => inside,
  path: '/registrations/$registration',
  component: lazyRouteComponent(() => import('../registrations/registration-page.tsx'), 'RegistrationPage'),
})

const providersRoute = createRoute({
  getParentRoute: () => inside,
  path: '/providers',
  component: lazyRouteComponent(() => import('../providers/providers-page.tsx'), 'ProvidersPage'),
})

const providerRoute = createRoute({
  getParentRoute: () => inside,
  path: '/providers/$provider',
  component: lazyRouteComponent(() => import('../providers/provider-page.tsx'), 'ProviderPage'),
})

const sendersRoute = createRoute({
  getParentRoute: () => inside,
  path: '/senders',
  component: lazyRouteComponent(() => import('../senders/senders-page.tsx'), 'SendersPage'),
})

const emailOptionsRoute = createRoute({
  getParentRoute: () => inside,
  path: '/email-options',
  component: lazyRouteComponent(() => import('../email-options/email-options-page.tsx'), 'EmailOptionsPage'),
})

const outboxRoute = createRoute({
  getParentRoute: () => inside,
  path: '/outbox',
  component: lazyRouteComponent(() => import('../outbox/outbox-page.tsx'), 'OutboxPage'),
})

const actionsRoute = createRoute({
  getParentRoute: () => inside,
  path: '/actions',
  component: lazyRouteComponent(() => import('../actions/actions-page.tsx'), 'ActionsPage'),
})

const newActionRoute = createRoute({
  getParentRoute: () => inside,
  path: '/actions/new',
  component: lazyRouteComponent(() => import('../actions/action-edit-pages.tsx'), 'NewActionPage'),
})

const actionRoute = createRoute({
  getParentRoute: () => inside,
  path: '/actions/$action',
  component: lazyRouteComponent(() => import('../actions/action-page.tsx'), 'ActionPage'),
})

const editActionRoute = createRoute({
  getParentRoute: () => inside,
  path: '/actions/$action/edit',
  component: lazyRouteComponent(() => import('../actions/action-edit-pages.tsx'), 'EditActionPage'),
})

const accessKeysRoute = createRoute({
  getParentRoute: () => inside,
  path: '/access-keys',
  component: lazyRouteComponent(() => import('../access-keys/access-keys-page.tsx'), 'AccessKeysPage'),
})

const personsRoute = createRoute({
  getParentRoute: () => inside,
  path: '/persons',
  component: lazyRouteComponent(() => import('../persons/persons-page.tsx'), 'PersonsPage'),
})

const auditRoute = createRoute({
  getParentRoute: () => inside,
  path: '/audit',
  component: lazyRouteComponent(() => import('../audit/audit-page.tsx'), 'AuditPage'),
})

const settingsRoute = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  component: lazyRouteComponent(() => import('../settings/settings-page.tsx'), 'SettingsPage'),
})

const profileRoute = createRoute({
  getParentRoute: () => inside,
  path: '/profile',
  component: lazyRouteComponent(() => import('../persons/profile-page.tsx'), 'ProfilePage'),
})

const calendarRoute = createRoute({
  getParentRoute: () => inside,
  path: '/calendar',
  component: lazyRouteComponent(() => import('../calendar/calendar-page.tsx'), 'CalendarPage'),
})

const explainRoute = createRoute({
  getParentRoute: () => inside,
  path: '/explain',
  component: lazyRouteComponent(() => import('../diagnosis/explain-page.tsx'), 'ExplainPage'),
})

const guidesRoute = createRoute({
  getParentRoute: () => inside,
  path: '/guides',
  component: lazyRouteComponent(() => import('../guides/guides-page.tsx'), 'GuidesPage'),
})

const guideRoute = createRoute({
  getParentRoute: () => inside,
  path: '/guides/$guide',
  component: lazyRouteComponent(() => import('../guides/guide-page.tsx'), 'GuidePage'),
})

const deletedCredentialsRoute = createRoute({
  getParentRoute: () => inside,
  path: '/deleted-credentials',
  component: lazyRouteComponent(() => import('../deleted/deleted-credentials-page.tsx'), 'DeletedCredentialsPage'),
})

const emergencyStopsRoute = createRoute({
  getParentRoute: () => inside,
  path: '/emergency-stops',
  component: lazyRouteComponent(() => import('../emergency/emergency-stops-page.tsx'), 'EmergencyStopsPage'),
})

const emergencyStopRoute = createRoute({
  getParentRoute: () => inside,
  path: '/emergency-stops/$stop',
  component: lazyRouteComponent(() => import('../emergency/emergency-stop-page.tsx'), 'EmergencyStopPage'),
})

const setUpRoute = createRoute({
  getParentRoute: () => outside,
  path: '/set-up',
  component: lazyRouteComponent(() => import('../sign-in/set-up-page.tsx'), 'SetUpPage'),
})

const invitationRoute = createRoute({
  getParentRoute: () => outside,
  path: '/invitation',
  component: lazyRouteComponent(() => import('../sign-in/invitation-page.tsx'), 'InvitationPage'),
})

const routes = root.addChildren([
  inside.addChildren([
    home,
    credentials,
    newCredentialRoute,
    importRoute,
    exportRoute,
    credentialRoute,
    editCredentialRoute,
    connectRoute,
    registrationsRoute,
    registrationRoute,
    providersRoute,
    providerRoute,
    sendersRoute,
    emailOptionsRoute,
    outboxRoute,
    actionsRoute,
    newActionRoute,
    actionRoute,
    editActionRoute,
    accessKeysRoute,
    personsRoute,
    auditRoute,
    settingsRoute,
    calendarRoute,
    deletedCredentialsRoute,
    emergencyStopsRoute,
    emergencyStopRoute,
    explainRoute,
    guidesRoute,
    guideRoute,
    profileRoute,
  ]),
  outside.addChildren([setUpRoute, invitationRoute]),
])

export const router = createRouter({
  routeTree: routes,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  defaultPendingMs: 250,
  defaultPendingMinMs: 0,
  defaultPendingComponent: PageComing,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
