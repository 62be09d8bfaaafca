import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { OciPlatform } from './setup/oci-layout.ts'
import { run } from './setup/run.ts'
import { bundle } from './setup/bundle.ts'
import { howToBecomeRoot, buildPrograms, installPrograms } from './setup/programs.ts'
import { makeStandIns } from './setup/make-stand-in.ts'

// `npm run demo`: an image for five platforms on a machine that has no Docker, no registry and one kind of processor.

interface Index {
  readonly mediaType?: string
  readonly manifests: readonly {
    readonly digest: string
    readonly size: number
    readonly platform?: OciPlatform
  }[]
}

const root = join(import.meta.dirname, '..')
const slipway = join(root, 'slipway')
const image = 'slipway-demo/uname'
const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7', 'linux/s390x']

const say = (line: string): void => console.log(`demo: ${line}`)

const { advice } = await installPrograms(buildPrograms, say)
if (advice !== '') stop(`something is missing: ${advice}\nThen run \`npm run demo\` again.`)
await registerEmulators()
const bundled = bundle(say).catch((error: Error) => say(`the sources are run as they are: ${error.message}`))
const [base = ''] = await makeStandIns(['busybox'], say, platforms).catch((error: Error) =>
  stop(
    `the base image is made of Debian's busybox-static packages, and they cannot be had here:\n${error.message}`,
  ),
)
await bundled

const build = ['build', '--platform', platforms.join(','), '--build-context', `busybox=oci-layout://${base}`]
await show([...build, '--tag', image, 'examples/uname'])
const shown = [showIndex(), showRuns()]
for (const text of shown) console.log(`\n${(await text).trimEnd()}`)
say(
  `that was ${platforms.length} platforms; run it again and every step is CACHED. The Dockerfile: examples/uname`,
)

/** Foreign programs run through the kernel's binfmt_misc: QEMU is registered there once, which takes root. */
async function registerEmulators(): Promise<void> {
  const needed = ['aarch64', 'arm', 's390x', 'x86_64'].filter(name => name !== hostArch())
  if (needed.every(name => existsSync(join('/proc/sys/fs/binfmt_misc', `qemu-${name}`)))) return
  const become = await howToBecomeRoot()
  if (become === undefined)
    stop('run as root, once: ./slipway binfmt --install all\nThen run `npm run demo` again.')
  await show(['binfmt', '--install', 'all'], become)
}

function hostArch(): string {
  return process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch
}

/** The index that the build made, as lines. */
async function showIndex(): Promise<string> {
  const raw = await capture(['imagetools', 'inspect', '--raw', `local://${image}`])
  const index = JSON.parse(raw) as Index
  const lines = index.manifests.map(({ digest, size, platform }) => {
    const parts = [platform?.os, platform?.architecture, platform?.variant].filter(Boolean)
    const name = platform?.os === 'unknown' ? 'provenance' : parts.join('/')
    return `  ${name.padEnd(16)} ${digest} ${size} bytes`
  })
  const digest = `sha256:${createHash('sha256').update(raw).digest('hex')}`
  return [`The index of ${image}: ${index.mediaType} ${digest}`, ...lines].join('\n')
}

/** Every platform's image says what it was built on. */
async function showRuns(): Promise<string> {
  const args = ['run', '--platform', platforms.join(','), image]
  return `$ ./slipway ${args.join(' ')}\n${await capture(args)}`
}

/** What `./slipway` prints. Ends the demo when it fails. */
async function capture(args: readonly string[]): Promise<string> {
  return await run([slipway, ...args], { cwd: root }).catch((error: Error) => stop(error.message))
}

/** Runs `./slipway` with the terminal as it is, after printing the command; ends the demo when it fails. */
async function show(args: readonly string[], before: readonly string[] = []): Promise<void> {
  console.log(`\n$ ./slipway ${args.join(' ')}`)
  const [program = '', ...rest] = [...before, slipway, ...args]
  // Slipway's own engine, also where a docker daemon answers.
  const env = { ...process.env, BUILDX_BUILDER: 'slipway' }
  const child = spawn(program, rest, { cwd: root, env, stdio: 'inherit' })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0) process.exit(code ?? 1)
}

function stop(message: string): never {
  console.error(`demo: ${message}`)
  process.exit(1)
}
