// The MCP Inspector's command line against the tools: every tool listed and called, in
// both eras of the protocol, over HTTP and over stdio.
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { credentials } from './demo.js'
import { mcpURL, token } from './mcp.js'

const inspector = fileURLToPath(new URL('node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'postern-inspector-'))
const program = process.env.INTEROP_PROGRAM

// The exit statuses of the Inspector.
const done = 0
const needsAuthorization = 3
const toolError = 5

// inspect runs the Inspector once and gives its status and what it printed.
function inspect(...args) {
  const env = { PATH: process.env.PATH, HOME: home, MCP_INSPECTOR_SECRET_STORE: 'memory' }
  return new Promise((ended) => {
    execFile(process.execPath, [inspector, '--cli', ...args], { env, cwd: home, timeout: 120_000, maxBuffer: 8 << 20 }, (err, stdout, stderr) =>
      ended({ status: err ? err.code : 0, stdout, stderr }),
    )
  })
}

// The ways to the tools: what comes first on the command line, and what comes last.
const ways = {
  async HTTP() {
    return [[mcpURL.href, '--transport', 'http', '--header', `Authorization: Bearer ${await token()}`], []]
  },
  async stdio() {
    const [id, secret] = credentials.personio
    const env = { PERSONIO_BASE_URL: process.env.PERSONIO_BASE_URL, PERSONIO_CLIENT_ID: id, PERSONIO_CLIENT_SECRET: secret, POSTERN_EXPERIMENTAL: 'tools' }
    return [Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]), [program, 'mcp']]
  },
}

const tools = ['create_absence_period', 'get_person', 'list_absence_periods', 'list_absence_types', 'list_attendance_periods', 'list_employments', 'list_persons']

describe('the Inspector', { concurrency: 4 }, () => {
  for (const [name, way] of Object.entries(ways)) {
    for (const era of ['legacy', 'modern']) {
      test(`the Inspector lists and calls every tool over ${name}, ${era}`, async () => {
        const [first, last] = await way()
        const ask = (...args) => inspect(...first, '--protocol-era', era, '--format', 'json', '-q', ...args, ...last)
        const call = async (tool, args, want = done) => {
          const { status, stdout, stderr } = await ask('--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args))
          assert.equal(status, want, `${tool}: ${stdout}${stderr}`)
          return JSON.parse(stdout).result
        }
        const list = await ask('--method', 'tools/list', '--strict')
        assert.equal(list.status, done, `${list.stdout}${list.stderr}`)
        assert.deepEqual(JSON.parse(list.stdout).result.tools.map((t) => t.name).sort(), tools)

        const found = (await call('list_persons', { email: 'aylin.yildiz@harbour.example' })).structuredContent
        assert.equal(found.items.length, 1)
        const person = found.items[0].id
        const types = (await call('list_absence_types', {})).structuredContent.items
        const profile = await call('get_person', { person_id: person })
        assert.equal(profile.structuredContent.email, 'aylin.yildiz@harbour.example')
        assert.ok((await call('list_employments', { person_id: person })).structuredContent.items.length > 0)
        assert.ok((await call('list_absence_periods', { from: 'this-week' })).structuredContent.items.length > 0)
        assert.ok((await call('list_attendance_periods', { person_id: person, limit: 3 })).structuredContent.items)
        const strange = await call('list_persons', { emial: 'x' }, toolError)
        assert.match(strange.content[0].text, /emial[^]*\nhint: .*email/)

        // The Inspector asks no user: the write is a dry run, and books nothing.
        const day = era === 'legacy' ? '2031-03-03' : '2031-03-04'
        const type = types.find((t) => /vacation/i.test(t.name)) ?? types[0]
        const booking = { person_id: person, absence_type_id: type.id, first_day: day, last_day: day, skip_approval: true }
        const tried = (await call('create_absence_period', booking)).structuredContent
        assert.equal(tried.booked, false)
        assert.ok(tried.confirm && tried.summary, JSON.stringify(tried))
        const there = (await call('list_absence_periods', { person_id: person, from: day, to: day })).structuredContent
        assert.deepEqual(there.items, [])
      })
    }
  }

  test('the Inspector is told that it needs a token', async () => {
    for (const era of ['legacy', 'modern']) {
      const { status, stderr } = await inspect(mcpURL.href, '--transport', 'http', '--protocol-era', era, '--stored-auth-only', '--method', 'tools/list', '-q')
      assert.equal(status, needsAuthorization, stderr)
    }
  })

  test('the Inspector shows a credential the tools it may call, and no other', async () => {
    const header = `Authorization: Bearer ${await token(credentials.readonly)}`
    const first = [mcpURL.href, '--transport', 'http', '--header', header, '--format', 'json', '-q']
    const { status, stdout } = await inspect(...first, '--method', 'tools/list')
    assert.equal(status, done)
    assert.deepEqual(JSON.parse(stdout).result.tools.map((t) => t.name).sort(), ['get_person', 'list_employments', 'list_persons'])
    const refused = await inspect(...first, '--stored-auth-only', '--method', 'tools/call', '--tool-name', 'list_absence_types', '--tool-args-json', '{}')
    assert.notEqual(refused.status, done)
  })
})
