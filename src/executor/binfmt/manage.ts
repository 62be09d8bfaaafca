import { compileFilepathMatch } from '../../gostd/filepath-match.ts'
import { asSlipwayError, isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { emulatedArchitectures, findArchitecture } from './architectures.ts'
import { type createFactsReader, supportedPlatforms } from './platforms.ts'
import { type BinarySearch, findQemu, qemuVersion, understandsArgv0 } from './qemu-binary.ts'
import {
  ensureMounted,
  handlerNames,
  register,
  registrationRule,
  touchMount,
  unregister,
} from './registration.ts'
import { statusJson } from './status.ts'

/** What to do with the machine's handlers. */
export interface ManageOptions {
  /** `all`, or names of architectures or platforms. */
  readonly install: readonly string[]
  /** Names of handlers, what follows the dash in them, platforms, or patterns. */
  readonly uninstall: readonly string[]
  readonly mount: string
  readonly native: Platform
  readonly search: BinarySearch
  /** Flag P: `auto` where the emulator understands it. */
  readonly preserveArgv0: boolean | 'auto'
  readonly facts: ReturnType<typeof createFactsReader>
  /** Receives a line of the log. */
  readonly log: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Removes and adds handlers, one log line each, and answers the status as JSON. What fails is logged and does not stop
 * the rest; missing rights throw `permission-denied`. The handlers' file system is mounted meanwhile where it is not.
 * Source: https://github.com/tonistiigi/binfmt/blob/deploy/v10.0.4-56/cmd/binfmt/main.go
 */
export async function manageHandlers(options: ManageOptions): Promise<string> {
  const { mount, log } = options
  const changes = options.install.length + options.uninstall.length > 0
  using _mounted = changes ? ensureMounted(mount) : mountIfAllowed(mount, log)
  const denied: SlipwayError[] = []
  const attempt = async (title: string, work: () => Promise<void> | void): Promise<void> => {
    try {
      await work()
      log(`${title} OK`)
    } catch (error) {
      const failure = asSlipwayError(error)
      if (failure.code === 'canceled') throw failure
      if (failure.code === 'permission-denied') denied.push(failure)
      log(`${title} ${failure.message}${failure.hint === undefined ? '' : ` (${failure.hint})`}`)
    }
  }
  for (const name of namesToRemove(options))
    await attempt(`uninstalling: ${name}`, () => unregister(mount, name))
  if (options.install.length > 0) touchMount(mount)
  for (const arch of await architecturesToAdd(options)) {
    await attempt(`installing: ${arch}`, () => install(arch, options))
  }
  if (denied[0] !== undefined) {
    throw new SlipwayError('permission-denied', denied[0].message, {
      hint: 'run it as root (sudo slipway binfmt …)',
    })
  }
  const facts = options.facts()
  return statusJson(supportedPlatforms(facts), facts.handlers)
}

/** Looking needs no rights: what is not mounted and cannot be mounted has no handlers. */
function mountIfAllowed(mount: string, log: (line: string) => void): Disposable {
  try {
    return ensureMounted(mount)
  } catch (error) {
    if (!isSlipwayError(error)) throw error
    log(error.message)
    return { [Symbol.dispose]: () => {} }
  }
}

async function install(arch: string, options: ManageOptions): Promise<void> {
  const architecture = findArchitecture(arch)
  if (architecture === undefined) {
    throw new SlipwayError('invalid-argument', `unsupported architecture: ${arch}`)
  }
  const path = await findQemu(architecture, options.search, options.signal)
  if (path === undefined) {
    throw new SlipwayError('not-found', `no static ${architecture.binary} found`, {
      hint: 'apt-get install qemu-user-static',
    })
  }
  const preserveArgv0 =
    options.preserveArgv0 === 'auto'
      ? understandsArgv0(await qemuVersion(path, options.signal))
      : options.preserveArgv0
  const name = (options.search.prefix ?? '') + architecture.binary
  register(options.mount, registrationRule(architecture, path, { name, preserveArgv0 }), path, name)
}

/** `all` means every known architecture that has an emulator and is not supported already. */
async function architecturesToAdd(options: ManageOptions): Promise<readonly string[]> {
  if (options.install.length !== 1 || options.install[0] !== 'all') {
    return options.install.map(name => platformOf(name, options.native)?.architecture ?? name)
  }
  const supported = new Set(supportedPlatforms(options.facts()).map(platform => platform.architecture))
  const found: string[] = []
  for (const architecture of emulatedArchitectures) {
    if (supported.has(architecture.arch)) continue
    if ((await findQemu(architecture, options.search, options.signal)) !== undefined)
      found.push(architecture.arch)
  }
  return found
}

function namesToRemove(options: ManageOptions): readonly string[] {
  return options.uninstall.flatMap(given => {
    const architecture = findArchitecture(platformOf(given, options.native)?.architecture ?? '')
    const pattern = architecture?.binary.replace(/^qemu-/, '') ?? given
    const matches = matchNames(pattern, handlerNames(options.mount))
    return matches.length > 0 ? matches : [pattern]
  })
}

function matchNames(pattern: string, names: readonly string[]): readonly string[] {
  try {
    return names.filter(compileFilepathMatch(pattern))
  } catch {
    return []
  }
}

function platformOf(text: string, native: Platform): Platform | undefined {
  try {
    return parsePlatform(text, native)
  } catch {
    return undefined
  }
}
