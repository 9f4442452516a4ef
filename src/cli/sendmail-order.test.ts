import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readOrder, type SendmailOrder } from './sendmail-order.ts'
import { SendmailError, sysexitOf } from './sysexits.ts'

const plain = { mode: 'deliver', readsHeader: false, endsAtDot: true, from: null, fullName: null, recipients: ['bob@example.net'], verbose: false } as const
const read = (words: string): SendmailOrder => readOrder(words.split(' '))

describe('the words of a call of sendmail', () => {
  for (const [who, words, further] of [
    ['anybody', 'bob@example.net', {}],
    ['PHP', '-t -i', { readsHeader: true, endsAtDot: false, recipients: [] }],
    ['cron of Debian', '-i -FCronDaemon -B8BITMIME -oem root', { endsAtDot: false, fullName: 'CronDaemon', recipients: ['root'] }],
    ['cron of Vixie', '-FCronDaemon -odi -oem -oi -or0s root', { endsAtDot: false, fullName: 'CronDaemon', recipients: ['root'] }],
    ['git send-email', '-f anna@example.org -i bob@example.net', { endsAtDot: false, from: 'anna@example.org' }],
    ['mutt', '-oem -oi -f anna@example.org -N never -- bob@example.net', { endsAtDot: false, from: 'anna@example.org' }],
    ['s-nail', '-i -r anna@example.org -- bob@example.net', { endsAtDot: false, from: 'anna@example.org' }],
    ['options that are joined', '-tif anna@example.org', { readsHeader: true, endsAtDot: false, from: 'anna@example.org', recipients: [] }],
    ['a joined address', '-fanna@example.org bob@example.net', { from: 'anna@example.org' }],
    ['an address in brackets', '-r <anna@example.org> bob@example.net', { from: 'anna@example.org' }],
    ['a name of this machine', '-f www-data bob@example.net', {}],
    ['the empty sender', '-f <> bob@example.net', {}],
    ['options behind the recipient', 'bob@example.net -oi', { endsAtDot: false }],
    ['a recipient that looks like an option', '-- -odd@example.net', { recipients: ['-odd@example.net'] }],
    [
      'long options of sendmail',
      '-O DeliveryMode=b -O IgnoreDots=true -N failure,delay -R hdrs -V id -bm -G -m -n -v bob@example.net',
      { endsAtDot: false, verbose: true },
    ],
    ['options nobody knows', '-oQ/var/spool/x -o7 -o Zodiac -d0.1 -L tag -h 3 -p SMTP:host bob@example.net', {}],
  ] as const)
    it(`are read as ${who} writes them`, () => {
      assert.deepEqual(read(words), { ...plain, ...further })
    })

  it('ask for the spool', () => {
    for (const words of ['-q', '-qf', '-qRexample.net', '-v -q']) assert.equal(read(words).mode, 'flush')
    assert.deepEqual(read('--flush'), { mode: 'flush', withRefused: true, verbose: true })
    assert.deepEqual([read('-bp'), read('-bi'), read('-I')], [{ mode: 'list' }, { mode: 'nothing' }, { mode: 'nothing' }])
  })

  it('that cannot be obeyed end with EX_USAGE and say why', () => {
    for (const [words, text] of [
      ['-bs', /mail relay \(KEYBEARER_RELAY_PORT\)/],
      ['-bd', /keybearer serve/],
      ['-bv bob@example.net', /only its mail server knows/],
      ['-bt', /no rules/],
      ['-q30m', /by a timer/],
      ['-C /etc/other.cf bob@example.net', /KEYBEARER_…/],
      ['-X log bob@example.net', /no such log/],
      ['-f', /-f needs a value/],
      ['-y bob@example.net', /no option -y/],
      ['--verbose bob@example.net', /no option --verbose/],
      ['-i', /Nobody is named/],
    ] as const)
      assert.throws(
        () => read(words),
        (error) => error instanceof SendmailError && error.exit === 64 && text.test(error.message),
        words,
      )
  })

  it('meet refusals of the service with the codes of sysexits', () => {
    for (const [code, exit] of [
      ['mail_invalid', 'data'],
      ['payload_too_large', 'unavailable'],
      ['not_signed_in', 'noPermission'],
      ['not_allowed', 'noPermission'],
      ['no_sender', 'configuration'],
      ['rate_limited', 'tryLater'],
      ['name_taken', 'software'],
      ['what is no code', 'software'],
    ] as const)
      assert.equal(sysexitOf(code), exit, code)
  })
})
