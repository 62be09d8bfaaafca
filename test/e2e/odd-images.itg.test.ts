import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { writeLayout } from '../../scripts/setup/oci-layout.ts'
import { run } from '../../scripts/setup/run.ts'
import { seedRegistry } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { startRegistry } from '../support/registry.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'

// An image with everything that layers may legitimately hold, made by GNU tar, goes through Slipway and comes out as umoci
// unpacks it.

const needs = { root: true, programs: ['umoci', 'setcap', 'setfattr', 'getfattr', 'mknod'], registry: true }
const native = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }

const firstLayer = `
  mkdir -p bin dir/sub gone opaque/old deep empty
  echo one > dir/file; ln dir/file dir/hard; ln -s /dir/file absolute; ln -s ../../../etc/passwd outside; ln -s nowhere dangling
  ln -s dir link-to-dir
  printf latin > "$(printf 'caf\\351')"; printf x > "$(printf 'new\\nline')"; printf y > ' space '
  cp /bin/true bin/capable; setcap cap_net_bind_service+ep bin/capable
  echo attr > attr; setfattr -n user.text -v value attr; setfattr -n user.binary -v 0x00ff0a00 attr
  echo suid > bin/suid; chown 1000:2000 bin/suid; chmod 6755 bin/suid; chmod 1777 empty
  chown 4000000:4000001 dir/sub
  truncate -s 8M sparse; printf end >> sparse; truncate -s 12M sparse
  mkfifo fifo; mknod null c 1 3; mknod block b 7 200
  long=$(printf 'l%.0s' $(seq 200)); mkdir -p "deep/$long"; echo long > "deep/$long/$long"; ln -s "$long/$long" deep/long-link
  echo bye > gone/file; echo bye > opaque/old/file; echo was a file > turned; mkdir becomes; echo in > becomes/file
  find . -exec touch -h -d '2020-05-06 07:08:09.25 UTC' {} +
  touch -d '2001-02-03 04:05:06.123456789 UTC' dir/file
`
const secondLayer = `
  mkdir -p dir gone opaque turned
  echo three > dir/third; chmod 700 dir
  touch .wh.gone-not-there gone/.wh.file opaque/.wh..wh..opq; echo new > opaque/new
  echo now a folder > turned/inside; echo now a file > becomes
  printf late > "$(printf 'caf\\351')"
  find . -exec touch -h -d '2021-05-06 07:08:09.25 UTC' {} +
`
const thirdLayer = `echo four > dir/fourth; mkdir -p dir/sub; chmod 750 dir/sub
  find . -exec touch -h -d '2022-05-06 07:08:09.25 UTC' {} +`

it('an odd but legitimate image unpacks exactly as umoci unpacks it', { skip: lacks(needs) }, async () => {
  await using scratch = await makeScratch()
  const layers = [
    await makeLayer(scratch, 'one', firstLayer),
    await makeLayer(scratch, 'two', secondLayer),
    await makeLayer(scratch, 'three', `mkdir dir; ${thirdLayer}`),
  ]
  await withHardLinkToEarlierLayer(scratch, layers[2] ?? '')
  const layout = scratch.path('layout')
  await writeLayout(layout, 'latest', [{ platform: native, layers, config: {} }])
  await seedRegistry(scratch.path('data'), layout, 'odd', ['1'])
  await using registry = await startRegistry({ dir: scratch.path('r'), storage: scratch.path('data') })

  const slipway = await openSlipway({ dir: scratch.path('s') })
  await mkdir(scratch.path('c'))
  await writeFile(scratch.path('c', 'Dockerfile'), `FROM ${registry.host}/odd:1\n`)
  await slipway.run('build', '-o', `type=tar,dest=${scratch.path('ours.tar')}`, scratch.path('c'))
  await mkdir(scratch.path('ours'))
  const flags = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner', '-p']
  await run(['tar', '-x', ...flags, '-f', scratch.path('ours.tar'), '-C', scratch.path('ours')])

  await singleManifest(layout)
  await run(['umoci', 'raw', 'unpack', '--image', `${layout}:single`, scratch.path('theirs')])
  assert.equal(await describeTree(scratch, 'ours'), await describeTree(scratch, 'theirs'))
})

async function makeLayer(scratch: Scratch, name: string, script: string): Promise<string> {
  const dir = scratch.path(name)
  await mkdir(dir)
  await run(['bash', '-c', `set -e; umask 022; ${script}`], { cwd: dir })
  const tar = scratch.path(`${name}.tar`)
  const flags = [
    '--format=pax',
    '--xattrs',
    '--xattrs-include=*',
    '--numeric-owner',
    '--sparse',
    '--sort=name',
  ]
  await run(['bash', '-c', 'tar -c "$@" -f "$0" -- $(ls -A)'.replace('$(ls -A)', '.'), tar, ...flags], {
    cwd: dir,
  })
  return tar
}

/** Adds a hard link whose target only an earlier layer has: GNU tar writes such an entry from a tree that has both. */
async function withHardLinkToEarlierLayer(scratch: Scratch, tar: string): Promise<void> {
  const dir = scratch.path('links')
  await mkdir(`${dir}/attr-links`, { recursive: true })
  await run(
    [
      'bash',
      '-c',
      'echo attr > attr; ln attr attr-links/hard; touch -d "2020-05-06 07:08:09.25 UTC" attr attr-links',
    ],
    { cwd: dir },
  )
  // Both names go into a scratch archive; then the first is deleted, and only the link is left.
  await run(['tar', '-c', '--no-recursion', '-f', `${tar}.links`, 'attr-links', 'attr', 'attr-links/hard'], {
    cwd: dir,
  })
  await run(['tar', '--delete', '-f', `${tar}.links`, 'attr'])
  await run(['tar', '-A', '-f', tar, `${tar}.links`])
}

/** umoci 0.4 takes a tag that leads to a manifest, not to an index. */
async function singleManifest(layout: string): Promise<void> {
  const top = JSON.parse(await readFile(`${layout}/index.json`, 'utf8')) as {
    manifests: { digest: string }[]
  }
  const hex = top.manifests[0]?.digest.slice(7) ?? ''
  const index = JSON.parse(await readFile(`${layout}/blobs/sha256/${hex}`, 'utf8')) as { manifests: object[] }
  const annotations = { 'org.opencontainers.image.ref.name': 'single' }
  const manifests = [...top.manifests, { ...index.manifests[0], annotations }]
  await writeFile(`${layout}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }))
}

/**
 * Everything about every file that a layer can say, one line each, names as raw bytes (latin1). Times in whole seconds: a tar
 * output holds no more, as BuildKit's does.
 */
async function describeTree(scratch: Scratch, name: string): Promise<string> {
  const out = scratch.path(`${name}.txt`)
  const script = `
    export LC_ALL=C; cd "$1"
    { find . -mindepth 1 -printf '%P\\t%y %m %U %G %n %T+ %l' \\( -type f -printf ' %s' -o -true \\) -printf '\\0'
      find . -mindepth 1 -type f -print0 | sort -z | xargs -0 sha256sum -z
      find . -mindepth 1 ! -type l -print0 | sort -z | xargs -0 getfattr -d -m - -e hex -h 2>/dev/null | tr '\\n' '\\0'
      find . -mindepth 1 \\( -type c -o -type b \\) -print0 | sort -z | xargs -0 stat --printf '%n %t %T\\0'
    } | sed -z 's/\\(:[0-9][0-9]\\)\\.[0-9]* /\\1 /' | sort -z | tr '\\0' '\\n' > "$2"`
  await run(['bash', '-c', script, 'bash', scratch.path(name), out])
  return await readFile(out, 'latin1')
}
