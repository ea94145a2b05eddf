// openid-client against the standard endpoint, found through its metadata.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import * as oidc from 'openid-client'
import { credentials, newClient, part, run, url } from './demo.js'

const [id, secret] = credentials.oauth2
const methods = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
}

// found reads the metadata; plain HTTP is for loopback.
function found(algorithm, [clientId, clientSecret], method = oidc.ClientSecretBasic) {
  return oidc.discovery(new URL(url), clientId, clientSecret, method(clientSecret), {
    algorithm,
    execute: [oidc.allowInsecureRequests],
  })
}

test('both names of the metadata describe the same server', async () => {
  const standard = (await found('oauth2', credentials.oauth2)).serverMetadata()
  const openid = (await found('oidc', credentials.oauth2)).serverMetadata()
  for (const [name, value] of Object.entries(standard)) {
    if (typeof value !== 'function') assert.deepEqual(openid[name], value, name)
  }
  assert.equal(standard.issuer, url)
  assert.equal(standard.token_endpoint, process.env.OAUTH2_TOKEN_URL)
  assert.deepEqual(standard.grant_types_supported, ['client_credentials'])
  assert.deepEqual(standard.token_endpoint_auth_methods_supported, Object.keys(methods))
  assert.equal(standard.authorization_endpoint, `${url}/oauth2/authorize`)
  const signIn = await fetch(`${standard.authorization_endpoint}?response_type=code&redirect_uri=https://evil.test/`, { redirect: 'manual' })
  assert.equal(signIn.status, 400)
  assert.equal((await signIn.json()).error, 'unsupported_response_type')
  assert.equal(standard.userinfo_endpoint, undefined)
  assert.deepEqual(openid.subject_types_supported, ['public'])
  assert.deepEqual(openid.id_token_signing_alg_values_supported, ['ES256', 'RS256', 'EdDSA'])
})

