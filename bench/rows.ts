import { join } from 'node:path'
import { layOutPackage } from './installed-package.ts'
import { measureTokenCommand } from './measure-command-line.ts'
import { measureHandOuts } from './measure-hand-outs.ts'
import { measureMail } from './measure-mail.ts'
import { measureRefreshes } from './measure-refreshes.ts'
import { measureRelayAccept, measureRelayEndToEnd, measureRelayMemory } from './measure-relay.ts'
import { measureSizes } from './measure-size.ts'
import { judge, type Goal, type Row } from './row.ts'
import { seed } from './seed.ts'

/** How much is measured: the whole, or so little that it only shows that the bench works. */
export type Scale = {
  rounds: number
  milliseconds: number
  connections: number
  few: number
  many: number
  requests: number
  running: number
  mails: number
  /** Messages that wait for a server that is away. */
  waiting: number
  commands: number
}

export const whole: Scale = {
  rounds: 5,
  milliseconds: 3000,
  connections: 50,
  few: 100,
  many: 100_000,
  requests: 2000,
  running: 10_000,
  mails: 400,
  waiting: 10_000,
  commands: 15,
}
export const tiny: Scale = { rounds: 1, milliseconds: 200, connections: 5, few: 5, many: 50, requests: 40, running: 40, mails: 10, waiting: 30, commands: 2 }

export type Group = { name: string; measure: (scale: Scale, folder: string, bin: string) => Promise<Row[]> }

const ratioAtLeast = (value: number, aim?: number): Goal => ({ of: 'ratio', is: 'at_least', value, ...(aim === undefined ? {} : { aim }) })
const ratioAtMost = (value: number, aim?: number): Goal => ({ of: 'ratio', is: 'at_most', value, ...(aim === undefined ? {} : { aim }) })

/** Every group of rows, in the order of the speed table. A group shares what is costly to set up. */
export const groups: Group[] = [
  {
    name: 'hand-outs',
    async measure(scale, folder, bin) {
      await seed(bin, { folder: join(folder, 'hand-outs'), credentials: 100 })
      const { rate, p99 } = await measureHandOuts({ bin, folder: join(folder, 'hand-outs'), ...scale })
      return [
        judge({ name: 'hand-outs, against a bare node:http server', unit: '/s', goals: [ratioAtLeast(0.5, 0.8)] }, rate),
        judge({ name: 'p99 of a hand-out, against the same server', unit: 'ms', goals: [ratioAtMost(2)] }, p99),
      ]
    },
  },
  {
    name: 'command',
    async measure(scale, folder, bin) {
      await seed(bin, { folder: join(folder, 'command'), credentials: 2 })
      const measured = await measureTokenCommand({ bin, folder: join(folder, 'command'), rounds: scale.commands })
      return [judge({ name: 'keybearer token, against node -e 0', unit: 'ms', goals: [ratioAtMost(2, 1.5)] }, measured)]
    },
  },
  {
    name: 'size',
    async measure(scale, folder, bin) {
      const small = { folder: join(folder, 'small'), credentials: scale.few }
      const large = { folder: join(folder, 'large'), credentials: scale.many }
      await seed(bin, small)
      await seed(bin, large)
      const sizes = await measureSizes({ bin, small, large, rounds: Math.min(scale.rounds, 3), requests: scale.requests })
      const many = scale.many.toLocaleString('en')
      return [
        judge(
          { name: `start to /readyz with ${scale.few} credentials`, unit: 'ms', goals: [{ of: 'figure', is: 'at_most', value: 1000 }] },
          { figure: sizes.startSmall, yardstick: null, ratio: null },
        ),
        judge(
          { name: `start to /readyz with ${many}, against ${scale.few}`, unit: 'ms', goals: [{ of: 'figure', is: 'at_most', value: 1000 }, ratioAtMost(1.5)] },
          sizes.startLarge,
        ),
        judge({ name: `hand-out with ${many} credentials, against ${scale.few}`, unit: 'ms', goals: [ratioAtMost(1.5)] }, sizes.handOut),
        judge({ name: `first list page with ${many} credentials, against ${scale.few}`, unit: 'ms', goals: [ratioAtMost(1.5)] }, sizes.list),
        judge(
          { name: `search of the list with ${many} credentials, against ${scale.few}`, unit: 'ms', goals: [{ of: 'figure', is: 'at_most', value: 100 }] },
          sizes.search,
        ),
        judge({ name: `resident memory with ${many} credentials, against ${scale.few}`, unit: 'MB', goals: [ratioAtMost(1.3)] }, sizes.memory),
      ]
    },
  },
  {
    name: 'refreshes',
    async measure(scale, folder, bin) {
      const measured = await measureRefreshes({ bin, folder: join(folder, 'refreshes'), credentials: scale.running, rounds: Math.min(scale.rounds, 3) })
      const where = measured.isApart ? ', on a core of its own' : ''
      const name = `${scale.running.toLocaleString('en')} credentials running out in one minute, against the authorization server alone${where}`
      return [judge({ name, unit: '/s', goals: [ratioAtLeast(0.8)] }, measured)]
    },
  },
  {
    name: 'mail',
    async measure(scale) {
      const measured = await measureMail({ mails: scale.mails, rounds: scale.rounds })
      return [judge({ name: 'mails through a sender, one connection, against nodemailer alone', unit: '/s', goals: [ratioAtLeast(0.9)] }, measured)]
    },
  },
  {
    name: 'relay',
    async measure(scale) {
      const accepted = await measureRelayAccept({ mails: scale.mails * 5, rounds: scale.rounds })
      const { one, ten, anew, latency } = await measureRelayEndToEnd({ mails: scale.mails, rounds: Math.min(scale.rounds, 3) })
      const memory = await measureRelayMemory({ waiting: scale.waiting })
      const straight = 'against the same straight to the next server'
      return [
        judge({ name: 'mails accepted by the relay, durable, ten sessions, against a bare smtp-server', unit: '/s', goals: [ratioAtLeast(0.5)] }, accepted),
        judge({ name: `mails through the relay, one session, ${straight}`, unit: '/s', goals: [] }, one),
        judge({ name: `mails through the relay, ten sessions, ${straight}`, unit: '/s', goals: [] }, ten),
        judge({ name: `mails through the relay, a session for each, ${straight}`, unit: '/s', goals: [] }, anew),
        judge({ name: `until a mail through the relay has arrived, ${straight}`, unit: 'ms', goals: [] }, latency),
        judge(
          { name: `resident memory with ${scale.waiting.toLocaleString('en')} messages waiting, against none`, unit: 'MB', goals: [ratioAtMost(2)] },
          memory,
        ),
      ]
    },
  },
]

/** Measures the groups of these names, all without any, and tells each row as soon as it is there. */
export async function measureGroups(names: readonly string[], scale: Scale, folder: string, tell: (row: Row) => void): Promise<Row[]> {
  const unknown = names.filter((name) => !groups.some((group) => group.name === name))
  if (unknown.length > 0) throw new RangeError(`There is no group ${unknown.join(', ')}. There are: ${groups.map((group) => group.name).join(', ')}.`)
  const bin = layOutPackage(join(folder, 'package'))
  const rows: Row[] = []
  for (const group of groups) {
    if (names.length > 0 && !names.includes(group.name)) continue
    for (const row of await group.measure(scale, folder, bin)) {
      rows.push(row)
      tell(row)
    }
  }
  return rows
}
