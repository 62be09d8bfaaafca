import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { buildkitdFlags } from './buildkitd-flags.ts'
import { loadDaemonFiles } from './config-files.ts'
import { isBuilderName } from './builder-name.ts'
import { randomName } from './random-name.ts'

const dir = mkdtempSync(join(tmpdir(), 'slipway-create-'))
after(() => rmSync(dir, { recursive: true }))

describe('flags of a daemon', () => {
  const flags = (
    text: string,
    driver: string,
    network?: string,
    configEntitlements: string[] = [],
  ): readonly string[] | undefined =>
    buildkitdFlags(text, { driver, driverOpts: network === undefined ? {} : { network }, configEntitlements })
  const host = '--allow-insecure-entitlement=network.host'

  it('let builds use the host network of containers where nothing is said about it', () => {
    assert.deepEqual(flags('', 'docker-container'), [host])
    assert.deepEqual(flags('--debug "a b"', 'kubernetes'), ['--debug', 'a b', host])
    assert.equal(flags('', 'remote'), undefined)
    assert.equal(flags('', 'docker-container', undefined, ['network.host']), undefined)
    assert.deepEqual(flags('--allow-insecure-entitlement security.insecure', 'docker-container'), [
      '--allow-insecure-entitlement',
      'security.insecure',
    ])
    assert.deepEqual(flags('--allow-insecure-entitlement security.insecure', 'docker-container', 'host'), [
      '--allow-insecure-entitlement',
      'security.insecure',
      host,
    ])
    assert.throws(() => flags('"x', 'docker-container'), { message: /^failed to parse buildkit flags: / })
  })
})

describe('the configuration of a daemon', () => {
  it('may come from a device or a pipe, and is read to its end or to a limit', () => {
    assert.throws(() => loadDaemonFiles('/dev/zero'), { message: /\/dev\/zero is larger than 1 MiB$/ })
    assert.deepEqual(Object.keys(loadDaemonFiles('/dev/null').files), ['buildkitd.toml'])
    assert.throws(() => loadDaemonFiles(dir), {
      message: `failed to parse config: toml: read ${dir}: is a directory`,
    })
    assert.throws(() => loadDaemonFiles(join(dir, 'none')), { message: /not found: .*no such file/ })
  })

  it('is taken along with the certificates it names, under their new paths', () => {
    mkdirSync(join(dir, 'c'))
    for (const name of ['ca.pem', 'key.pem', 'cert.pem']) writeFileSync(join(dir, 'c', name), name)
    const path = join(dir, 'buildkitd.toml')
    const at = (name: string): string => JSON.stringify(join(dir, 'c', name))
    writeFileSync(
      path,
      `insecure-entitlements = ["network.host"]\n[registry."my.io:5000"]\n  http = true\n  ca = [${at('ca.pem')}]\n` +
        `  [[registry."my.io:5000".keypair]]\n    key = ${at('key.pem')}\n    cert = ${at('cert.pem')}\n`,
    )
    const { files, entitlements } = loadDaemonFiles(path)
    assert.deepEqual(entitlements, ['network.host'])
    assert.deepEqual(Object.keys(files).sort(), [
      'buildkitd.toml',
      'certs/my.io_5000/ca.pem',
      'certs/my.io_5000/cert.pem',
      'certs/my.io_5000/key.pem',
    ])
    const text = Buffer.from(files['buildkitd.toml'] ?? []).toString()
    assert.match(text, /\/etc\/buildkit\/certs\/my\.io_5000\/ca\.pem/)
    assert.doesNotMatch(text, new RegExp(dir))
    assert.match(text, /http = true/)
  })

  it('that is missing or broken is one clear error', () => {
    assert.throws(() => loadDaemonFiles('/nowhere.toml'), {
      message: /^buildkit configuration file not found: \/nowhere\.toml/,
    })
    const path = join(dir, 'broken.toml')
    writeFileSync(path, 'a = [')
    assert.throws(() => loadDaemonFiles(path), { message: /^failed to parse config: toml: / })
    writeFileSync(path, '[registry."x"]\nca = ["/nowhere.pem"]\n')
    assert.throws(() => loadDaemonFiles(path), { message: /^failed to read CA file: \/nowhere\.pem/ })
  })
})

describe('random names', () => {
  it('are names, and differ with the bytes', () => {
    const bytes = (value: number) => (size: number) => new Uint8Array(size).fill(value)
    const names = Array.from({ length: 50 }, (_, i) => randomName(bytes(i * 5), 0))
    for (const name of names) assert.ok(isBuilderName(name) && /^[a-z]+_[a-z]+$/.test(name), name)
    assert.ok(new Set(names).size > 40)
    assert.match(randomName(bytes(7), 1), /^[a-z]+_[a-z]+7$/)
  })
})
