import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { providerTitle } from './provider-title.ts'

describe('what a provider is called', () => {
  it('is its name, and the host of its token address where it is described by addresses alone', () => {
    const placeholders = { token_endpoint: 'https://login.example.org:8443/token' }
    assert.equal(providerTitle({ id: 'google', name: 'Google' }, placeholders), 'Google')
    assert.equal(providerTitle({ id: 'generic', name: 'Any OAuth 2.0 provider' }, placeholders), 'login.example.org:8443')
    for (const odd of [{}, { token_endpoint: '' }, { token_endpoint: 'login.example.org' }] as Record<string, string>[])
      assert.equal(providerTitle({ id: 'generic', name: 'Any OAuth 2.0 provider' }, odd), 'Any OAuth 2.0 provider')
    assert.equal(providerTitle({ id: 'old' }, {}), 'old')
  })
})
