// The official conformance suite for MCP servers, against /mcp. What is expected to fail
// stands in conformance-*.yml with the reason; anything else that fails, and anything
// expected to fail that does not, fails here.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { admitting, token } from './mcp.js'

const suite = fileURLToPath(new URL('node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url))

// conform runs what a revision requires and gives the exit status, the output and the
// checks by scenario.
async function conform(revision) {
  const [address, close] = await admitting(await token())
  const dir = mkdtempSync(join(tmpdir(), 'postern-conformance-'))
  try {
    const expected = fileURLToPath(new URL(`conformance-${revision}.yml`, import.meta.url))
    const args = [suite, 'server', '--url', address, '--requirements', revision, '--expected-failures', expected, '-o', dir]
    const child = spawn(process.execPath, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (said += part))
    const status = await new Promise((ended) => child.on('close', ended))
    const checks = {}
    for (const name of readdirSync(dir)) {
      const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '')
      checks[scenario] = JSON.parse(readFileSync(join(dir, name, 'checks.json')))
    }
    return { status, said, checks }
  } finally {
    await close()
    rmSync(dir, { recursive: true, force: true })
  }
}

// passes are scenarios that say something without fixtures, and how many checks of each
// have to succeed: a suite that skips what it cannot do would else pass here.
const passes = {
  '2026-07-28': {
    'server-stateless': 24, 'tools-list': 3, 'resources-list': 1, 'prompts-list': 1, 'dns-rebinding-protection': 2, caching: 6,
    'http-header-validation': 13, 'sep-2164-resource-not-found': 2, 'input-required-result-unsupported-methods': 1,
  },
  '2025-11-25': {
    'server-initialize': 1, ping: 1, 'tools-list': 2, 'resources-list': 1, 'prompts-list': 1, 'dns-rebinding-protection': 2, 'logging-set-level': 1,
  },
}

for (const [revision, scenarios] of Object.entries(passes)) {
  test(`the conformance suite has nothing against /mcp in ${revision}`, async () => {
    const { status, said, checks } = await conform(revision)
    assert.equal(status, 0, said.slice(-6000))
    for (const [scenario, least] of Object.entries(scenarios)) {
      const good = (checks[scenario] ?? []).filter((c) => c.status === 'SUCCESS').length
      assert.ok(good >= least, `${scenario}: ${good} checks succeeded, want ${least}`)
    }
    for (const [scenario, all] of Object.entries(checks)) {
      const wire = all.find((c) => c.id === 'wire-schema-valid' && c.status !== 'SUCCESS')
      assert.equal(wire, undefined, `${scenario}: a message of ours is not of the schema`)
    }
  })
}
