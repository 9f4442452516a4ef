import { Command } from 'commander'
import { readNumber } from './input.ts'
import { print } from './output.ts'
import { connectService } from './service.ts'
import { showToken } from './token-quickly.ts'

export function tokenCommand(): Command {
  return new Command('token')
    .description('print an access token, and nothing else')
    .argument('<name>')
    .option('--min-ttl <seconds>', 'a token that lives at least so long', readNumber)
    .option('--xoauth2', 'print the SASL string for mail servers instead')
    .option('--user <mailbox>', 'the user in the SASL string; the account of the credential unless told')
    .option('--json', 'print JSON with expiry and scope')
    .action(async (name: string, options: { minTtl?: number; xoauth2?: boolean; user?: string; json?: boolean }) => {
      const token = await connectService().handOutToken({
        params: { credential: name },
        body: options.minTtl === undefined ? {} : { min_ttl_seconds: options.minTtl },
      })
      print(showToken(token, { json: options.json ?? false, xoauth2: options.xoauth2 ?? false, user: options.user ?? null }))
    })
}
