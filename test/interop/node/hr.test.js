// The HR API through clients that others wrote: a plugin for version 1 that is
// published to the registry, and a client that knows nothing but our description of
// version 2.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { OpenAPIClientAxios } from 'openapi-client-axios'
import { credentials, form, newClient, url } from './demo.js'

const require = createRequire(import.meta.url)

// The plugin has its host built in: whatever it fetches from there comes from us.
const realHost = 'https://api.personio.de'
const nodeFetch = require('node-fetch')
require.cache[require.resolve('node-fetch')].exports = (target, options) => nodeFetch(target.replace(realHost, url), options)
const plugin = require('gatsby-source-personio/gatsby-node.js')

// source runs the plugin as its framework would and gives the nodes it made.
async function source([clientId, clientSecret]) {
  const nodes = []
  const links = []
  const kept = new Map()
  await plugin.sourceNodes(
    {
      actions: {
        createNode: async (node) => void nodes.push(node),
        createParentChildLink: async (link) => void links.push(link),
        touchNode: () => {},
      },
      getNode: () => undefined,
      cache: { get: async (key) => kept.get(key), set: async (key, value) => void kept.set(key, value) },
      createNodeId: (id) => id,
      createContentDigest: (content) => JSON.stringify(content).length.toString(),
    },
    { credentials: { clientId, clientSecret } },
  )
  return { nodes, links }
}

test('personio-v1: gatsby-source-personio sources a page of employees and their pictures', async () => {
  const { nodes, links } = await source(credentials.personio)
  const people = nodes.filter((node) => node.internal.type === 'Employee')
  assert.equal(people.length, 50) // it does not page
  for (const person of people) {
    assert.match(person.id, /^[1-9]\d*$/)
    assert.ok(person.first_name && person.last_name, JSON.stringify(person))
  }
  const pictures = nodes.filter((node) => node.internal.type === 'File')
  assert.equal(pictures.length, people.filter((person) => person.profile_picture).length)
  assert.ok(pictures.length > 10)
  for (const picture of pictures) {
    assert.equal(picture.type, 'image/png')
    assert.equal(picture.bytes.subarray(1, 4).toString(), 'PNG')
  }
  assert.equal(links.length, pictures.length)
})

test('personio-v1: gatsby-source-personio gets no more than its client is shown', async () => {
  const who = newClient('node gatsby', '--dialect', 'personio-v1', '--scope', 'personio:persons:read', '--attribute', 'first_name')
  const { nodes } = await source(who)
  assert.equal(nodes.length, 50)
  assert.deepEqual([...new Set(nodes.flatMap(Object.keys))].sort(), ['first_name', 'id', 'internal'])
})

// described gives a client made of our description, with a token of its own.
async function described([id, secret]) {
  const answer = await fetch(`${url}/v2/auth/token`, {
    method: 'POST',
    body: form({ grant_type: 'client_credentials', client_id: id, client_secret: secret }),
  })
  const { access_token: token } = await answer.json()
  const api = new OpenAPIClientAxios({
    definition: `${url}/openapi/hr-v2.json`,
    axiosConfigDefaults: { baseURL: url, headers: { Authorization: `Bearer ${token}` }, validateStatus: () => true },
  })
  return api.init()
}

const operation = (client, method, path) => {
  const found = client.api.getOperations().find((o) => o.method === method && o.path === path)
  assert.ok(found, `${method} ${path} is not described`)
  return client[found.operationId]
}

test('personio-v2: openapi-client-axios finds a person, books an afternoon and takes it back', async () => {
  const client = await described(credentials.personio)
  const call = (method, path, ...rest) => operation(client, method, path)(...rest)

  const page = await call('get', '/v2/persons', { limit: 50, status: 'ACTIVE' })
  assert.equal(page.status, 200)
  const person = page.data._data.at(-1)
  const found = await call('get', '/v2/persons', { email: person.email })
  assert.deepEqual(found.data._data.map((p) => p.id), [person.id])

  const types = await call('get', '/v2/absence-types')
  const vacation = types.data._data.find((type) => type.category === 'paid_vacation')
  const day = '2031-03-05' // a Wednesday, and nobody plans so far ahead
  const booked = await call('post', '/v2/absence-periods', { skip_approval: true }, {
    person: { id: person.id },
    absence_type: { id: vacation.id },
    starts_from: { date_time: `${day}T00:00:00`, type: 'SECOND_HALF' },
    ends_at: { date_time: `${day}T00:00:00`, type: 'SECOND_HALF' },
  })
  assert.equal(booked.status, 201, JSON.stringify(booked.data))
  const path = { id: booked.data.id }
  const seen = await call('get', '/v2/absence-periods/{id}', path)
  assert.equal(seen.data.approval.status, 'APPROVED')
  assert.equal(seen.data.ends_at.date_time, '2031-03-06T00:00:00') // exclusive
  const days = await call('get', '/v2/absence-periods/{id}/breakdowns', path)
  assert.deepEqual(days.data._data.map((d) => d.date), [day])
  const gone = await call('delete', '/v2/absence-periods/{id}', path)
  assert.equal(gone.status, 204)
  assert.equal((await call('get', '/v2/absence-periods/{id}', path)).status, 404)
})

test('personio-v2: openapi-client-axios is told what its credential lacks', async () => {
  const client = await described(credentials.readonly)
  const refused = await operation(client, 'get', '/v2/absence-types')()
  assert.equal(refused.status, 403)
  assert.match(JSON.stringify(refused.data), /personio:absences:read/)
  assert.match(refused.headers['www-authenticate'], /insufficient_scope.*personio:absences:read/)
})
