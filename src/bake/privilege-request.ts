import { cleanPath } from '../hcl/functions/text.ts'
import { compareText } from '../hcl/value/compare-text.ts'
import type { BuildContext, BuildOptions } from './build-options.ts'
import { exportPaths } from './attrs/export-plan.ts'
import { deviceName, type EntitlementGrants, noGrants } from './entitlements.ts'
import { isRemoteUrl } from './remote-url.ts'

/** How paths are looked at when privileges are checked. */
export interface PathEvaluator {
  /** The path made absolute with all symbolic links resolved, up to its nearest parent that exists; `rest` is what does not. */
  readonly evaluate: (path: string) => { readonly existing: string; readonly rest: string }
}

/** What targets need that has not been granted; the fields mean what they mean in the grants. */
export type PrivilegeRequest = EntitlementGrants

/** Compares what builds need with what is granted (the working directory has to be among the granted paths). */
export function missingPrivileges(
  builds: Iterable<BuildOptions>,
  granted: EntitlementGrants,
  paths: PathEvaluator,
): PrivilegeRequest {
  const wanted = { network: false, insecure: false, allDevices: false, ssh: false, localDelete: false }
  const [devices, read, write] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const b of builds) {
    for (const e of b.entitlements) {
      if (e === 'network.host') wanted.network = true
      else if (e === 'security.insecure') wanted.insecure = true
      else if (e === 'device' || e === 'device=') wanted.allDevices = true
      else if (e.startsWith('device=')) devices.add(deviceName(e.slice('device='.length)))
    }
    for (const path of readPaths(b)) read.add(path)
    for (const path of [...exportPaths(b.exports), ...localCaches(b, 'cacheTo', 'dest')]) write.add(path)
    wanted.ssh ||= b.ssh.some(s => s.paths.length === 0)
    wanted.localDelete ||= b.exports.some(e => e.type === 'local' && e.attributes['mode'] === 'delete')
  }
  const free = (name: string): boolean => !granted.devices.all && !granted.devices.names.includes(name)
  return {
    ...noGrants,
    networkHost: wanted.network && !granted.networkHost,
    securityInsecure: wanted.insecure && !granted.securityInsecure,
    devices: { all: wanted.allDevices && !granted.devices.all, names: [...devices].filter(free) },
    ssh: wanted.ssh && !granted.ssh,
    localDelete: wanted.localDelete && !granted.localDelete,
    read: missingPaths(granted.read, read, paths),
    write: missingPaths(granted.write, write, paths),
  }
}

function readPaths(b: BuildOptions): string[] {
  const contexts = [b.context, ...b.contexts.values()].flatMap(localPath)
  const dockerfile =
    b.context.folderOfRemote === undefined && !isRemoteUrl(b.dockerfile) ? [b.dockerfile] : []
  const secrets = b.secrets.flatMap(s => s.source ?? [])
  return [
    ...contexts,
    ...dockerfile,
    ...localCaches(b, 'cacheFrom', 'src'),
    ...secrets,
    ...b.ssh.flatMap(s => s.paths),
  ]
}

function localPath({ path, folderOfRemote }: BuildContext): string[] {
  const isPath =
    folderOfRemote === undefined && !isRemoteUrl(path) && !/^(?:target|docker-image|input):/.test(path)
  // As in the real tool, the URL of a layout counts as a relative path: none is asked for.
  return isPath ? [path.replace(/^cwd:\/\//, '')] : []
}

function localCaches(b: BuildOptions, field: 'cacheFrom' | 'cacheTo', key: string): string[] {
  return b[field].flatMap(c => (c.type === 'local' ? (c.attributes[key] ?? []) : []))
}

/** The paths that lie in none of the granted folders, nested ones left out. */
function missingPaths(
  granted: readonly string[],
  wanted: ReadonlySet<string>,
  { evaluate }: PathEvaluator,
): string[] {
  if (granted.includes('*')) return []
  const allowed = granted.map(path => {
    const { existing, rest } = evaluate(path)
    return rest === '' ? existing : cleanPath(`${existing}/${rest}`)
  })
  const found = [...new Set([...wanted].map(path => cleanPath(evaluate(path).existing)))].sort(
    (a, b) => a.length - b.length,
  )
  const outer: string[] = []
  for (const path of found) if (!outer.some(o => path.startsWith(`${o}/`))) outer.push(path)
  return outer.filter(path => !allowed.some(parent => isInside(path, parent))).sort(compareText)
}

function isInside(path: string, parent: string): boolean {
  return path === parent || parent === '/' || path.startsWith(`${parent}/`)
}
