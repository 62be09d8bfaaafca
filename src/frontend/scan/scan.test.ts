import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryTree } from './memory-tree.ts'
import { packageUrl } from './package.ts'
import { scanPackages } from './scan-packages.ts'
import { spdxDocument, spdxStatement } from './spdx-document.ts'
import { licenseExpression } from './spdx-license.ts'

const purls = (files: Record<string, string>): string[] =>
  scanPackages(memoryTree(files)).map(one => one.purl)

describe('packages of a tree', () => {
  it('are those that dpkg has installed, not those that it removed', () => {
    const found = purls({
      '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
      '/var/lib/dpkg/status': `Package: libc6
Status: install ok installed
Architecture: amd64
Maintainer: GNU Libc Maintainers <x@example.com>
Version: 2.36-9+deb12u10
Description: libraries
 more: lines

Package: gone
Status: deinstall ok config-files
Version: 1
`,
      '/var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 1:2024a-0\nArchitecture: all\n',
      '/var/lib/dpkg/status.d/tzdata.md5sums': 'Package: not-a-package\nVersion: 1\n',
    })
    assert.deepEqual(found, [
      'pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12',
      'pkg:deb/debian/tzdata@1:2024a-0?arch=all&distro=debian-12',
    ])
  })
  it('are those of the database of apk', () => {
    const found = purls({
      '/usr/lib/os-release': "ID=alpine\nVERSION_ID='3.22.1'\n",
      '/lib/apk/db/installed': `C:Q1x
P:musl
V:1.2.5-r10
A:x86_64
L:MIT
m:Someone <s@example.com>
F:lib
R:ld-musl-x86_64.so.1

P:busybox
V:1.37.0-r18
A:x86_64
L:GPL-2.0-only
`,
    })
    assert.deepEqual(found, [
      'pkg:apk/alpine/busybox@1.37.0-r18?arch=x86_64&distro=alpine-3.22.1',
      'pkg:apk/alpine/musl@1.2.5-r10?arch=x86_64&distro=alpine-3.22.1',
    ])
  })
  it('are those in directories of npm, wherever they are, each once', () => {
    const found = purls({
      '/app/package.json': '{"name": "app", "version": "1.0.0"}',
      '/app/node_modules/a/package.json': '{"name": "a", "version": "1.0.0"}',
      '/app/node_modules/a/node_modules/b/package.json': '{"name": "b", "version": "2.0.0"}',
      '/app/node_modules/@s/c/package.json': '{"name": "@s/c", "version": "3.0.0"}',
      '/app/node_modules/a/test/package.json': '{"name": "fixture", "version": "9.9.9"}',
      '/app/node_modules/broken/package.json': '{"name": ',
      '/usr/lib/node_modules/a/package.json': '{"name": "a", "version": "1.0.0"}',
      '/proc/1/node_modules/x/package.json': '{"name": "x", "version": "1.0.0"}',
    })
    assert.deepEqual(found, ['pkg:npm/%40s/c@3.0.0', 'pkg:npm/a@1.0.0', 'pkg:npm/b@2.0.0'])
  })
  it('may be none', () => assert.deepEqual(purls({}), []))
})

describe('a bill of materials', () => {
  const tree = memoryTree({
    '/etc/secret': 'canary',
    '/n/node_modules/a/package.json':
      '{"name": "a", "version": "1.0.0", "license": "MIT", "token": "canary"}',
    '/n/node_modules/b/package.json': '{"name": "b", "version": "1.0.0", "license": "SEE LICENSE IN x"}',
  })
  const facts = { name: 'sbom', created: '2026-01-02T03:04:05Z', tool: 'slipway-0' }

  it('is SPDX 2.3 that describes one root which contains the packages', () => {
    const document = JSON.parse(spdxStatement(spdxDocument(scanPackages(tree), facts))).predicate
    assert.equal(document.spdxVersion, 'SPDX-2.3')
    assert.match(
      document.documentNamespace,
      /^https:\/\/spdx\.org\/spdxdocs\/sbom-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    )
    const ids = document.packages.map((one: { SPDXID: string }) => one.SPDXID)
    assert.equal(new Set(ids).size, 3)
    for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/)
    assert.deepEqual(
      document.relationships.map((one: { relatedSpdxElement: string }) => one.relatedSpdxElement),
      ids,
    )
    assert.deepEqual(
      document.packages.slice(1).map((one: { licenseDeclared: string }) => one.licenseDeclared),
      ['MIT', 'NOASSERTION'],
    )
  })
  it('has the same bytes each time, and nothing of what else is in the tree', () => {
    const [first, second] = [0, 1].map(() => spdxStatement(spdxDocument(scanPackages(tree), facts)))
    assert.equal(first, second)
    assert.doesNotMatch(first ?? '', /canary/)
  })
})

describe('licenses', () => {
  it('are expressions of known identifiers, or nothing is asserted', () => {
    const table = [
      ['MIT', 'MIT'],
      ['GPL-2.0+', 'GPL-2.0-or-later'],
      ['(MIT OR Apache-2.0)', '(MIT OR Apache-2.0)'],
      ['MIT AND (BSD-2-Clause OR ISC)', 'MIT AND (BSD-2-Clause OR ISC)'],
      ['MIT BSD', 'NOASSERTION'],
      ['(MIT', 'NOASSERTION'],
      ['MIT)', 'NOASSERTION'],
      ['custom', 'NOASSERTION'],
      ['', 'NOASSERTION'],
    ] as const
    for (const [stated, written] of table) assert.equal(licenseExpression(stated), written)
  })
})

describe('package URLs', () => {
  it('keep what may stand for itself and encode the rest', () => {
    const url = {
      type: 'deb',
      namespace: 'a/b',
      name: 'c+d',
      version: '1:2~3',
      qualifiers: { z: '1', a: 'x y', e: '' },
    }
    assert.equal(packageUrl(url), 'pkg:deb/a/b/c%2Bd@1:2~3?a=x%20y&z=1')
  })
})
