import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTar } from '../tar/read-tar.ts'
import type { FileTree } from '../snapshot/tree.ts'
import type { ClientSink } from './client-sink.ts'
import type { ExportContext } from './export-context.ts'
import type { ExportSource } from './export-source.ts'
import { createTarExporter } from './local-exporter.ts'

const emptyTree: FileTree = {
  lstat: () => undefined,
  resolve: path => path,
  readdir: () => [],
  open: () => assert.fail('nothing to open'),
  xattrs: () => new Map(),
  realPath: path => path,
  [Symbol.dispose]() {},
}

async function membersOf(attrs: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const found: string[] = []
  const sink: ClientSink = {
    async sendStream(_id, _metadata, stream) {
      for await (const { entry } of readTar(stream))
        found.push(`${entry.name} ${entry.mtimeNs / 1_000_000_000n}`)
    },
    sendTrees: () => assert.fail('an archive is one stream'),
  }
  const source: ExportSource = {
    results: ['linux/arm64', 'linux/amd64'].map(id => ({
      id,
      platform: { os: 'linux', architecture: id.slice(6) },
      ref: undefined,
      attestations: [
        {
          predicateType: 'https://example.com/p',
          predicate: async () => Buffer.from('{}'),
          subjects: [],
          sbomCore: false,
          inlineOnly: false,
          path: 'said.json',
        },
      ],
    })),
    multiPlatform: true,
    metadata: new Map(),
  }
  const services = { view: async () => emptyTree, sink: async () => sink, now: () => 0 }
  const progress = { step: async (_: string, run: () => Promise<unknown>) => await run(), status: () => {} }
  const ctx = { sessionId: '', signal: new AbortController().signal, progress } as unknown as ExportContext
  await createTarExporter(0, attrs, services).export(source, ctx)
  return found
}

test('An archive of several platforms has a directory for each, by name, of the time of the build.', async () => {
  assert.deepEqual(await membersOf({ 'source-date-epoch': '7' }), [
    'linux_amd64/ 7',
    'linux_amd64/said.json 7',
    'linux_arm64/ 7',
    'linux_arm64/said.json 7',
  ])
})

test('Statements name their platform where it was asked not to keep platforms apart.', async () => {
  assert.deepEqual(await membersOf({ 'platform-split': 'false', 'attestation-prefix': 'p.' }), [
    'linux_amd64/ 0',
    'linux_amd64/p.said.linux_amd64.json 0',
    'linux_arm64/ 0',
    'linux_arm64/p.said.linux_arm64.json 0',
  ])
})

test('A way of writing that is none is refused, for archives too.', async () => {
  await membersOf({ mode: ' Copy' })
  await assert.rejects(membersOf({ mode: 'bogus' }), { message: 'invalid local exporter mode "bogus"' })
})
