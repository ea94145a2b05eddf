// The other dialects, through openid-client and oauth4webapi where they can speak
// them, and through fetch as the scripts do that people write.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { agent, credentials, form, newClient, part, url } from './demo.js'

const personioClientRefused =
  'Client authentication failed (e.g., unknown client, wrong secret, no client authentication included, or unsupported authentication method).'

// at configures openid-client by hand, since these endpoints have no metadata.
function at(paths, [id, secret], authentication = oidc.ClientSecretPost(secret)) {
  const server = { issuer: url }
  for (const [name, path] of Object.entries(paths)) server[`${name}_endpoint`] = url + path
  const config = new oidc.Configuration(server, id, secret, authentication)
  oidc.allowInsecureRequests(config)
  return config
}

const personio = (who) => at({ token: '/v2/auth/token', revocation: '/v2/auth/revoke' }, who)
const personify = (who, method = oidc.ClientSecretPost) => at({ token: '/connect/token' }, who, method(who[1]))

test('personio-v2: openid-client gets the live token again until it is revoked', async () => {
  const config = personio(newClient('node personio-v2', '--dialect', 'personio-v2', '--scope', 'personio:persons:read'))
  const first = await oidc.clientCredentialsGrant(config)
  assert.equal(first.scope, 'personio:persons:read')
  assert.ok(first.expires_in <= 86400 && first.expires_in > 86000, `expires_in ${first.expires_in}`)
  const again = await oidc.clientCredentialsGrant(config, { scope: 'personio:persons:read' })
  assert.equal(again.access_token, first.access_token)
  await oidc.tokenRevocation(config, first.access_token)
  const fresh = await oidc.clientCredentialsGrant(config)
  assert.notEqual(fresh.access_token, first.access_token)
})

// A refusal is a problem document, as the provider documents it. A library that
// wants application/json says so and hands over the response, which reads as usual.
test('personio-v2: a refusal is a problem document', async () => {
  const [id] = credentials.personio
  const err = await oidc.clientCredentialsGrant(personio([id, 'papi-wrong'])).then(() => assert.fail('a token was given'), (e) => e)
  assert.equal(err.code, 'OAUTH_RESPONSE_IS_NOT_JSON')
  assert.equal(err.cause.status, 400)
  assert.equal(err.cause.headers.get('content-type'), 'application/problem+json')
  const { timestamp, trace_id: trace, ...rest } = await err.cause.json()
  assert.deepEqual(rest, {
    error: 'invalid_client',
    error_description: personioClientRefused,
    error_uri: 'https://developer.personio.de/reference/errors#credentials.oauth2.invalid_client',
  })
  assert.ok(Math.abs(Date.now() - Date.parse(timestamp)) < 60_000, timestamp)
  assert.match(trace, /^\S+$/)
})

for (const method of ['ClientSecretPost', 'ClientSecretBasic']) {
  test(`personify: openid-client with ${method}`, async () => {
    const answer = await oidc.clientCredentialsGrant(personify(credentials.personify, oidc[method]), { scope: 'idp_api' })
    assert.equal(answer.scope, 'idp_api')
    assert.equal(answer.expires_in, 3600)
    assert.deepEqual(part(answer.access_token, 1).scope, ['idp_api'])
    const wrong = personify([credentials.personify[0], 'wrong'], oidc[method])
    await assert.rejects(oidc.clientCredentialsGrant(wrong, { scope: 'idp_api' }), {
      name: 'ResponseBodyError',
      status: 400,
      error: 'invalid_client',
      error_description: 'Invalid client credentials',
    })
    await assert.rejects(oidc.clientCredentialsGrant(personify(credentials.personify, oidc[method]), { scope: 'idp_api openid' }), {
      name: 'ResponseBodyError',
      status: 400,
      error: 'invalid_scope',
    })
  })
}

// oauth4webapi is what stands below openid-client; here its two halves are used apart.
test('personify: oauth4webapi, request and answer apart', async () => {
  const as = { issuer: url, token_endpoint: `${url}/connect/token` }
  const client = { client_id: credentials.personify[0] }
  const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretPost(credentials.personify[1]), form({ scope: 'idp_api' }), {
    [oauth.allowInsecureRequests]: true,
  })
  assert.equal(response.headers.get('content-type'), 'application/json; charset=UTF-8')
  assert.equal(response.headers.get('cache-control'), 'no-store, no-cache, max-age=0')
  assert.deepEqual(Object.keys(await response.clone().json()), ['access_token', 'expires_in', 'token_type', 'scope'])
  const answer = await oauth.processClientCredentialsResponse(as, client, response)
  assert.equal(answer.scope, 'idp_api')
})

