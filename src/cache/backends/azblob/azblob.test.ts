import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Attributes } from '../../../exporter/attributes.ts'
import { sampleAccess, sampleCache, sampleContext } from '../../testing/sample-cache.ts'
import { createAzblobExporter, createAzblobImporter } from './azblob-cache.ts'
import { readAzblobConfig } from './azblob-config.ts'
import { signWithKey, stringToSign } from './shared-key.ts'

describe('the attributes', () => {
  const read = (attrs: Attributes, env: Record<string, string> = {}) => {
    const { manifestKey, blobKey, accountUrl, ...rest } = readAzblobConfig(attrs, env)
    return { ...rest, accountUrl: accountUrl.href, keys: [manifestKey('n'), blobKey('sha256:1')] }
  }

  it('have defaults; the account is the first part of the host', () => {
    assert.deepEqual(read({ account_url: 'https://acct.blob.core.windows.net' }), {
      accountUrl: 'https://acct.blob.core.windows.net/',
      accountName: 'acct',
      container: 'buildkit-cache',
      names: ['buildkit'],
      secretAccessKey: undefined,
      keys: ['manifests/n', 'blobs/sha256:1'],
    })
  })

  it('may stand in the environment of the daemon', () => {
    const env = {
      BUILDKIT_AZURE_STORAGE_ACCOUNT_URL: 'http://127.0.0.1:10000/acct',
      BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME: 'acct',
      BUILDKIT_AZURE_STORAGE_CONTAINER: 'mine',
      BUILDKIT_AZURE_STORAGE_PREFIX: 'below/',
    }
    assert.deepEqual(read({ name: 'a;b', secret_access_key: 'a2V5' }, env), {
      accountUrl: 'http://127.0.0.1:10000/acct',
      accountName: 'acct',
      container: 'mine',
      names: ['a', 'b'],
      secretAccessKey: 'a2V5',
      keys: ['below/manifests/n', 'below/blobs/sha256:1'],
    })
  })

  it('make names as paths are joined', () => {
    const attrs = { account_url: 'http://a.b', prefix: './p//', manifests_prefix: 'x/../m', blobs_prefix: '' }
    assert.deepEqual(read(attrs).keys, ['p/m/n', 'p/sha256:1'])
  })

  it('are refused in the words of the real engine', () => {
    const wrong: [Attributes, RegExp][] = [
      [
        {},
        /either \$\{BUILDKIT_AZURE_STORAGE_ACCOUNT_URL\} or account_url attribute is required for azblob cache/,
      ],
      [
        { account_url: '::' },
        /account url provided is not a valid url: parse "::": missing protocol scheme$/,
      ],
      [{ account_url: 'ftp://x' }, /azure storage account url provided is not a valid url/],
      [
        { account_url: 'http://a', secret_access_key: 'notbase64!' },
        /^SlipwayError: failed to create container client: failed to create shared key: decode account key: illegal base64 data at input byte 9$/,
      ],
      [{ account_url: 'http://a', secret_access_key: 'a2V5a2' }, /illegal base64 data at input byte 4$/],
      [{ account_url: 'http://a', account_name: '' }, /unable to retrieve account name from account url or/],
    ]
    for (const [attrs, message] of wrong) assert.throws(() => readAzblobConfig(attrs, {}), message)
  })
})

describe('signing with the account key', () => {
  it('signs what the documentation of the service shows', () => {
    const text = stringToSign(
      {
        method: 'GET',
        url: new URL(
          'https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20',
        ),
        headers: { 'x-ms-version': '2015-02-21' },
      },
      'myaccount',
      'Fri, 26 Jun 2015 23:39:12 GMT',
    )
    assert.equal(
      text,
      'GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n' +
        '/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20',
    )
  })

  it('signs length, type, condition and range', () => {
    const text = stringToSign(
      {
        method: 'PUT',
        url: new URL('http://127.0.0.1:10000/acct/c/blobs/sha256%3A1'),
        headers: { 'content-type': 'application/xml', 'if-none-match': '*', range: 'bytes=5-' },
        body: { size: 7, open: async function* () {} },
      },
      'acct',
      'D',
    )
    assert.equal(
      text,
      'PUT\n\n\n7\n\napplication/xml\n\n\n\n*\n\nbytes=5-\nx-ms-date:D\n/acct/acct/c/blobs/sha256%3A1',
    )
  })

  it('is an HMAC of that with the decoded key', () => {
    const request = { method: 'GET' as const, url: new URL('http://h/c') }
    const headers = signWithKey(request, { account: 'a', key: 'c2VjcmV0' }, 0)
    const text = stringToSign(request, 'a', 'Thu, 01 Jan 1970 00:00:00 GMT')
    const signature = createHmac('sha256', 'secret').update(text).digest('base64')
    assert.deepEqual(headers, {
      'x-ms-date': 'Thu, 01 Jan 1970 00:00:00 GMT',
      authorization: `SharedKey a:${signature}`,
    })
  })
})

describe('a cache in Azure without a service', () => {
  it('says what it could not reach', async () => {
    using access = sampleAccess()
    const attrs = { account_url: 'http://127.0.0.1:1/acct', account_name: 'acct', secret_access_key: 'a2V5' }
    const refused = {
      message:
        'failed to create container client: failed to get properties of cache container buildkit-cache: ' +
        'Get "http://127.0.0.1:1/acct/buildkit-cache?restype=container": dial tcp 127.0.0.1:1: connect: connection refused',
    }
    await assert.rejects(createAzblobImporter(attrs, access).load(sampleContext()), refused)
    const { cache, read } = sampleCache('one')
    await assert.rejects(createAzblobExporter(attrs, access).write(cache, read, sampleContext()), refused)
  })

  it('sends no token over a connection that others can read', async () => {
    using access = sampleAccess()
    const attrs = { account_url: 'http://127.0.0.1:1/acct', account_name: 'acct' }
    await assert.rejects(
      createAzblobImporter(attrs, access).load(sampleContext()),
      /authenticated requests are not permitted for non TLS protected \(https\) endpoints/,
    )
  })
})
