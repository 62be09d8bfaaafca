import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compareNames } from '../../bytes/path-string.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { type CdiDevice, type CdiSpec, readCdiSpec } from './cdi-spec.ts'

/** Directories of specifications; of two devices with one name the one in the later directory counts. */
export const defaultCdiDirectories: readonly string[] = ['/etc/cdi', '/var/run/cdi', '/etc/buildkit/cdi']

const classAnnotation = 'org.mobyproject.buildkit.device.class'
const autoAllowAnnotation = 'org.mobyproject.buildkit.device.autoallow'

/** Where devices are described, and which a build may use without being allowed to. */
export interface CdiOptions {
  readonly directories: readonly string[]
  /** Names or kinds. */
  readonly autoAllowed: readonly string[]
  /** Reads the text of a YAML file, at once or later; without it only JSON files are read. */
  readonly parseYaml?: (text: string) => unknown
}

/** A device as a worker lists it. */
export interface ListedDevice {
  /** `vendor.com/class=name` */
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  /** A build may use it without an entitlement. */
  readonly autoAllow: boolean
}

/** A device with the file it comes from. */
export interface RegisteredDevice {
  readonly spec: CdiSpec
  readonly device: CdiDevice
}

/** The devices of the machine, read afresh by each call of `loadCdi`. */
export interface CdiRegistry {
  list(): readonly ListedDevice[]
  get(name: string): RegisteredDevice | undefined
  /**
   * Names of the devices that requests mean: `kind=name`, `kind` (its first), `kind=*` (all), or a class that devices
   * carry as an annotation. Throws `not-found` where a required one is not registered.
   */
  find(requests: readonly { readonly name: string; readonly optional: boolean }[]): readonly string[]
}

/** Reads all specification files; broken ones are left out. Source: BuildKit v0.32.2 solver/llbsolver/cdidevices. */
export async function loadCdi(options: CdiOptions): Promise<CdiRegistry> {
  const devices = new Map<string, RegisteredDevice>()
  for (const directory of options.directories) {
    for (const spec of await readDirectory(directory, options.parseYaml)) {
      for (const device of spec.devices) devices.set(`${spec.kind}=${device.name}`, { spec, device })
    }
  }
  const names = [...devices.keys()].sort(compareNames)
  const annotationsOf = (name: string): Record<string, string> => ({
    ...devices.get(name)?.spec.annotations,
    ...devices.get(name)?.device.annotations,
  })
  return {
    get: name => devices.get(name),
    list: () =>
      names.map(name => {
        const annotations = annotationsOf(name)
        return { name, annotations, autoAllow: isAutoAllowed(name, annotations, options.autoAllowed) }
      }),
    find: requests => {
      const found = requests.flatMap(({ name, optional }) => {
        const byName = matchName(name, names)
        const byClass = names.filter(device => annotationsOf(device)[classAnnotation] === name)
        const all = byName.length > 0 ? byName : byClass
        if (all.length > 0 || optional) return all
        throw new SlipwayError('not-found', `required device "${name}" is not registered`, {
          hint: `describe it in a file in ${options.directories.join(' or ')}`,
        })
      })
      return [...new Set(found)]
    },
  }
}

function matchName(request: string, names: readonly string[]): readonly string[] {
  const [kind = '', name = ''] = request.split(/=(.*)/s)
  if (!kind.includes('/')) return []
  const ofKind = names.filter(device => device.startsWith(`${kind}=`))
  if (name === '*') return ofKind
  return name === '' ? ofKind.slice(0, 1) : ofKind.filter(device => device === request)
}

function isAutoAllowed(
  name: string,
  annotations: Readonly<Record<string, string>>,
  allowed: readonly string[],
): boolean {
  const kind = name.split('=')[0] as string
  if (allowed.includes(name) || allowed.includes(kind)) return true
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(annotations[autoAllowAnnotation] ?? '')
}

async function readDirectory(directory: string, parseYaml: CdiOptions['parseYaml']): Promise<CdiSpec[]> {
  const names = await readdir(directory).catch(() => [])
  const specs: CdiSpec[] = []
  for (const name of names.sort(compareNames)) {
    const parse = name.endsWith('.json') ? JSON.parse : name.endsWith('.yaml') ? parseYaml : undefined
    if (parse === undefined) continue
    try {
      specs.push(readCdiSpec(await parse(await readFile(join(directory, name), 'utf8'))))
    } catch {
      // One broken file must not take the other devices away; a build that wants its devices is told they are missing.
    }
  }
  return specs
}
