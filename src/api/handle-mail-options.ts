import type { MailOptionsView } from '../mail/mail-options.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { withoutUndefined, type Reply } from './views.ts'

type Ids = 'getMailOptions' | 'setMailOptions'

export function mailOptionsHandlers({ mailOptions }: Pick<Services, 'mailOptions'>): HandlersOf<Ids> {
  return {
    async getMailOptions() {
      return { body: optionsBody(await mailOptions.get()) }
    },
    async setMailOptions({ body, actor }) {
      const { to, events, daily, reminders } = body.notify
      const notify = {
        to,
        events,
        ...withoutUndefined({ reminders }),
        ...(daily === undefined ? {} : { daily: daily && { hour: daily.hour, timeZone: daily.time_zone } }),
      }
      return { body: optionsBody(await mailOptions.set({ defaultSender: body.default_sender, fallbacks: body.fallbacks, notify }, actor)) }
    },
  }
}

const optionsBody = ({ defaultSender, fallbacks, notify }: MailOptionsView): Reply<'getMailOptions'> => ({
  default_sender: defaultSender,
  fallbacks,
  notify: { ...notify, daily: notify.daily && { hour: notify.daily.hour, time_zone: notify.daily.timeZone } },
})
