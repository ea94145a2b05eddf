// What the tests of the tools for agents share: tokens for /mcp, and a way in for
// programs that cannot send one.
import http from 'node:http'
import { credentials, form } from './demo.js'

export const mcpURL = new URL(process.env.MCP_URL)

// token gets a token for the tools by client credentials (RFC 8707), as a script would.
export async function token([id, secret] = credentials.personio) {
  const answer = await fetch(process.env.OAUTH2_TOKEN_URL, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: form({ grant_type: 'client_credentials', resource: mcpURL.href }),
  })
  if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
  return (await answer.json()).access_token
}

// admitting gives the address of a server that passes every request on as it is, Host and
// Origin included, with a token beside; and a function that closes it.
export async function admitting(bearer) {
  const server = http.createServer((req, res) => {
    const headers = { ...req.headers, authorization: `Bearer ${bearer}` }
    const on = http.request({ host: mcpURL.hostname, port: mcpURL.port, path: req.url, method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers)
      answer.pipe(res)
    })
    on.on('error', () => res.destroy())
    res.on('close', () => on.destroy())
    req.pipe(on)
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return [
    `http://127.0.0.1:${server.address().port}${mcpURL.pathname}`,
    () => {
      server.closeAllConnections()
      return new Promise((closed) => server.close(closed))
    },
  ]
}
