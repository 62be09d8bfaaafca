import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Apt, debianArch, openApt } from './apt.ts'
import { cacheDir, makeOnce } from './cache-dir.ts'
import { type ImageSource, parsePlatform, writeLayout } from './oci-layout.ts'
import { makeRootfsTar, type RootfsSource } from './rootfs.ts'
import { run } from './run.ts'
import { type StandIn, type StandInName, standIns } from './stand-ins.ts'

/** Release that the stand-ins are made of, whatever the machine runs: the last one with all of the architectures. */
const suite = 'bookworm'

/** Folder of a stand-in's OCI layout (its index is tagged `latest`), whether it has been made or not. */
export function standInDir(name: StandInName, platforms?: readonly string[]): string {
  const image = { ...standIns[name], ...(platforms === undefined ? {} : { platforms }) }
  const stamp = createHash('sha256')
    .update(JSON.stringify([suite, image, 1]))
    .digest('hex')
    .slice(0, 12)
  return cacheDir('stand-ins', `${name}-${stamp}`)
}

/**
 * Makes the OCI layouts of stand-ins, as far as this machine does not have them, and returns their folders. Needs an apt
 * whose mirror has Debian 12, dpkg and GNU tar; no root. `platforms` replaces those of the table.
 */
export async function makeStandIns(
  names: readonly StandInName[],
  say: (line: string) => void,
  platforms?: readonly string[],
): Promise<string[]> {
  const there = names.map(name => standInDir(name, platforms))
  if (there.every(dir => existsSync(dir))) return there
  const scratch = await mkdtemp(join(tmpdir(), 'slipway-stand-in-'))
  const workshop: Workshop = { scratch, native: await nativePlatform(), apts: new Map() }
  try {
    const dirs: string[] = []
    for (const name of names) {
      const image: StandIn = { ...standIns[name], ...(platforms === undefined ? {} : { platforms }) }
      dirs.push(await makeOnce(standInDir(name, platforms), dir => makeLayout(image, dir, workshop, say)))
    }
    return dirs
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** What the making of several images has in common: each release and architecture of the archive is opened once. */
interface Workshop {
  readonly scratch: string
  readonly native: string
  readonly apts: Map<string, Promise<Apt>>
}

async function makeLayout(
  image: StandIn,
  dir: string,
  workshop: Workshop,
  say: (line: string) => void,
): Promise<void> {
  say(`making ${image.repository}:${image.tags[0]} of Debian packages for ${image.platforms.join(', ')}`)
  const links = image.kind === 'debian' ? {} : await appletLinks(workshop)
  const platforms = image.platforms.map(platform => (platform === 'native' ? workshop.native : platform))
  const sources: ImageSource[] = []
  for (const platform of platforms) sources.push(await makePlatform(image, platform, links, workshop))
  await writeLayout(dir, 'latest', sources)
  for (const source of sources) await Promise.all(source.layers.map(layer => rm(layer)))
}

async function nativePlatform(): Promise<string> {
  const arch = (await run(['dpkg', '--print-architecture'])).trim()
  const platform = Object.keys(debianArch).find(name => debianArch[name] === arch)
  if (platform === undefined) throw new Error(`no stand-in images for a machine of architecture ${arch}`)
  return platform
}

type Links = Readonly<Record<string, string>>

async function makePlatform(
  image: StandIn,
  platform: string,
  links: Links,
  shop: Workshop,
): Promise<ImageSource> {
  const dir = join(shop.scratch, 'tree')
  const debs = await downloadDebs(image, platform, shop)
  const tar = join(shop.scratch, `${platform.replaceAll('/', '-')}.tar`)
  await makeRootfsTar({ ...tree(image, links), debs }, dir, tar)
  await rm(dir, { recursive: true, force: true })
  return { platform: parsePlatform(platform), layers: [tar], config: image.config }
}

/** Downloads an image's packages for a platform; a file that was downloaded before is used again. */
async function downloadDebs(image: StandIn, platform: string, shop: Workshop): Promise<string[]> {
  const arch = debianArch[platform] ?? platform
  const dir = join(shop.scratch, `apt-${arch}`)
  const apt = shop.apts.get(arch) ?? openApt({ dir, suite, architectures: [arch] })
  shop.apts.set(arch, apt)
  const names = image.kind === 'busybox' ? image.packages : await (await apt).closure(image.packages)
  const files = await (await apt).download(names, join(dir, 'debs'))
  return names.map(name => files.get(name) ?? '')
}

function tree(image: StandIn, links: Links): Omit<RootfsSource, 'debs'> {
  const files = { ...accounts, ...image.files }
  if (image.kind === 'debian') {
    return {
      mergedUsr: true,
      files,
      links: { 'usr/bin/sh': 'dash', 'usr/bin/awk': 'mawk' },
      exclude: documents,
    }
  }
  if (image.kind === 'busybox') return { files, links, exclude: documents }
  const exclude = [...documents, '*_test.go', 'testdata', 'usr/share/go-*/test', 'usr/share/go-*/api']
  return { files, links, exclude }
}

/** Links for busybox's applets at their usual paths, as a busybox that runs on this machine lists them. */
async function appletLinks(shop: Workshop): Promise<Links> {
  const [deb = ''] = await downloadDebs(standIns.busybox, shop.native, shop)
  const dir = join(shop.scratch, 'applets')
  const list = await run([
    'sh',
    '-c',
    'dpkg-deb -x "$1" "$2" && "$2/bin/busybox" --list-full',
    'sh',
    deb,
    dir,
  ])
  const files = list.split('\n').filter(file => file !== '' && file !== 'bin/busybox')
  return Object.fromEntries(files.map(file => [file, '/bin/busybox']))
}

const documents = [
  'usr/share/doc/*',
  'usr/share/man/*',
  'usr/share/info/*',
  'usr/share/locale/*',
  'usr/share/lintian',
]

const accounts: Links = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/sbin/nologin\ndaemon:x:2:2:daemon:/sbin:/sbin/nologin\n' +
    'nobody:x:65534:65534:nobody:/:/sbin/nologin\n',
  'etc/group': 'root:x:0:root\nbin:x:1:root,bin,daemon\ndaemon:x:2:root,bin,daemon\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1\tlocalhost\n',
}
