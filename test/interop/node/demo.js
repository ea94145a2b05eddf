// What the tests know of the running server: what demo.env says, and the program
// itself for commands beside it. The script `run` starts both.
import { execFileSync } from 'node:child_process'

function need(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: start the tests with test/interop/run`)
  return value
}

export const url = need('POSTERN_URL')

export const credentials = {
  oauth2: [need('OAUTH2_CLIENT_ID'), need('OAUTH2_CLIENT_SECRET')],
  personio: [need('PERSONIO_CLIENT_ID'), need('PERSONIO_CLIENT_SECRET')],
  readonly: [need('PERSONIO_READONLY_CLIENT_ID'), need('PERSONIO_READONLY_CLIENT_SECRET')],
  personify: [need('PERSONIFY_CLIENT_ID'), need('PERSONIFY_CLIENT_SECRET')],
}

export const agent = {
  client: need('COMM100_CLIENT_ID'),
  partner: need('COMM100_PARTNER_ID'),
  email: need('COMM100_EMAIL'),
  password: need('COMM100_PASSWORD'),
}

const program = need('INTEROP_PROGRAM')
const data = need('INTEROP_DATA')

// run carries out a command beside the server and gives what it printed as JSON.
export function run(...args) {
  const out = execFileSync(program, ['--data', data, ...args, '--json'], { encoding: 'utf8' })
  return JSON.parse(out)
}

// newClient registers a client of the demo tenant.
export function newClient(name, ...flags) {
  const made = run('client', 'create', '--tenant', 'demo', '--name', name, ...flags)
  return [made.client_id, made.client_secret]
}

// form encodes an object the way fetch sends it as a form.
export const form = (fields) => new URLSearchParams(fields)

// part decodes the header or the payload of a compact JWS.
export const part = (token, index) => JSON.parse(Buffer.from(token.split('.')[index], 'base64url').toString())

// until asks again until the answer is yes. A change made by a command reaches the
// server within a second.
export async function until(what, yes) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if (await yes()) return
  }
  throw new Error(`after a minute still not: ${what}`)
}