// The password grant with an e-mail is an extension to openid-client, and it has a
// call for such.
test('comm100: openid-client with a grant of its own and the partner in the address', async () => {
  const config = at({ token: `/oauth/token?partnerId=${agent.partner}` }, [agent.client, undefined], oidc.None())
  const answer = await oidc.genericGrantRequest(config, 'password', { email: agent.email, password: agent.password })
  assert.deepEqual(Object.keys(answer).sort(), ['access_token', 'expires_in', 'token_type'])
  assert.equal(answer.expires_in, 43200)
  const info = await oidc.fetchProtectedResource(config, answer.access_token, new URL('/oauth/userinfo', url), 'GET')
  assert.deepEqual({ ...(await info.json()), agentId: '' }, { agentId: '', siteId: 10115, role: 'AGENT' })
  await assert.rejects(oidc.genericGrantRequest(config, 'password', { email: agent.email, password: 'wrong' }), {
    name: 'ResponseBodyError',
    status: 400,
    error: 'invalid_grant',
    error_description: 'invalid_username_or_password',
  })
})

test('comm100: fetch, from credentials to userinfo', async () => {
  const { client, partner, email, password } = agent
  const ask = (fields) => fetch(`${url}/oauth/token?partnerId=${partner}`, { method: 'POST', body: form({ client_id: client, grant_type: 'password', ...fields }) })
  const response = await ask({ email, password })
  assert.equal(response.status, 200)
  const { access_token: token, ...rest } = await response.json()
  assert.deepEqual(rest, { expires_in: 43200, token_type: 'Bearer' })
  assert.deepEqual(part(token, 0), { alg: 'RS256', typ: 'at+jwt' })
  const info = await fetch(`${url}/oauth/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(info.status, 200)
  const { agentId, ...who } = await info.json()
  assert.match(agentId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  assert.deepEqual(who, { siteId: 10115, role: 'AGENT' })

  const failed = '{"error":"invalid_grant","error_description":"invalid_username_or_password"}'
  for (const fields of [{ email, password: 'wrong' }, { email: 'nobody@demo.test', password }]) {
    const refused = await ask(fields)
    assert.equal(refused.status, 400)
    assert.equal(await refused.text(), failed)
  }
  const nobody = await fetch(`${url}/oauth/userinfo`)
  assert.equal(nobody.status, 401)
  assert.equal(nobody.headers.get('www-authenticate'), 'Bearer realm="IdentityServer",error="invalid_token"')
})

test('personio-v1: every way in which fetch can send credentials', async () => {
  const [client_id, client_secret] = credentials.readonly
  const pair = { client_id, client_secret }
  const json = JSON.stringify(pair)
  const ways = {
    'a JSON text, which fetch calls text/plain': ['', { body: json }],
    'a JSON text with its type': ['', { body: json, headers: { 'Content-Type': 'application/json' } }],
    'a form': ['', { body: form(pair) }],
    'the query': [`?${form(pair)}`, { headers: { accept: 'application/json' } }],
    'JSON bytes without a type': ['', { body: Buffer.from(json) }],
    'JSON in a stream': ['', { body: new Blob([json]).stream(), duplex: 'half' }],
  }
  const tokens = new Set()
  for (const [what, [query, init]] of Object.entries(ways)) {
    const response = await fetch(`${url}/v1/auth${query}`, { method: 'POST', ...init })
    const answer = await response.json()
    assert.equal(response.status, 200, `${what}: ${JSON.stringify(answer)}`)
    assert.deepEqual(Object.keys(answer), ['success', 'data'], what)
    assert.equal(answer.success, true, what)
    assert.deepEqual(Object.keys(answer.data), ['token', 'expires_in', 'scope'], what)
    assert.equal(answer.data.scope, 'personio:persons:read', what)
    const life = answer.data.expires_in
    assert.ok(Number.isInteger(life) && life <= 86400 && life > 86000, `${what}: expires_in ${life}`)
    tokens.add(answer.data.token)
  }
  assert.equal(tokens.size, 1, 'within its life the token stays the same')
})

test('personio-v1: refusals of fetch requests', async () => {
  const [client_id, client_secret] = credentials.readonly
  const parts = new FormData()
  parts.set('client_id', client_id)
  parts.set('client_secret', client_secret)
  const refusals = {
    'wrong secret': [{ body: JSON.stringify({ client_id, client_secret: 'papi-wrong' }) }, 403, { code: 0, message: 'Wrong credentials' }],
    'unknown client': [{ body: JSON.stringify({ client_id: 'papi-nobody', client_secret }) }, 403, { code: 0, message: 'Wrong credentials' }],
    'a multipart form': [{ body: parts }, 415, undefined],
    'half a JSON text': [{ body: '{"client_id":"papi-' }, 400, undefined],
    'nothing': [{}, 400, undefined],
  }
  for (const [what, [init, status, error]] of Object.entries(refusals)) {
    const response = await fetch(`${url}/v1/auth`, { method: 'POST', ...init })
    const answer = await response.json()
    assert.equal(response.status, status, `${what}: ${JSON.stringify(answer)}`)
    assert.equal(answer.success, false, what)
    if (error) assert.deepEqual(answer.error, error, what)
    else assert.equal(answer.error.code, status, what)
    assert.match(answer.error.message, /\w/, what)
  }
})
