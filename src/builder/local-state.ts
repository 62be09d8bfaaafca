import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson } from '../gostd/json.ts'
import { parseJson, readObject, readText, readTexts } from '../oci/json-reader.ts'
import { isBuilderName } from './builder-name.ts'
import type { ConfigDir } from './config-dir.ts'

/** What this machine remembers of one build. */
export interface BuildState {
  /** Target that was asked for; `default` where there is only one. */
  readonly target: string
  /** Absolute path of the context, or its URL. */
  readonly localPath: string
  /** Absolute path of the Dockerfile; relative in a remote context. */
  readonly dockerfilePath: string
  /** Reference of the group of builds that this one is of. */
  readonly groupRef?: string
}

/** Whose builds are meant. */
export interface RefPlace {
  readonly builder: string
  readonly node: string
  readonly ref: string
}

const groups = '__group__'

/**
 * Notes a build: `refs/BUILDER/NODE/REF`.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/localstate/localstate.go
 */
export function saveBuildState(dir: ConfigDir, place: RefPlace, state: BuildState): void {
  const file = refFile(place)
  dir.write(
    file,
    goJson({
      Target: state.target,
      LocalPath: state.localPath,
      DockerfilePath: state.dockerfilePath,
      GroupRef: state.groupRef,
    }),
    0o644,
    // One for each target of a bake, for information only: none is worth a wait for the disk.
    false,
  )
  if (dir.read(join('refs', 'version')) === undefined) dir.write(join('refs', 'version'), '2')
}

/** What was noted of a build; undefined where nothing was. */
export function readBuildState(dir: ConfigDir, place: RefPlace): BuildState | undefined {
  const file = refFile(place)
  const bytes = dir.read(file)
  if (bytes === undefined) return undefined
  const what = join(dir.path, file)
  const object = readObject(parseJson(bytes, what), what)
  const groupRef = readText(object, 'GroupRef', what)
  return {
    target: readText(object, 'Target', what) ?? '',
    localPath: readText(object, 'LocalPath', what) ?? '',
    dockerfilePath: readText(object, 'DockerfilePath', what) ?? '',
    ...(groupRef === undefined ? {} : { groupRef }),
  }
}

/** Forgets one build. */
export function removeBuildState(dir: ConfigDir, place: RefPlace): void {
  dir.remove(refFile(place))
}

/** Notes which builds belong together. */
export function saveBuildGroup(
  dir: ConfigDir,
  id: string,
  group: { readonly targets: readonly string[]; readonly refs: readonly string[] },
): void {
  dir.write(
    join('refs', groups, checkPart(id)),
    goJson({ Targets: group.targets.length === 0 ? undefined : group.targets, Refs: group.refs }),
  )
}

/** Which builds belong together, as it was noted; undefined where nothing was. */
export function readBuildGroup(
  dir: ConfigDir,
  id: string,
): { readonly targets: readonly string[]; readonly refs: readonly string[] } | undefined {
  const file = join('refs', groups, checkPart(id))
  const bytes = dir.read(file)
  if (bytes === undefined) return undefined
  const what = join(dir.path, file)
  const object = readObject(parseJson(bytes, what), what)
  return {
    targets: readTexts(object, 'Targets', what) ?? [],
    refs: readTexts(object, 'Refs', what) ?? [],
  }
}

/** Forgets what was noted of a builder's builds, or of one node's, and the groups that are wholly among them. */
export function removeBuilderRefs(dir: ConfigDir, builder: string, onlyNode?: string): void {
  const base = join('refs', checkPart(builder))
  const nodes = onlyNode === undefined ? names(join(dir.path, base)) : [checkPart(onlyNode)]
  for (const node of nodes) {
    const found = new Map<string, string[]>()
    for (const ref of names(join(dir.path, base, node))) {
      const state = tryRead(dir, { builder, node, ref })
      if (state?.groupRef === undefined) continue
      found.set(state.groupRef, [...(found.get(state.groupRef) ?? []), `${builder}/${node}/${ref}`])
    }
    for (const [group, refs] of found) removeGroupIfWhole(dir, group, refs)
    dir.remove(join(base, node))
  }
  if (onlyNode === undefined) dir.remove(base)
}

function removeGroupIfWhole(dir: ConfigDir, id: string, refs: readonly string[]): void {
  if (!isPart(id)) return
  const file = join('refs', groups, id)
  const bytes = dir.read(file)
  if (bytes === undefined) return
  const all = readTexts(readObject(parseJson(bytes, file), file), 'Refs', file) ?? []
  if (all.length === refs.length) dir.remove(file)
}

function tryRead(dir: ConfigDir, place: RefPlace): BuildState | undefined {
  try {
    return readBuildState(dir, place)
  } catch {
    return undefined
  }
}

function refFile({ builder, node, ref }: RefPlace): string {
  return join('refs', checkPart(builder), checkPart(node), checkPart(ref))
}

const isPart = (text: string): boolean => isBuilderName(text) || /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text)

function checkPart(text: string): string {
  if (isPart(text)) return text
  throw new SlipwayError('invalid-argument', `invalid build reference part ${JSON.stringify(text)}`)
}

function names(path: string): string[] {
  try {
    return readdirSync(path).filter(isPart)
  } catch {
    return []
  }
}
