// jose verifying our tokens through the published keys, and refusing what is forged.
import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import * as jose from 'jose'
import { agent, credentials, form, newClient, part, run, until, url } from './demo.js'

const metadata = await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json()
const published = () => jose.createRemoteJWKSet(new URL(metadata.jwks_uri))
const keys = published()

async function token(path, [id, secret], more = {}) {
  const body = form({ grant_type: 'client_credentials', client_id: id, client_secret: secret, ...more })
  return given(await fetch(url + path, { method: 'POST', body }))
}

async function given(response) {
  const answer = await response.json()
  assert.equal(response.status, 200, JSON.stringify(answer))
  return answer.access_token
}

async function agentToken() {
  const { client, partner, email, password } = agent
  const body = form({ client_id: client, grant_type: 'password', email, password })
  return given(await fetch(`${url}/oauth/token?partnerId=${partner}`, { method: 'POST', body }))
}

const kinds = {
  'oauth2, ES256': ['ES256', url, () => token('/oauth2/token', credentials.oauth2)],
  'oauth2, RS256': ['RS256', url, () => token('/oauth2/token', newClient('jose RS256', '--scope', 'a', '--alg', 'RS256'))],
  'oauth2, EdDSA': ['EdDSA', url, () => token('/oauth2/token', newClient('jose EdDSA', '--scope', 'a', '--alg', 'EdDSA'))],
  'personio-v2, ES256': ['ES256', url, () => token('/v2/auth/token', credentials.personio)],
  'personify, RS256': ['RS256', 'idp_api', () => token('/connect/token', credentials.personify, { scope: 'idp_api' })],
  'comm100, RS256 without kid': ['RS256', 'ids.resource.1', agentToken],
}

for (const [name, [alg, audience, get]] of Object.entries(kinds)) {
  test(`${name}: verified with issuer, audience, type and algorithm`, async () => {
    const raw = await get()
    const want = { issuer: url, audience, typ: 'at+jwt', algorithms: [alg], maxTokenAge: '1h', requiredClaims: ['exp', 'iat', 'jti', 'client_id'] }
    const { payload, protectedHeader } = await jose.jwtVerify(raw, keys, want)
    assert.equal(protectedHeader.alg, alg)
    assert.equal(payload.iss, url)

    const refusals = {
      'another audience': [{ audience: 'https://elsewhere.test' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
      'another issuer': [{ issuer: `${url}/` }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
      'another type': [{ typ: 'JWT' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
      'another algorithm': [{ algorithms: ['PS256'] }, 'ERR_JOSE_ALG_NOT_ALLOWED'],
      'a day after its end': [{ currentDate: new Date((payload.exp + 1) * 1000), maxTokenAge: '9d' }, 'ERR_JWT_EXPIRED'],
    }
    for (const [what, [change, code]] of Object.entries(refusals)) {
      await assert.rejects(jose.jwtVerify(raw, keys, { ...want, ...change }), { code }, what)
    }
  })
}

test('forged tokens are refused, here and by their supposed issuer', async () => {
  const raw = await token('/oauth2/token', credentials.oauth2)
  const [header, payload, signature] = raw.split('.')
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = part(raw, 1)
  const { kid } = part(raw, 0)
  const own = await jose.generateKeyPair('ES256', { extractable: true })
  const sign = (head) => new jose.SignJWT(claims).setProtectedHeader(head).sign(own.privateKey)
  const forged = {
    'alg none': [`${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`, 'ERR_JOSE_NOT_SUPPORTED'],
    'no signature': [`${header}.${payload}.`, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
    'more scope': [`${header}.${encode({ ...claims, scope: 'orders:delete' })}.${signature}`, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
    'another key under our kid': [await sign({ alg: 'ES256', kid, typ: 'at+jwt' }), 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
    'a key that nobody published': [await sign({ alg: 'ES256', kid: 'mine', typ: 'at+jwt' }), 'ERR_JWKS_NO_MATCHING_KEY'],
    'a key of its own in the header': [
      await sign({ alg: 'ES256', typ: 'at+jwt', kid: 'mine', jwk: await jose.exportJWK(own.publicKey) }),
      'ERR_JWKS_NO_MATCHING_KEY',
    ],
  }
  for (const jwk of (await (await fetch(metadata.jwks_uri)).json()).keys) {
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: jwk.kid })}.${payload}`
    const mac = createHmac('sha256', pem).update(input).digest('base64url')
    forged[`HS256 with our public ${jwk.alg} key`] = [`${input}.${mac}`, 'ERR_JOSE_NOT_SUPPORTED']
  }
  for (const [what, [bad, code]] of Object.entries(forged)) {
    await assert.rejects(jose.jwtVerify(bad, keys, { issuer: url, audience: url, typ: 'at+jwt' }), { code }, what)
    assert.deepEqual(await introspected(bad), { active: false }, what)
  }
  await jose.jwtVerify(raw, keys, { issuer: url, audience: url, typ: 'at+jwt' })
  assert.equal((await introspected(raw)).active, true)
})

async function introspected(raw) {
  const authorization = `Basic ${Buffer.from(credentials.oauth2.join(':')).toString('base64')}`
  const response = await fetch(metadata.introspection_endpoint, { method: 'POST', body: form({ token: raw }), headers: { authorization } })
  assert.equal(response.status, 200)
  return response.json()
}

test('the key set holds public signature keys alone, one of each algorithm', async () => {
  const { keys } = await (await fetch(metadata.jwks_uri)).json()
  assert.deepEqual(keys.map((k) => k.alg).sort(), ['ES256', 'EdDSA', 'RS256'])
  for (const key of keys) {
    assert.equal(key.use, 'sig')
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) assert.equal(key[secret], undefined, `${key.alg} ${secret}`)
    const imported = await jose.importJWK(key)
    assert.equal(imported.type, 'public')
  }
})

// The last test of this file: from here on two RS256 keys are published, and a token
// that names none has to be tried with both.
test('after a rotation a token without kid is tried with every key', async () => {
  const raw = await agentToken()
  const old = await token('/connect/token', credentials.personify)
  const [next] = run('key', 'rotate', '--alg', 'RS256')
  assert.equal(next.state, 'next')
  await until('the next key is published', async () =>
    (await (await fetch(metadata.jwks_uri)).json()).keys.some((k) => k.kid === next.kid))
  const fresh = published()
  await jose.jwtVerify(old, fresh, { issuer: url, audience: 'idp_api', typ: 'at+jwt' })

  const want = { issuer: url, audience: 'ids.resource.1', typ: 'at+jwt' }
  const several = await jose.jwtVerify(raw, fresh, want).then(() => assert.fail('one key was chosen'), (e) => e)
  assert.equal(several.code, 'ERR_JWKS_MULTIPLE_MATCHING_KEYS')
  let verified = 0
  for await (const key of several) {
    await jose.jwtVerify(raw, key, want).then(() => verified++, (e) => assert.equal(e.code, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'))
  }
  assert.equal(verified, 1)
})
