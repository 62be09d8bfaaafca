import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { proxyFor } from './proxy-for.ts'

const proxies = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'secure:2' }
const chosen = (url: string, NO_PROXY?: string): string | undefined =>
  proxyFor(new URL(url), NO_PROXY === undefined ? proxies : { ...proxies, NO_PROXY })

describe('the proxy for an address', () => {
  it('is that of its scheme; this machine itself needs none', () => {
    assert.equal(chosen('http://a.example/'), 'http://plain:1')
    assert.equal(chosen('https://a.example/'), 'http://secure:2')
    assert.equal(proxyFor(new URL('http://a.example/'), {}), undefined)
    for (const url of [
      'http://localhost:5000/',
      'http://127.0.0.1:5000/',
      'https://127.9.9.9/',
      'http://[::1]:5000/',
    ])
      assert.equal(chosen(url), undefined, url)
  })

  it('is none for what NO_PROXY names', () => {
    for (const [entries, url, isStraight] of [
      ['*', 'http://a.example/', true],
      ['example', 'http://a.example/', true],
      ['a.example', 'http://a.example/', true],
      [' x , a.EXAMPLE', 'http://A.example/', true],
      ['.example', 'http://a.example/', true],
      ['*.example', 'http://a.example/', true],
      ['.a.example', 'http://a.example/', false],
      ['ample', 'http://a.example/', false],
      ['a.example:80', 'http://a.example/', true],
      ['a.example:81', 'http://a.example/', false],
      ['10.0.0.1', 'http://10.0.0.1/', true],
      ['10.0.0.1:443', 'https://10.0.0.1/', true],
      ['10.0.0.0/8', 'http://10.2.3.4/', true],
      ['10.0.0.0/8', 'http://11.2.3.4/', false],
      ['fd00::/8', 'http://[fd00::2]/', true],
      ['fd00::2', 'http://[fd00::2]/', true],
      ['[fd00::2]:81', 'http://[fd00::2]/', false],
      ['', 'http://a.example/', false],
    ] as const)
      assert.equal(chosen(url, entries) === undefined, isStraight, `${entries} for ${url}`)
  })
})
