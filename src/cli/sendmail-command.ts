import { Command } from 'commander'
import { runSendmail } from './sendmail.ts'

/** Describes the command for the help and the reference. `runSendmail` reads the words itself, as /usr/sbin/sendmail does. */
export function sendmailCommand(): Command {
  return new Command('sendmail')
    .description('take a message on stdin as /usr/sbin/sendmail does; it waits in a folder while the service is away')
    .argument('[recipients...]')
    .option('-t', 'the recipients stand in To, Cc and Bcc of the message, beside those named here')
    .option('-i', 'a line with only a dot does not end the message (also -oi)')
    .option('-f <address>', 'whom it comes from, where the message has no From (also -r)')
    .option('-F <name>', "the sender's name, where the message has no From")
    .option('-v', 'say what became of it')
    .option('-q', 'hand in what waits (also --flush, which tries those again that were refused)')
    .option('--flush', 'hand in what waits, and say how much it was')
    .option('-b <mode>', 'm: take a message; p: list what waits; i: nothing, the aliases are read at every call')
    .option('-o <option>', 'options of other mailers; all are passed over but -oi')
    .option('-O <option=value>', 'likewise')
    .option('-N <when>', 'likewise: what cannot be sent is seen in the outbox')
    .helpOption('--help', 'show help')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async () => {
      const words = process.argv.slice(2)
      await runSendmail(words.slice(words.indexOf('sendmail') + 1))
    })
}
