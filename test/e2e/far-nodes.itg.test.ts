import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { startDockerd } from '../support/dockerd.ts'
import { lacks } from '../support/need.ts'
import { openPlace } from '../support/place.ts'
import type { Scratch } from '../support/scratch.ts'
import { startServe } from '../support/serve.ts'
import type { SlipwayCommand } from '../support/slipway.ts'

// Nodes as far from each other as one machine has them: network namespaces of their own, platforms of their own, and
// dockerd's BuildKit as one of them.

const programs = ['runc', 'busybox', 'unshare'] as const
const [native, foreign] = process.arch === 'arm64' ? ['arm64', 'amd64'] : ['amd64', 'arm64']

describe('nodes in networks of their own', { skip: lacks({ root: true, programs }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand

  before(async () => {
    const place = stack.use(await openPlace({ busybox: true }))
    ;({ scratch, slipway } = place)
    await writeFile(
      scratch.path('context', 'Dockerfile'),
      `FROM --platform=$BUILDPLATFORM scratch AS made
COPY busybox /bin/busybox
ARG BUILDPLATFORM TARGETPLATFORM
RUN ["/bin/busybox","sh","-c","/bin/busybox echo $TARGETPLATFORM on $BUILDPLATFORM > /made; /bin/busybox ls /sys/class/net > /net"]
FROM scratch
COPY --from=made /made /net /
`,
    )
  })
  after(() => stack.disposeAsync())

  const build = (builder: string, platforms: readonly string[], out: string): string[] => [
    'build',
    `--builder=${builder}`,
    '--progress=plain',
    `--platform=${platforms.join(',')}`,
    '-o',
    `type=local,dest=${scratch.path(out)}`,
    scratch.path('context'),
  ]

  it('build the platforms that they have, each its own', async () => {
    const { dir } = scratch
    const platform = (name: string): string[] => [
      `--oci-worker-platform=linux/${native}`,
      `--oci-worker-platform=linux/${name}`,
    ]
    await using first = await startServe({
      dir,
      name: 'one',
      by: ['unshare', '--net'],
      flags: platform('s390x'),
    })
    await using second = await startServe({
      dir,
      name: 'two',
      by: ['unshare', '--net'],
      flags: platform('riscv64'),
    })
    await slipway.run('create', '--name=far', '--driver=remote', first.address)
    await slipway.run('create', '--append', '--name=far', second.address)
    const inspected = await slipway.run('inspect', 'far')
    assert.match(
      inspected,
      new RegExp(
        `Platforms: +linux/${native}, linux/s390x\\n[\\s\\S]*Platforms: +linux/${native}, linux/riscv64\\n`,
      ),
    )
    const wanted = ['linux/riscv64', 'linux/s390x', `linux/${native}`]
    const output = await slipway.run(...build('far', wanted, 'far'))
    const folders = wanted.map(name => name.replaceAll('/', '_'))
    assert.deepEqual((await readdir(scratch.path('far'))).sort(), folders.toSorted())
    for (const name of wanted) {
      const folder = scratch.path('far', name.replaceAll('/', '_'))
      assert.equal(await readFile(`${folder}/made`, 'utf8'), `${name} on linux/${native}\n`)
      assert.equal((await readFile(`${folder}/net`, 'utf8')).trim(), 'lo', 'the network of the node')
    }
    assert.match(output, /\[far0 linux\/s390x|\[far1 linux\/riscv64|linux\/riscv64/)
    const none = await slipway.try(...build('far', ['linux/ppc64le'], 'none'))
    // Whether it runs there all the same is for the machine to say.
    assert.match(
      none.stderr,
      /WARNING: linux\/ppc64le is neither native to nor emulated by far0 .*s390x.*far1 .*riscv64.*: it is built on far0/,
    )
  })

  it('may be dockerd, beside a daemon of ours', {
    skip: lacks({ root: true, peers: ['dockerd', 'docker', 'docker-init'], programs }),
  }, async () => {
    const { dir } = scratch
    await using dockerd = await startDockerd({ dir: scratch.path('d'), containerdStore: true })
    await using serve = await startServe({ dir, name: 'three', by: ['unshare', '--net'] })
    // With settings of its own: the command that talks through it holds the lock of the others.
    const own = {
      DOCKER_HOST: dockerd.host,
      BUILDX_BUILDER: 'default',
      DOCKER_CONFIG: scratch.path('bridge'),
    }
    const env = { ...slipway.env, ...own }
    // Docker gives its BuildKit to its own clients only: what comes to this socket goes through one of them.
    const socket = scratch.path('dockerd.sock')
    await using _bridge = await listen(socket, connection => {
      const [program, ...words] = slipway.command
      const child = spawn(program, [...words, 'dial-stdio'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
      connection.pipe(child.stdin)
      child.stdout.pipe(connection)
      for (const one of [connection, child.stdin, child.stdout]) one.on('error', () => {})
      connection.once('close', () => child.kill())
    })
    await slipway.run(
      'create',
      '--name=mixed',
      '--driver=remote',
      `--platform=linux/${native}`,
      `unix://${socket}`,
    )
    await slipway.run('create', '--append', '--name=mixed', `--platform=linux/${foreign}`, serve.address)
    assert.match(
      await slipway.run('inspect', 'mixed'),
      /containerd\.namespace: +moby[\s\S]*BuildKit version: v0\.32\.2/,
    )
    const dockerfile = scratch.path('context', 'plain')
    await writeFile(dockerfile, 'FROM scratch\nARG TARGETARCH\nCOPY Dockerfile /$TARGETARCH\n')
    const both = ['--platform=linux/amd64,linux/arm64', '-f', dockerfile, '--builder=mixed']
    const archive = scratch.path('mixed.tar')
    const outputs = ['-o', `type=oci,dest=${archive}`, '-o', `type=local,dest=${scratch.path('mixed')}`]
    for (let i = 0; i < outputs.length; i += 2)
      await slipway.run('build', ...both, ...outputs.slice(i, i + 2), scratch.path('context'))
    assert.deepEqual((await readdir(scratch.path('mixed'), { recursive: true })).sort(), [
      'linux_amd64',
      'linux_amd64/amd64',
      'linux_arm64',
      'linux_arm64/arm64',
    ])
    const layout = scratch.path('layout')
    await mkdir(layout)
    await run(['tar', 'xf', archive, '-C', layout])
    const read = async (
      digest: string,
    ): Promise<{ manifests: { digest: string; platform: { architecture: string } }[] }> =>
      JSON.parse(await readFile(`${layout}/blobs/${digest.replace(':', '/')}`, 'utf8'))
    const top = JSON.parse(await readFile(`${layout}/index.json`, 'utf8')) as {
      manifests: { digest: string }[]
    }
    const { manifests } = await read(top.manifests[0]?.digest ?? '')
    const found = manifests.map(({ platform }) => platform.architecture).filter(name => name !== 'unknown')
    assert.deepEqual(found, ['amd64', 'arm64'])
  })
})

async function listen(path: string, onConnection: (socket: Socket) => void): Promise<AsyncDisposable> {
  const server: Server = createServer(onConnection)
  await new Promise<void>(resolve => server.listen(path, resolve))
  server.unref()
  return {
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}
