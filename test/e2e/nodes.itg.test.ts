import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { findProgram } from '../../scripts/setup/programs.ts'
import { run } from '../../scripts/setup/run.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { startRegistry } from '../support/registry.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { type Serve, startServe } from '../support/serve.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'
import { pushedPlatforms } from '../support/third-party.ts'

// Several nodes: two daemons of ours, one of them in a network namespace of its own.

const skip = lacks({ root: true, programs: ['runc', 'busybox', 'unshare'] })

/** The entries of a layout's index. */
async function rootsOf(
  layout: string,
): Promise<readonly { readonly digest: string; readonly annotations: Readonly<Record<string, string>> }[]> {
  const text = await readFile(join(layout, 'index.json'), 'utf8')
  return (JSON.parse(text) as { manifests: Awaited<ReturnType<typeof rootsOf>> }).manifests
}

describe('a builder of several nodes', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand
  let first: Serve
  const build = (...args: string[]): string[] => ['build', '--builder=two', ...args, scratch.path('context')]

  before(async () => {
    scratch = stack.use(await makeScratch())
    slipway = await openSlipway({ dir: scratch.dir })
    const { dir } = scratch
    first = stack.use(await startServe({ dir, name: 'a' }))
    const second = stack.use(await startServe({ dir, name: 'b', by: ['unshare', '--net'] }))
    await slipway.run('create', '--name=two', '--driver=remote', '--platform=linux/amd64', first.address)
    await slipway.run('create', '--append', '--name=two', '--platform=linux/arm64', second.address)
    await mkdir(scratch.path('context'))
    await writeFile(
      scratch.path('context', 'Dockerfile'),
      'FROM scratch\nARG TARGETARCH\nCOPY x /$TARGETARCH\n',
    )
    await writeFile(scratch.path('context', 'x'), 'x')
  })
  after(() => stack.disposeAsync())

  it('writes the files of each platform side by side', async () => {
    await slipway.run(
      ...build('--platform=linux/amd64,linux/arm64', '-o', `type=local,dest=${scratch.path('out')}`),
    )
    assert.deepEqual((await readdir(scratch.path('out'), { recursive: true })).sort(), [
      'linux_amd64',
      'linux_amd64/amd64',
      'linux_arm64',
      'linux_arm64/arm64',
    ])
  })

  it('makes one tar, one OCI archive and one archive for docker of the archives of the nodes', async () => {
    const outputs = ['tar', 'oci', 'docker'].flatMap(type => [
      '-o',
      `type=${type},dest=${scratch.path(`${type}.tar`)}`,
    ])
    await slipway.run(...build('--platform=linux/arm64,linux/amd64', '-t', 'x:1', ...outputs))
    const names = await run(['tar', 'tf', scratch.path('tar.tar')])
    assert.deepEqual(
      names
        .trim()
        .split('\n')
        .filter(name => !name.endsWith('/'))
        .sort(),
      ['linux_amd64/amd64', 'linux_arm64/arm64'],
    )
    for (const type of ['oci', 'docker']) {
      const layout = scratch.path(`layout-${type}`)
      await mkdir(layout)
      await run(['tar', 'xf', scratch.path(`${type}.tar`), '-C', layout])
      const top = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as {
        manifests: { digest: string }[]
      }
      const digest = top.manifests[0]?.digest.replace(':', '/') ?? ''
      const index = JSON.parse(await readFile(join(layout, 'blobs', digest), 'utf8')) as {
        manifests: { digest: string; platform: { architecture: string } }[]
      }
      const images = index.manifests
        .map(({ platform }) => platform.architecture)
        .filter(name => name !== 'unknown')
      assert.deepEqual(images, ['arm64', 'amd64'])
      for (const { digest } of index.manifests)
        await readFile(join(layout, 'blobs', digest.replace(':', '/')))
    }
    const list = JSON.parse(
      await readFile(scratch.path('layout-docker', 'manifest.json'), 'utf8'),
    ) as unknown[]
    assert.equal(list.length, 1)
  })

  it('writes a layout blob by blob, beside images that are in it, from one node and from both', async () => {
    const one = scratch.path('one-layout')
    const output = `type=oci,tar=false,dest=${one}`
    await slipway.run(...build('--platform=linux/amd64', '-t', 'x:1', '-t', 'reg.io/y:2', '-o', output))
    await slipway.run(...build('--platform=linux/arm64', '-t', 'x:1', '-o', output))
    await slipway.run(...build('--platform=linux/arm64', '-o', output))
    assert.deepEqual(
      (await rootsOf(one)).map(({ annotations }) => [
        annotations['org.opencontainers.image.ref.name'],
        annotations['io.containerd.image.name'],
      ]),
      [
        ['2', 'reg.io/y:2'],
        ['1', 'docker.io/library/x:1'],
        ['latest', undefined],
      ],
    )
    const both = scratch.path('both-layout')
    const platforms = '--platform=linux/arm64,linux/amd64'
    await slipway.run(...build(platforms, '-t', 'x:1', '-o', `type=oci,tar=false,dest=${both}`))
    const [root, ...more] = await rootsOf(both)
    assert.deepEqual(more, [])
    const path = join(both, 'blobs', root?.digest.replace(':', '/') ?? '')
    const index = JSON.parse(await readFile(path, 'utf8')) as { manifests: { digest: string }[] }
    for (const { digest } of index.manifests) await readFile(join(both, 'blobs', digest.replace(':', '/')))
    const twice = ['-o', `type=oci,tar=false,dest=${one}`, '-o', `type=oci,tar=false,dest=${both}`]
    const refused = await slipway.try(...build('--platform=linux/amd64', ...twice))
    assert.match(refused.stderr, /oci store key "export" already exists/)
  })

  it('pushes one index with the images of both', {
    skip: lacks({ registry: true, programs: ['skopeo'] }),
  }, async () => {
    await using registry = await startRegistry({ dir: scratch.path('registry') })
    await using open = await startServe({ dir: scratch.dir, name: 'c' })
    await slipway.run('create', '--name=push', '--driver=remote', '--platform=linux/amd64', first.address)
    await slipway.run('create', '--append', '--name=push', '--platform=linux/arm64', open.address)
    const name = `${registry.host}/app`
    const args = ['--platform=linux/amd64,linux/arm64', '-t', `${name}:1`, '-t', `${name}:2`, '--push']
    const output = await slipway.run('build', '--builder=push', ...args, scratch.path('context'))
    assert.match(output, /merging manifest list .*app:1/)
    for (const tag of ['1', '2']) {
      assert.deepEqual(await pushedPlatforms(`${name}:${tag}`), ['linux/amd64', 'linux/arm64'])
    }
    assert.ok(!registry.requests().some(line => line.includes('manifests/latest')))
  })

  it('gives the platforms of a node that dies to another one', async () => {
    const { dir } = scratch
    await using dying = await startServe({ dir, name: 'd' })
    const [own, foreign] = process.arch === 'arm64' ? ['arm64', 'amd64'] : ['amd64', 'arm64']
    await slipway.run('create', '--name=dying', '--driver=remote', first.address)
    await slipway.run('create', '--append', '--name=dying', `--platform=linux/${own}`, dying.address)
    await mkdir(scratch.path('slow'))
    await copyFile(findProgram('busybox') ?? '', scratch.path('slow', 'busybox'))
    const dockerfile =
      'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox","sleep","4"]\nRUN ["/busybox","touch","/done"]\n'
    await writeFile(scratch.path('slow', 'Dockerfile'), dockerfile)
    const building = slipway.try(
      'build',
      '--builder=dying',
      `--platform=linux/${own}`,
      '-o',
      `type=local,dest=${scratch.path('survived')}`,
      scratch.path('slow'),
    )
    await sleep(2500)
    process.kill(dying.pid, 'SIGKILL')
    const { code, stderr } = await building
    assert.equal(code, 0, stderr)
    assert.match(stderr, new RegExp(`node dying1 went away .*linux/${own} goes to dying0`))
    const begun = [...stderr.matchAll(/^#(\d+) \[/gm)].map(([, number]) => number)
    for (const number of new Set(begun))
      assert.match(stderr, new RegExp(`^#${number} (?:DONE|CANCELED|CACHED)`, 'm'), 'a step without an end')
    assert.match(stderr, /^#\d+ CANCELED$/m)
    assert.ok((await readdir(scratch.path('survived'))).includes('done'))
    assert.notEqual(foreign, own)
  })

  it('names node and cause where no other node can take over', async () => {
    const { dir } = scratch
    await using lonely = await startServe({ dir, name: 'e' })
    const native = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'
    await slipway.run('create', '--name=lonely', '--driver=remote', `--platform=${native}`, lonely.address)
    const other = ['--oci-worker-platform=linux/s390x']
    await using strange = await startServe({ dir, name: 'o', flags: other })
    await slipway.run('create', '--append', '--name=lonely', strange.address)
    const building = slipway.try('build', '--builder=lonely', `--platform=${native}`, scratch.path('slow'))
    await sleep(2500)
    process.kill(lonely.pid, 'SIGKILL')
    assertOneError(
      await building,
      new RegExp(`node lonely0 \\(unix:.*\\) went away, and no other node can build ${native}: .*EOF`),
    )
  })

  it('takes two nodes that are the same daemon for one', async () => {
    const other = `unix://${scratch.dir}/./a.sock`
    await slipway.run('create', '--name=twins', '--driver=remote', '--platform=linux/amd64', first.address)
    await slipway.run('create', '--append', '--name=twins', '--platform=linux/arm64', other)
    await slipway.run(
      'build',
      '--builder=twins',
      '--platform=linux/amd64,linux/arm64',
      '-o',
      `type=local,dest=${scratch.path('twins')}`,
      scratch.path('context'),
    )
    assert.deepEqual((await readdir(scratch.path('twins'))).sort(), ['linux_amd64', 'linux_arm64'])
  })

  it('makes one cache of those of the nodes', async () => {
    const cache = scratch.path('cache')
    const both = '--platform=linux/amd64,linux/arm64'
    const write = (...more: readonly string[]): Promise<string> =>
      slipway.run(...build(both, '--cache-to', `type=local,dest=${cache},mode=max${more.join('')}`))
    await write()
    await write(',reset=true')
    const index = JSON.parse(await readFile(join(cache, 'index.json'), 'utf8')) as { manifests: object[] }
    assert.equal(index.manifests.length, 1)
    const fresh = await openSlipway({ dir: scratch.path('fresh') })
    const from = ['--cache-from', `type=local,src=${cache}`, '-o', 'type=cacheonly', '--progress=plain']
    const output = await fresh.run('build', both, ...from, scratch.path('context'))
    assert.equal([...output.matchAll(/^#\d+ CACHED$/gm)].length, 2, output)
  })

  it('builds a platform that no node has on the first one, says so, and fails where it runs something', async () => {
    const warning =
      /WARNING: windows\/amd64 is neither native to nor emulated by two0 .*two1 .*: it is built on two0/
    const both = '--platform=linux/amd64,windows/amd64'
    const output = await slipway.run(...build(both, '-o', `type=local,dest=${scratch.path('crossed')}`))
    assert.match(output, warning)
    assert.deepEqual((await readdir(scratch.path('crossed'))).sort(), ['linux_amd64', 'windows_amd64'])
    await writeFile(scratch.path('runs'), 'FROM scratch\nCOPY x /x\nRUN ["/x"]\n')
    const failed = await slipway.try(...build(both, '-f', scratch.path('runs'), '-o', 'type=cacheonly'))
    assert.equal(failed.code, 1, failed.stderr)
    assert.match(failed.stderr, warning)
  })
})
