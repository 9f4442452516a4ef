import type { MailOptionsView } from '../mail/mail-options.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import type { Reply } from './views.ts'

type Ids = 'getMailOptions' | 'setMailOptions'

export function mailOptionsHandlers({ mailOptions }: Pick<Services, 'mailOptions'>): HandlersOf<Ids> {
  return {
    async getMailOptions() {
      return { body: optionsBody(await mailOptions.get()) }
    },
    async setMailOptions({ body, actor }) {
      return { body: optionsBody(await mailOptions.set({ defaultSender: body.default_sender, fallbacks: body.fallbacks, notify: body.notify }, actor)) }
    },
  }
}

const optionsBody = (view: MailOptionsView): Reply<'getMailOptions'> => ({ default_sender: view.defaultSender, fallbacks: view.fallbacks, notify: view.notify })
