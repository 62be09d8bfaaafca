import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { startLyingRegistry, type Lie } from '../support/lying-registry.ts'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'

const needs = { root: true, programs: ['runc', 'unshare'], registry: true }

describe('a machine that is not as it should be', () => {
  it('has no runc: the error says what to install', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const by = without(['runc', 'crun'])
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host], by })
    const result = await slipway.try('build', await context(scratch, 'RUN true'))
    assertOneError(result, /runc/)
    assert.match(result.stderr, /apt-get install runc|install runc/)
  })

  it('has a read-only state directory', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const by = mounting(scratch, '-t tmpfs -o ro tmpfs')
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host], by })
    assertOneError(await slipway.try('build', await context(scratch, 'RUN true')), /read-only/i)
  })

  it('lets no file grow: the error names the file and the limit', async () => {
    await using scratch = await makeScratch()
    const by = ['sh', '-c', 'ulimit -f 10 && exec "$@"', 'sh'] as const
    const slipway = await openSlipway({ dir: scratch.path('s'), by })
    const result = await slipway.try('build', await context(scratch, 'RUN true'))
    assertOneError(result, /failed to (open|write to|create) .*state.*: /)
    assert.match(result.stderr, /^hint: .*ulimit/m)
  })

  it('has no control groups: the error says what to do', { skip: lacks(needs) }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const hide = `umount -R -l /sys/fs/cgroup && mount -t tmpfs tmpfs /sys/fs/cgroup && ${hiding(['crun'])}`
    const script = `${hide} && exec "$@"`
    const by = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'] as const
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host], by })
    const result = await slipway.try('build', await context(scratch, 'RUN true'))
    assertOneError(result, /no cgroup mount found/)
    assert.match(result.stderr, /^hint: mount the control groups/m)
  })

  it('has lost the working directory: one error where it is needed, else no matter', async () => {
    await using scratch = await makeScratch()
    const gone = scratch.path('gone')
    const by = [
      'sh',
      '-c',
      `mkdir -p "${gone}" && cd "${gone}" && rmdir "${gone}" && exec "$@"`,
      'sh',
    ] as const
    const slipway = await openSlipway({ dir: scratch.path('s'), by })
    assertOneError(await slipway.try('build', '.'), /getwd: no such file or directory$/)
    await slipway.run('version')
  })

  it('has a full disk: the build fails, a smaller one works afterwards, and prune without a byte left', {
    skip: lacks(needs),
  }, async () => {
    await using scratch = await makeScratch()
    await using mirror = await startMirror(scratch.dir, ['alpine'])
    const twice = 'p=$1; shift; "$p" build "$1"; echo "first: $?"; "$p" build "$2" || exit'
    const filled = 'dd if=/dev/zero of="$SLIPWAY_ROOT/fill" bs=4k; exec "$p" prune -af'
    const by = [
      ...mounting(scratch, '-t tmpfs -o size=24m tmpfs'),
      'sh',
      '-c',
      `${twice}; ${filled}`,
      'sh',
    ] as const
    const slipway = await openSlipway({ dir: scratch.path('s'), mirrors: [mirror.host], by })
    const big = await context(scratch, 'RUN dd if=/dev/zero of=/big bs=1M count=100', 'big')
    const small = await context(scratch, 'RUN echo small > /small', 'small')
    const { code, stdout, stderr } = await slipway.try(big, small)
    assert.match(stdout, /^first: (1|102)$/m)
    assert.match(stderr, /No space left on device|ENOSPC/i)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^Total:\s+[1-9]/m)
  })
})

describe('a registry that', () => {
  const lies: Readonly<Record<string, { lie: Lie; error: RegExp }>> = {
    'cuts every layer short': {
      lie: (path, { body }) => (isLayer(path, body) ? { cut: body.length / 2 } : undefined),
      error: /EOF|closed|terminated|short|truncated|size|reset/i,
    },
    'changes a byte of a layer': {
      lie: (path, { body }) => (isLayer(path, body) ? { body: flipped(body) } : undefined),
      error: /digest|sha256/i,
    },
    'changes a manifest': {
      lie: (path, { body }) =>
        path.includes('/manifests/sha256:') ? { body: Buffer.concat([body, Buffer.from('\n')]) } : undefined,
      error: /digest|sha256|size/i,
    },
    'names a digest that is none': {
      lie: (path, { body }) =>
        path.includes('/manifests/3.12')
          ? {
              body: Buffer.from(
                body.toString().replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:../../../etc/passwd'),
              ),
              headers: { 'docker-content-digest': 'sha256:../../etc' },
            }
          : undefined,
      error: /digest/i,
    },
    'answers with something that is no JSON': {
      lie: path => (path.includes('/manifests/') ? { body: Buffer.from('<html>proxy</html>') } : undefined),
      error: /manifest|JSON|media type|digest/i,
    },
    'is always busy': {
      lie: () => ({ status: 503, body: Buffer.from('{"errors":[{"code":"UNAVAILABLE","message":"busy"}]}') }),
      error: /503|unavailable/i,
    },
  }
  for (const [what, { lie, error }] of Object.entries(lies)) {
    it(`${what} is told so, and the store stays good`, { skip: lacks(needs) }, async () => {
      await using scratch = await makeScratch()
      await using mirror = await startMirror(scratch.dir, ['alpine'])
      await using liar = await startLyingRegistry(mirror.host, lie)
      const dir = scratch.path('s')
      const project = async (host: string): Promise<string> => {
        const path = scratch.path('c')
        await mkdir(path, { recursive: true })
        await writeFile(`${path}/Dockerfile`, `FROM ${host}/library/alpine:3.12\nRUN echo well > /well\n`)
        return path
      }
      const slipway = await openSlipway({ dir })
      assertOneError(await slipway.try('build', await project(liar.host)), error)
      await slipway.run('build', await project(mirror.host))
    })
  }
})

async function context(scratch: Scratch, step: string, name = 'c'): Promise<string> {
  const path = scratch.path(name)
  await mkdir(path, { recursive: true })
  await writeFile(`${path}/Dockerfile`, `FROM alpine:3.12\n${step}\n`)
  return path
}

/** A command prefix that lays a file system over the state directory in a mount namespace of its own. */
function mounting(scratch: Scratch, what: string): readonly [string, ...string[]] {
  const state = scratch.path('s', 'state')
  const script = `mkdir -p "${state}" && mount ${what} "${state}" && exec "$@"`
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
}

/** A command prefix that hides programs: in a mount namespace of its own, a file that cannot be run lies over each. */
function without(programs: readonly string[]): readonly [string, ...string[]] {
  return [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    `${hiding(programs)} && exec "$@"`,
    'sh',
  ]
}

function hiding(programs: readonly string[]): string {
  const files = programs.flatMap(name =>
    ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'].map(dir => `${dir}/${name}`),
  )
  return files.map(file => `{ [ ! -e ${file} ] || mount --bind /etc/os-release ${file}; }`).join(' && ')
}

function isLayer(path: string, body: Buffer): boolean {
  return path.includes('/blobs/sha256:') && body[0] === 0x1f
}

function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body)
  const middle = copy.length >> 1
  copy[middle] = (copy[middle] ?? 0) ^ 1
  return copy
}
