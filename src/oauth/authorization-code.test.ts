import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { isProblem, type Problem } from '../base/problem.ts'
import type { ProblemCode } from '../base/problem-codes.ts'
import { Secret } from '../base/secret.ts'
import { buildAuthorizationRequest, codeParameters, readAuthorizationResponse } from './authorization-code.ts'
import { exampleProvider } from './example-provider.ts'

const provider = exampleProvider()
const order = { clientId: 'client', redirectUri: 'https://kb.example/oauth/callback/reg_1', scope: ['openid', 'mail.send'] }
const build = (change: Partial<Parameters<typeof buildAuthorizationRequest>[1]> = {}, at = provider) => buildAuthorizationRequest(at, { ...order, ...change })
const queryOf = (request: { url: string }) => new URL(request.url).searchParams

function refuses(query: string | URLSearchParams, code: ProblemCode, at = provider): Problem {
  let problem: unknown = null
  assert.throws(
    () => readAuthorizationResponse(new URLSearchParams(query), at),
    (error) => {
      problem = error
      return isProblem(error, code)
    },
    `expected ${code} for ${query.toString()}`,
  )
  return problem as Problem
}

describe('the address of the consent', () => {
  test('has everything that RFC 6749 and OpenID Connect ask for', () => {
    const request = build()
    const url = new URL(request.url)
    assert.equal(url.origin + url.pathname, 'https://as.example/authorize')
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      response_type: 'code',
      client_id: 'client',
      redirect_uri: order.redirectUri,
      scope: 'openid mail.send',
      state: request.state.reveal(),
      nonce: request.nonce,
      code_challenge: createHash('sha256').update(request.codeVerifier.reveal()).digest('base64url'),
      code_challenge_method: 'S256',
    })
  })

  test('O1: the state is 256 random bits and nothing else, new each time', () => {
    const states = Array.from({ length: 500 }, () => build().state.reveal())
    assert.equal(new Set(states).size, states.length)
    for (const state of states) assert.equal(Buffer.from(state, 'base64url').length, 32)
    // Every bit varies, so none carries data.
    const seen = Array.from({ length: 32 }, () => ({ or: 0, and: 255 }))
    for (const state of states) {
      Buffer.from(state, 'base64url').forEach((byte, i) => {
        seen[i]!.or |= byte
        seen[i]!.and &= byte
      })
    }
    assert.ok(seen.every(({ or, and }) => or === 255 && and === 0))
  })

  test('O4: PKCE with S256 is always sent, with a fresh verifier of 256 bits', async () => {
    const verifiers = new Set<string>()
    for (const change of [{}, { scope: [] }, { parameters: { code_challenge_method: 'plain', code_challenge: 'x' } }]) {
      for (const at of [provider, exampleProvider({ parameters: { authorize: { code_challenge_method: 'plain', code_challenge: 'x' } } })]) {
        const request = build(change, at)
        const query = queryOf(request)
        assert.deepEqual(query.getAll('code_challenge_method'), ['S256'])
        assert.deepEqual(query.getAll('code_challenge'), [await oauth.calculatePKCECodeChallenge(request.codeVerifier.reveal())])
        assert.match(request.codeVerifier.reveal(), /^[\w-]{43}$/)
        verifiers.add(request.codeVerifier.reveal())
      }
    }
    assert.equal(verifiers.size, 6)
  })

  test('the verifier is not in the address, and what is secret does not print', () => {
    const request = build()
    assert.ok(!request.url.includes(request.codeVerifier.reveal()))
    assert.ok(!JSON.stringify({ ...request, url: '' }).includes(request.state.reveal()))
  })

  test('a nonce is sent when, and only when, openid is asked for', () => {
    assert.match(build().nonce ?? '', /^[\w-]{22}$/)
    assert.equal(build({ scope: ['mail'] }).nonce, null)
    assert.equal(queryOf(build({ scope: ['mail'] })).has('nonce'), false)
  })

  test('the query of the endpoint is kept, and parameters of the data and of the person are added', () => {
    const at = exampleProvider({
      authorization_endpoint: 'https://as.example/authorize?tenant=a%2Fb',
      parameters: { authorize: { access_type: 'offline', prompt: 'consent' } },
    })
    const query = queryOf(build({ loginHint: 'ann@example.org', resource: ['https://a.example', 'https://b.example'], parameters: { prompt: 'login' } }, at))
    assert.equal(query.get('tenant'), 'a/b')
    assert.equal(query.get('access_type'), 'offline')
    assert.deepEqual(query.getAll('prompt'), ['login'])
    assert.equal(query.get('login_hint'), 'ann@example.org')
    assert.deepEqual(query.getAll('resource'), ['https://a.example', 'https://b.example'])
  })

  test('no parameter of a person or of the data replaces one of the protocol', () => {
    const evil = { state: 'x', client_id: 'other', redirect_uri: 'https://evil.example', response_type: 'token', scope: 'everything', nonce: 'x' }
    for (const query of [queryOf(build({ parameters: evil })), queryOf(build({}, exampleProvider({ parameters: { authorize: evil } })))]) {
      for (const [name, value] of Object.entries(evil))
        assert.deepEqual(
          query.getAll(name).filter((one) => one === value),
          [],
          name,
        )
      assert.deepEqual(query.getAll('response_type'), ['code'])
    }
  })

  test('scopes are joined as the data say, a space is %20, and no scope means no parameter', () => {
    assert.match(build().url, /scope=openid%20mail\.send/)
    assert.doesNotMatch(build().url, /\+/)
    assert.equal(queryOf(build({ scope: ['a', 'b'] }, exampleProvider({ scope_separator: ',' }))).get('scope'), 'a,b')
    assert.equal(queryOf(build({ scope: [] })).has('scope'), false)
  })

  test('without an authorization endpoint it says so', () => {
    const at = exampleProvider({ authorization_endpoint: undefined, grants: ['client_credentials'] })
    assert.throws(
      () => build({}, at),
      (error) => isProblem(error, 'misconfigured'),
    )
  })
})

