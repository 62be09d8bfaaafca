import type { BuildOptions } from '../bake/build-options.ts'
import { type CallFunction, parseCallFunction } from '../bake/attrs/call-function.ts'
import type { ExportEntry } from '../bake/attrs/export-entry.ts'
import { writeUlimit } from '../gostd/ulimit.ts'
import type { RequestedAnnotation } from '../oci/annotation-flag.ts'
import type { BuildRequest } from './build-request.ts'
import { annotated, attestsOf, checkedTags, checkNetwork, type RequestHost } from './request-from-flags.ts'
import { resourceAttributes } from './resource-attributes.ts'

/** The request that a target of a bake file makes. Throws `invalid-argument` in buildx's words. */
export function requestFromTarget(options: BuildOptions, host: RequestHost): BuildRequest {
  const { context, dockerfile, dockerfileInline, target, network, shmSize } = options
  const call = parseCallFunction(options.call ?? '')
  return {
    context: context.path,
    dockerfile,
    ...(dockerfileInline === undefined ? {} : { dockerfileInline }),
    contexts: Object.fromEntries([...options.contexts].map(([name, { path }]) => [name, path])),
    platforms: options.platforms,
    tags: checkedTags(options.tags),
    buildArgs: Object.fromEntries(options.args),
    labels: Object.fromEntries(options.labels),
    ...(target === undefined || target === '' ? {} : { target }),
    noCache: options.noCache,
    noCacheFilter: options.noCacheFilter,
    pull: options.pull,
    outputs: options.exports.map(one => exportEntry(one, options.annotations)),
    cacheFrom: options.cacheFrom,
    cacheTo: options.cacheTo,
    secrets: options.secrets,
    ssh: options.ssh,
    attests: attestsOf(options.attests, host.env),
    allow: options.entitlements,
    network: checkNetwork(network),
    extraHosts: options.extraHosts,
    ...(shmSize > 0 ? { shmSize } : {}),
    ulimits: options.ulimits.map(writeUlimit),
    resources: resourceAttributes(options.resources),
    ...(call === undefined ? {} : { call: callText(call) }),
  }
}

/** The frontend request behind a call, with its options, as requests hold it. */
export function callText({ name, format, ignoreStatus }: CallFunction): string {
  const options = [
    ...(format === '' ? [] : [`format=${format}`]),
    ...(ignoreStatus ? ['ignorestatus=true'] : []),
  ]
  return [`frontend.${name}`, ...options].join(',')
}

function exportEntry(
  planned: BuildOptions['exports'][number],
  annotations: readonly RequestedAnnotation[],
): ExportEntry {
  const { type, attributes, directory, file } = planned
  const destination = directory ?? file
  return annotated({ type, attributes, ...(destination === undefined ? {} : { destination }) }, annotations)
}
