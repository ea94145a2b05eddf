// The official TypeScript SDKs against /mcp: they find the token server by the metadata,
// get a token for themselves and call a tool.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ClientCredentialsProvider as OldProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { credentials, part, url } from './demo.js'
import { mcpURL, token } from './mcp.js'

const info = { name: 'postern-interop', version: '1' }
const provide = (Provider, [clientId, clientSecret]) => new Provider({ clientId, clientSecret, clientName: info.name, expectedIssuer: url })
const reading = ['get_person', 'list_absence_periods', 'list_absence_types', 'list_attendance_periods', 'list_employments', 'list_persons']

async function tryOut(client, transport) {
  await client.connect(transport)
  const { tools } = await client.listTools()
  const out = await client.callTool({ name: 'list_persons', arguments: { email: 'aylin.yildiz@harbour.example' } })
  assert.notEqual(out.isError, true)
  assert.equal(out.structuredContent.items.length, 1)
  await client.close()
  return tools.map((t) => t.name).sort()
}

test('SDK 1 gets its token by client credentials', async () => {
  const authProvider = provide(OldProvider, credentials.personio)
  const names = await tryOut(new OldClient(info), new OldTransport(mcpURL, { authProvider }))
  for (const name of reading) assert.ok(names.includes(name), name)
  assert.deepEqual(part(authProvider.tokens().access_token, 1).aud, mcpURL.href)
})

for (const mode of ['legacy', 'auto']) {
  test(`SDK 2 gets its token by client credentials, version negotiation ${mode}`, async () => {
    const authProvider = provide(ClientCredentialsProvider, credentials.personio)
    const client = new Client(info, { versionNegotiation: { mode } })
    const names = await tryOut(client, new StreamableHTTPClientTransport(mcpURL, { authProvider }))
    for (const name of reading) assert.ok(names.includes(name), name)
  })
}

test('a credential with fewer scopes than the metadata lists gets a token nevertheless', async () => {
  const authProvider = provide(ClientCredentialsProvider, credentials.readonly)
  const names = await tryOut(new Client(info), new StreamableHTTPClientTransport(mcpURL, { authProvider }))
  assert.deepEqual(names, ['get_person', 'list_employments', 'list_persons'])
})

test('a static bearer works too', async () => {
  const requestInit = { headers: { Authorization: `Bearer ${await token()}` } }
  const names = await tryOut(new Client(info), new StreamableHTTPClientTransport(mcpURL, { requestInit }))
  assert.ok(names.includes('create_absence_period'))
})

test('a wrong secret gets nothing', async () => {
  const authProvider = provide(ClientCredentialsProvider, [credentials.personio[0], `pst_${'x'.repeat(43)}`])
  const client = new Client(info)
  await assert.rejects(client.connect(new StreamableHTTPClientTransport(mcpURL, { authProvider })))
})

test('a token for the HR API opens no tools', async () => {
  const [id, secret] = credentials.personio
  const answer = await fetch(process.env.OAUTH2_TOKEN_URL, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const requestInit = { headers: { Authorization: `Bearer ${(await answer.json()).access_token}` } }
  const client = new Client(info)
  await assert.rejects(client.connect(new StreamableHTTPClientTransport(mcpURL, { requestInit })))
})
