import { Grid, Stack } from '@mantine/core'
import { PageHead } from '../elements/page-head.tsx'
import { Health } from './health.tsx'
import { LockService } from './lock-service.tsx'
import { MasterKey } from './master-key.tsx'
import { EffectiveSettings } from './effective-settings.tsx'
import { AboutService } from './about-service.tsx'

/** Whether the service is well, how old its keys are, and how it is set up. */
export function SettingsPage() {
  return (
    <>
      <PageHead title="Settings & health">Whether the service is well, how old its keys are, and how it is set up.</PageHead>
      <Stack gap="lg">
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, lg: 7 }}>
            <Health />
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 5 }}>
            <Stack gap="lg">
              <AboutService />
              <MasterKey />
              <LockService />
            </Stack>
          </Grid.Col>
        </Grid>
        <EffectiveSettings />
      </Stack>
    </>
  )
}
