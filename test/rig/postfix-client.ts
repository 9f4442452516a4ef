import { execFileSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endByPidFile, startDaemon } from './mail-rig.ts'
import { postfixMaster } from './mail-config.ts'

/** Makes the folders of a Postfix that sends through somebody else, and writes its configuration: what is given, and where things are here. */
export function layOutPostfixClient(state: string, main: string): { etc: string; start: () => Promise<() => Promise<void>> } {
  const etc = join(state, 'etc')
  const queue = join(state, 'queue')
  for (const folder of [etc, queue, join(state, 'data')]) mkdirSync(folder, { recursive: true })
  const [, , uid, gid] = execFileSync('getent', ['passwd', 'postfix'], { encoding: 'utf8' }).split(':')
  chownSync(join(state, 'data'), Number(uid), Number(gid))
  const here = [
    `queue_directory = ${queue}`,
    `data_directory = ${join(state, 'data')}`,
    `maillog_file_prefixes = ${state}`,
    `maillog_file = ${join(state, 'postfix.log')}`,
    'compatibility_level = 3.6',
    'inet_protocols = ipv4',
    'myhostname = shop.example.org',
    // "localhost" stands in /etc/hosts.
    'smtp_host_lookup = native',
    'alias_maps =',
    'alias_database =',
  ]
  writeFileSync(join(etc, 'main.cf'), `${main.trimEnd()}\n${here.join('\n')}\n`)
  // It takes mail from programs of its own machine only: no port.
  writeFileSync(join(etc, 'master.cf'), postfixMaster(0).replace(/^.*smtpd\n/, 'tlsmgr unix - - n 1000? 1 tlsmgr\n'))
  if (existsSync('/etc/postfix/dynamicmaps.cf')) cpSync('/etc/postfix/dynamicmaps.cf', join(etc, 'dynamicmaps.cf'))
  return {
    etc,
    async start() {
      startDaemon('postfix', ['-c', etc, 'start'], join(state, 'start.log'))
      return async () => endByPidFile(join(queue, 'pid', 'master.pid'))
    },
  }
}
