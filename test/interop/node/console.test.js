// The console as somebody sees it who does not look at it: axe-core reads every page
// that can be reached by links, in light and in dark, on a desk and on a phone.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import puppeteer from 'puppeteer-core'

const origin = process.env.POSTERN_URL
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// Links that are no pages: files to keep, and the way out.
const noPage = /\/(export|assets|sign-out)\b|\.(csv|jsonl?|ndjson)\b/
const most = 80

const shapes = [
  { name: 'desk, light', viewport: { width: 1280, height: 900 }, scheme: 'light' },
  { name: 'phone, dark', viewport: { width: 390, height: 844, isMobile: true, hasTouch: true }, scheme: 'dark' },
]

function chromium() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim()
    } catch {
      // the next name
    }
  }
  throw new Error('there is no Chromium; test/provide installs one')
}

async function look(page, where, found) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  for (const v of violations) {
    if (v.impact === 'serious' || v.impact === 'critical') {
      found.push(`${where}: ${v.impact} ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(' | ')}`)
    }
  }
}

// open gives a page of a browser that ends with its test: where no test is selected,
// none is begun that nobody would close.
async function open(t, shape) {
  const browser = await puppeteer.launch({ executablePath: chromium(), args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  t.after(() => browser.close())
  const page = await browser.newPage()
  await page.setViewport(shape.viewport)
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: shape.scheme }])
  return page
}

async function signIn(page) {
  await page.goto(`${origin}/console/`, { waitUntil: 'load' })
  await page.type('input[type=email]', process.env.POSTERN_ADMIN_EMAIL)
  await page.type('input[type=password]', process.env.POSTERN_ADMIN_PASSWORD)
  await Promise.all([page.waitForNavigation(), page.click('form button[type=submit], form button:not([type])')])
}

// The shape of an address: one page of each kind is enough.
const kind = (path) => path.replace(/[a-z2-7]{24}|[0-9a-f]{32}|[0-9a-f-]{36}|\b\d+\b/g, '…').replace(/\?.*/, '')

for (const shape of shapes) {
  test(`axe finds nothing serious on any page of the console: ${shape.name}`, { timeout: 600_000 }, async (t) => {
    const found = []
    const page = await open(t, shape)
    await page.goto(`${origin}/console/`, { waitUntil: 'load' })
    await look(page, 'sign in', found)
    await signIn(page)
    assert.ok(!(await page.$('input[type=password]')), 'still asked for a password after signing in')
    const seen = new Set()
    const queue = [new URL(page.url()).pathname]
    while (queue.length > 0 && seen.size < most) {
      const path = queue.shift()
      if (seen.has(kind(path))) continue
      seen.add(kind(path))
      const response = await page.goto(origin + path, { waitUntil: 'load' })
      assert.ok(response.status() < 400, `${path} answers ${response.status()}`)
      await look(page, path, found)
      const links = await page.$$eval('a[href]', (all) => all.map((a) => a.href))
      for (const link of links) {
        const u = new URL(link)
        if (u.origin === origin && u.pathname.startsWith('/console/') && !noPage.test(u.pathname)) queue.push(u.pathname + u.search)
      }
    }
    assert.ok(seen.size >= 12, `only ${[...seen].join(', ')} were reached`)
    assert.deepEqual(found, [])
  })
}