describe('the answer of the consent', () => {
  test('gives the code', () => {
    assert.equal(readAuthorizationResponse(new URLSearchParams({ code: '4/0Ab+c', state: 's' }), provider).code.reveal(), '4/0Ab+c')
  })

  test('O28: a parameter twice is refused, whatever the order', () => {
    for (const query of [
      'code=a&code=b&state=s',
      'code=a&state=s&state=s',
      'code=a&state=s&iss=https://as.example&iss=https://as.example',
      'error=a&error=b&state=s',
      'code=a&x=1&x=2&state=s',
    ]) {
      refuses(query, 'consent_malformed')
    }
    refuses('code=a&error=access_denied&state=s', 'consent_malformed')
  })

  describe('O5: the issuer in it', () => {
    const optional = provider
    const required = exampleProvider({ iss_parameter: 'required' })
    const withIss = (iss: string) => new URLSearchParams({ code: 'c', state: 's', iss })
    test('must be the one of the provider, character by character', () => {
      for (const at of [optional, required]) {
        assert.equal(readAuthorizationResponse(withIss('https://as.example'), at).code.reveal(), 'c')
        for (const iss of [
          'https://as.example/',
          'https://AS.example',
          'http://as.example',
          'https://evil.example',
          ' https://as.example',
          'https://as.example:443',
          '',
        ]) {
          refuses(withIss(iss), 'consent_issuer_mismatch', at)
        }
      }
    })
    test('must be there when the provider announces it, also with an error', () => {
      refuses('code=c&state=s', 'consent_issuer_mismatch', required)
      refuses('error=access_denied&state=s', 'consent_issuer_mismatch', required)
      assert.equal(readAuthorizationResponse(new URLSearchParams('code=c&state=s'), optional).code.reveal(), 'c')
    })
    test('may be one of a template, as at Microsoft', () => {
      const at = exampleProvider({ issuer: 'https://as.example/{tenantid}/v2.0' })
      assert.equal(readAuthorizationResponse(withIss('https://as.example/9188040d/v2.0'), at).code.reveal(), 'c')
      for (const iss of ['https://as.example/a/b/v2.0', 'https://as.example/v2.0', 'https://evil.example/a/v2.0'])
        refuses(withIss(iss), 'consent_issuer_mismatch', at)
    })
    test('is compared before the error is believed', () => {
      refuses(new URLSearchParams({ error: 'access_denied', state: 's', iss: 'https://evil.example' }), 'consent_issuer_mismatch')
    })
  })

  test('an error says whose words they are, without anything that could break a line', () => {
    const denied = refuses('error=access_denied&error_description=no%0d%0a%1b[2Jthanks&state=s', 'consent_denied')
    assert.match(denied.message, /Example says: access_denied/)
    assert.doesNotMatch(denied.message, /\p{Cc}/u)
    for (const error of ['user_denied', 'user_cancelled_login', 'consent_required']) refuses(`error=${error}&state=s`, 'consent_denied')
    for (const error of ['server_error', 'invalid_scope', 'temporarily_unavailable', 'unheard_of']) refuses(`error=${error}&state=s`, 'consent_failed')
    assert.ok(refuses(`error=${'x'.repeat(100_000)}&state=s`, 'consent_failed').message.length < 1000)
  })

  test('without a usable code it is malformed, and a token in it is not looked at', () => {
    for (const query of [
      'state=s',
      'code=&state=s',
      'access_token=at&token_type=bearer&state=s',
      `code=${'x'.repeat(9000)}&state=s`,
      'code=a%0d%0ab&state=s',
      'code=%c3%a4&state=s',
    ]) {
      refuses(query, 'consent_malformed')
    }
  })
})

test('a code is traded with the very redirect URI and the verifier', () => {
  const parameters = codeParameters(exampleProvider({ parameters: { token: { action: 'requesttoken', grant_type: 'x', code_verifier: 'x' } } }), {
    code: new Secret('c'),
    codeVerifier: new Secret('v'),
    redirectUri: order.redirectUri,
  })
  assert.deepEqual(parameters, { action: 'requesttoken', grant_type: 'authorization_code', code: 'c', code_verifier: 'v', redirect_uri: order.redirectUri })
})