test('discovery under another name of the host fails', async () => {
  const other = new URL(url)
  other.hostname = 'localhost'
  await assert.rejects(
    oidc.discovery(other, id, secret, undefined, { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }),
    { code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' },
  )
})

for (const [name, method] of Object.entries(methods)) {
  for (const algorithm of ['oauth2', 'oidc']) {
    test(`${name} after ${algorithm} discovery: a token's whole life`, async () => {
      const config = await found(algorithm, credentials.oauth2, method)
      const answer = await oidc.clientCredentialsGrant(config, { scope: 'orders:read' })
      assert.equal(answer.token_type, 'bearer') // the library writes it in lower case
      assert.equal(answer.scope, 'orders:read')
      assert.equal(answer.refresh_token, undefined)
      assert.equal(answer.id_token, undefined)
      assert.ok(answer.expires_in <= 3600 && answer.expires_in > 3540, `expires_in ${answer.expires_in}`)
      assert.ok(answer.expiresIn() <= 3600)

      const seen = await oidc.tokenIntrospection(config, answer.access_token)
      const claims = part(answer.access_token, 1)
      assert.deepEqual(seen, {
        active: true,
        scope: 'orders:read',
        client_id: id,
        token_type: 'Bearer',
        exp: claims.exp,
        iat: claims.iat,
        sub: id,
        aud: url,
        iss: url,
        jti: claims.jti,
        tenant: 'demo',
      })

      await oidc.tokenRevocation(config, answer.access_token)
      assert.deepEqual(await oidc.tokenIntrospection(config, answer.access_token), { active: false })
      await oidc.tokenRevocation(config, answer.access_token) // again: the same answer
      await oidc.tokenRevocation(config, 'never-issued', { token_type_hint: 'refresh_token' })
    })
  }
}

test('a grant without scope gives all that the client has', async () => {
  const answer = await oidc.clientCredentialsGrant(await found('oauth2', credentials.oauth2))
  assert.equal(answer.scope, 'orders:read orders:write')
})

test('resources become the audience and narrow the scope', async () => {
  const api = 'https://orders.interop.test'
  run('resource', 'create', api, '--tenant', 'demo', '--scope', 'orders:read')
  const config = await found('oauth2', credentials.oauth2)
  // A server hears of what a command beside it has done within a second, and on a busy
  // machine later. Who asks too often is held back: so few times, far below that.
  let one
  for (let asked = 1; !one; asked++) {
    one = await oidc.clientCredentialsGrant(config, { resource: api }).catch((e) => {
      if (e.error !== 'invalid_target' || asked === 40) throw e
    })
    if (!one) await setTimeout(250)
  }
  assert.equal(one.scope, 'orders:read')
  assert.equal(part(one.access_token, 1).aud, api)
  const two = new URLSearchParams([['scope', 'orders:read'], ['resource', api], ['resource', url]])
  const both = await oidc.clientCredentialsGrant(config, two)
  assert.deepEqual(part(both.access_token, 1).aud, [api, url])
  await assert.rejects(oidc.clientCredentialsGrant(config, { resource: 'https://elsewhere.test' }), {
    name: 'ResponseBodyError',
    status: 400,
    error: 'invalid_target',
    error_description: 'A requested resource is unknown, malformed or not open to the client',
  })
})

test('a scope that was not granted is an OAuth error', async () => {
  const config = await found('oauth2', credentials.oauth2)
  await assert.rejects(oidc.clientCredentialsGrant(config, { scope: 'orders:read orders:delete' }), {
    name: 'ResponseBodyError',
    code: 'OAUTH_RESPONSE_BODY_ERROR',
    status: 400,
    error: 'invalid_scope',
    error_description: 'A requested scope is unknown, malformed or not granted to the client',
  })
})

// A 401 carries a challenge (RFC 9110 section 15.5.2), and this library shows the
// challenge before the body; the OAuth error object is still in the response.
for (const [name, method] of Object.entries(methods)) {
  for (const [what, wrong] of Object.entries({
    'wrong secret': [id, 'x'.repeat(30)],
    'unknown client': ['nobody', secret],
    'client of another dialect': credentials.personify,
  })) {
    test(`${name}, ${what}: a challenge, and invalid_client in the body`, async () => {
      const config = await found('oauth2', wrong, method)
      const err = await oidc.clientCredentialsGrant(config).then(() => assert.fail('a token was given'), (e) => e)
      assert.ok(err instanceof oidc.WWWAuthenticateChallengeError, String(err))
      assert.equal(err.status, 401)
      assert.deepEqual(err.cause, [{ scheme: 'basic', parameters: { realm: 'postern' } }])
      assert.deepEqual(await err.response.json(), {
        error: 'invalid_client',
        error_description: 'Client authentication failed',
      })
    })
  }
}

test('what is asked about a token needs a client too', async () => {
  const good = await found('oauth2', credentials.oauth2)
  const { access_token: token } = await oidc.clientCredentialsGrant(good)
  const bad = await found('oauth2', [id, 'x'.repeat(30)])
  await assert.rejects(oidc.tokenIntrospection(bad, token), { status: 401 })
  await assert.rejects(oidc.tokenRevocation(bad, token), { status: 401 })
  assert.equal((await oidc.tokenIntrospection(good, token)).active, true)
})

test("another client sees a token of its tenant and cannot end it; another tenant's sees nothing", async () => {
  run('tenant', 'create', 'interop-other')
  const made = run('client', 'create', '--tenant', 'interop-other', '--name', 'stranger', '--scope', 'orders:read')
  const owner = await found('oauth2', credentials.oauth2)
  const neighbour = await found('oauth2', newClient('neighbour', '--scope', 'orders:read'))
  const stranger = await found('oauth2', [made.client_id, made.client_secret])
  const { access_token: token } = await oidc.clientCredentialsGrant(owner)
  assert.equal((await oidc.tokenIntrospection(neighbour, token)).client_id, id)
  assert.deepEqual(await oidc.tokenIntrospection(stranger, token), { active: false })
  for (const other of [neighbour, stranger]) await oidc.tokenRevocation(other, token) // 200, whoever asks
  assert.equal((await oidc.tokenIntrospection(owner, token)).active, true)
})

test('a protected resource is called with the token', async () => {
  const config = await found('oauth2', credentials.oauth2)
  const { access_token: token } = await oidc.clientCredentialsGrant(config)
  // The one resource so far is for people, and says so to a machine.
  await assert.rejects(oidc.fetchProtectedResource(config, token, new URL('/oauth/userinfo', url), 'GET'), (err) => {
    assert.equal(err.status, 403)
    assert.deepEqual(err.cause, [{ scheme: 'bearer', parameters: { realm: 'IdentityServer', error: 'insufficient_scope' } }])
    return true
  })
})
