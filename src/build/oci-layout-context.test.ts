import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ociLayoutContext } from './oci-layout-context.ts'

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`

describe('ociLayoutContext', () => {
  let dir = ''
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-layout-'))
    const entry = (tag: string, digit: string): object => ({
      digest: digest(digit),
      annotations: { 'org.opencontainers.image.ref.name': tag },
    })
    const index = {
      schemaVersion: 2,
      manifests: [entry('1.0', '1'), entry('latest', '2'), { digest: digest('3') }],
    }
    await writeFile(join(dir, 'index.json'), JSON.stringify(index))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  it('leaves other contexts alone', async () => {
    assert.equal(await ociLayoutContext('docker-image://alpine', '/'), undefined)
    assert.equal(await ociLayoutContext('./dir', '/'), undefined)
  })

  it('takes the digest that is given, without reading the layout', async () => {
    const found = await ociLayoutContext(`oci-layout:///nowhere:tag@${digest('a')}`, '/')
    assert.deepEqual(found, { path: '/nowhere', digest: digest('a'), tag: 'tag' })
  })

  it('finds the digest of a tag, and of latest without one', async () => {
    assert.equal((await ociLayoutContext(`oci-layout://${dir}:1.0`, '/'))?.digest, digest('1'))
    assert.equal((await ociLayoutContext(`oci-layout://${dir}`, '/'))?.digest, digest('2'))
  })

  it('reads a relative path from the working directory', async () => {
    const found = await ociLayoutContext('oci-layout://./x', join(dir, 'y')).catch(
      (error: Error) => error.message,
    )
    assert.match(
      typeof found === 'string' ? found : '',
      /could not be resolved: could not lock (x\/index\.json\.lock): open \1: no such file or directory$/,
    )
  })

  it('refuses a tag that is not there, and what is no digest', async () => {
    const unresolved = {
      code: 'invalid-argument',
      message: /^oci-layout reference ".*" could not be resolved: /,
    }
    await assert.rejects(ociLayoutContext(`oci-layout://${dir}:2.0`, '/'), unresolved)
    await assert.rejects(ociLayoutContext(`oci-layout://${dir}@sha256:../../etc`, '/'), unresolved)
    await assert.rejects(ociLayoutContext('oci-layout://', '/'), unresolved)
  })
})
