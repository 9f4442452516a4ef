import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import { makeWebhookSecret, signedHeaders } from './webhook-signature.ts'

test('a signature is the one of the specification', () => {
  // The worked example of the Standard Webhooks specification.
  const headers = signedHeaders({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: 1_614_265_330_000, body: '{"test": 2432232314}' }, [
    new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
  ])
  assert.deepEqual(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('every secret signs for itself, and a new secret is 32 bytes that never come again', () => {
  const secrets = [makeWebhookSecret(), makeWebhookSecret()]
  for (const secret of secrets) assert.match(secret.reveal(), /^whsec_[A-Za-z0-9+/]{43}=$/)
  assert.notEqual(secrets[0]!.reveal(), secrets[1]!.reveal())
  const delivery = { id: 'ntc_1', at: 1000, body: '{}' }
  const both = signedHeaders(delivery, secrets)['webhook-signature']!
  assert.deepEqual(
    both.split(' '),
    secrets.map((secret) => signedHeaders(delivery, [secret])['webhook-signature']),
  )
})
