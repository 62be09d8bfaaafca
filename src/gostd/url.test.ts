import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseGoUrl } from './url.ts'

// Answers recorded from Go 1.26.

describe('a URL', () => {
  it('has the parts that Go finds in it', () => {
    const cases: readonly [string, ReturnType<typeof partsOf>][] = [
      ['tcp://h:1', { scheme: 'tcp', host: 'h:1', hostname: 'h', port: '1' }],
      [
        'TCP://Host:22/p%20q?a=b#f',
        {
          ...{ scheme: 'tcp', host: 'Host:22', hostname: 'Host', port: '22' },
          ...{ path: '/p q', query: 'a=b', fragment: 'f' },
        },
      ],
      ['ssh:x', { scheme: 'ssh', opaque: 'x' }],
      ['ssh://u%40x:@h', { scheme: 'ssh', user: 'u@x', password: '', host: 'h', hostname: 'h' }],
      ['unix:///a b', { scheme: 'unix', path: '/a b' }],
      [
        'tcp://[fe80::1%25en0]:1',
        { scheme: 'tcp', host: '[fe80::1%en0]:1', hostname: 'fe80::1%en0', port: '1' },
      ],
      ['tcp://a@b@c', { scheme: 'tcp', user: 'a@b', host: 'c', hostname: 'c' }],
      ['//h/p', { host: 'h', hostname: 'h', path: '/p' }],
      ['localhost:1', { scheme: 'localhost', opaque: '1' }],
      ['tcp://', { scheme: 'tcp' }],
      ['', {}],
    ]
    for (const [text, parts] of cases) assert.deepEqual(partsOf(text), parts, text)
  })

  it('is refused in the words of Go', () => {
    const cases: readonly [string, string][] = [
      ['unix:///%zz', 'invalid URL escape "%zz"'],
      ['tcp://h%20b', 'invalid URL escape "%20"'],
      ['tcp%é*', 'invalid URL escape "%é"'],
      ['tcp://[::1', "missing ']' in host"],
      ['tcp://[::1]x', 'invalid port "x" after host'],
      ['tcp://h:x', 'invalid port ":x" after host'],
      ['tcp://h b', 'invalid character " " in host name'],
      ['tcp://a[b]', 'invalid IP-literal'],
      ['tcp://[]', 'invalid host: ParseAddr(""): unable to parse IP'],
      ['ssh://a b@h', 'net/url: invalid userinfo'],
      [':x', 'missing protocol scheme'],
      ['ht_tp://x', 'first path segment in URL cannot contain colon'],
      ['a\nb', 'net/url: invalid control character in URL'],
    ]
    for (const [text, why] of cases) {
      assert.throws(() => parseGoUrl(text), {
        code: 'invalid-argument',
        message: `parse ${JSON.stringify(text)}: ${why}`,
      })
    }
  })
})

/** The parts that are there. */
function partsOf(text: string): Partial<ReturnType<typeof parseGoUrl>> {
  const { user, password, ...texts } = parseGoUrl(text)
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, part]) => part !== '')),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
  }
}
