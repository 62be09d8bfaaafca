import { rmdirSync, statSync, unlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkLocalDelete } from '../../build/build-entitlements.ts'
import type { BuildRequest } from '../../build/build-request.ts'
import type { InvokeConfig } from '../../build/invoke-config.ts'
import { resolveOutputs, type ResolvedOutput } from '../../build/outputs.ts'
import {
  annotated,
  type FlagForms,
  readAnnotations,
  readFlagForms,
  requestFromFlags,
} from '../../build/request-from-flags.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { tryParseBool } from '../../gostd/parse-number.ts'
import { errnoOf, goErrnoText } from '../../sys/errno-error.ts'
import { exactArgs } from '../argument-rule.ts'
import { buildDetails } from '../build-details.ts'
import {
  buildMetadata,
  callMetadata,
  checkResultFile,
  firstName,
  frontendMessage,
  imageId,
  writeWhole,
} from '../build-results.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import type { Host } from '../host.ts'
import { hostPlatform } from '../host-platform.ts'
import { progressMode } from '../open-progress.ts'
import { readSourcePolicy } from '../read-source-policy.ts'
import { type BuildFlags, declareBuildFlags } from './build-flags.ts'
import { provenanceMode } from '../provenance-metadata.ts'
import { showsResults, solveBuild } from '../solve-build.ts'
import { storeOutput } from '../store-output.ts'
import { printCallResult } from './call-result.ts'

/** `build`: an image, or files, of a Dockerfile. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  args: exactArgs(1),
  flags: declareBuildFlags,
  run: async context => await build(context),
})

const failure = 'failed to build'

/** Builds; with `debug` the build stops for the user to look at it. */
export async function build(context: CommandContext<BuildFlags>, debug?: InvokeConfig): Promise<number> {
  const { host, flags, globals, args, signal } = context
  const [path = ''] = args
  for (const line of flags.warnings) host.stderr.write(`WARNING: ${line}\n`)
  const at = { env: host.env, hostPlatform: hostPlatform() }
  // What is wrong with these is no failure of a build.
  readSourcePolicy(host)
  const forms = readFlagForms(flags, at)
  removeImageId(flags.iidFile, forms, host)
  const { progress, quiet } = flags
  progressMode({ progress, quiet }, host.env)
  const request = requestFromFlags(path, flags, at, forms)
  const outputs = resolvedOutputs(request, context)
  checkTogether(request, outputs, host.cwd)
  checkResultFile(flags.iidFile, host, 'image ID')
  checkResultFile(flags.metadataFile, host)
  const mode = flags.metadataFile === '' ? 'disabled' : provenanceMode(host.env['BUILDX_METADATA_PROVENANCE'])
  const provenance = mode === 'disabled' ? {} : { provenance: mode }
  const result = await solveBuild(request, outputs, {
    host,
    globals,
    progress,
    quiet,
    signal,
    failure,
    ...provenance,
    ...(debug === undefined ? {} : { debug }),
  })
  if (request.call !== undefined) {
    if (flags.iidFile !== '') writeWhole(flags.iidFile, '', host)
    if (flags.metadataFile !== '') writeWhole(flags.metadataFile, callMetadata(result.metadata), host)
    const code = printCallResult(host, request, result.metadata)
    host.stdout.write(frontendMessage(result.exporterResponse))
    return code
  }
  const ref = `${result.builder}/${result.node}/${result.ref}`
  const wantsWarnings = tryParseBool(host.env['BUILDX_METADATA_WARNINGS'] ?? '') === true
  const warnings = wantsWarnings ? { warnings: result.warnings ?? [] } : {}
  const answer = { ref, exporterResponse: result.exporterResponse, ...warnings }
  // Docker Desktop knows nothing of builds of the engine in here.
  if (result.driver !== 'embedded' && showsResults({ host, progress, quiet }))
    host.stderr.write(buildDetails(host, new Map([['default', ref]])))
  if (quiet || progress === 'quiet') host.stdout.write(`${imageId(result.exporterResponse)}\n`)
  if (flags.iidFile !== '') writeWhole(flags.iidFile, imageId(result.exporterResponse), host)
  if (flags.metadataFile !== '') writeWhole(flags.metadataFile, buildMetadata(answer), host)
  host.stdout.write(frontendMessage(result.exporterResponse))
  if (request.outputs.length === 0 && result.driver === 'embedded' && showsResults({ host, progress, quiet }))
    tellWhere(result.exporterResponse, context)
  signal.throwIfAborted()
  return 0
}

/** A file of an earlier build is not to be taken for that of one that fails. Throws `invalid-argument`, and why it stays. */
function removeImageId(path: string, { outputs }: FlagForms, { cwd }: Pick<Host, 'cwd'>): void {
  if (path === '') return
  if (outputs.some(output => output.type === 'local' || output.type === 'tar')) {
    throw new SlipwayError('invalid-argument', 'local and tar exporters are incompatible with image ID file')
  }
  const file = resolve(cwd, path)
  const found = statSync(file, { throwIfNoEntry: false })
  if (found !== undefined && !found.isFile() && !found.isDirectory()) return
  try {
    if (found?.isDirectory() === true) rmdirSync(file)
    else unlinkSync(file)
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return
    // Without the path of the error, which is not what the user wrote.
    const { errno, code } = e as NodeJS.ErrnoException
    const text = goErrnoText({ errno, code }, 'remove', path) ?? String(e)
    throw new SlipwayError('failed-precondition', `removing image ID file: ${text}`, { cause: e })
  }
}

/** What flags may not say together. Throws `invalid-argument`. */
function checkTogether(request: BuildRequest, outputs: readonly ResolvedOutput[], cwd: string): void {
  try {
    if (request.noCache && request.noCacheFilter.length > 0) {
      throw new SlipwayError(
        'invalid-argument',
        '--no-cache and --no-cache-filter cannot currently be used together',
      )
    }
    checkLocalDelete(outputs, request.localDelete ?? true, cwd)
  } catch (e) {
    throw wrapError(failure, e)
  }
}

function resolvedOutputs(
  request: BuildRequest,
  context: CommandContext<BuildFlags>,
): readonly ResolvedOutput[] {
  try {
    return outputsOf(request, context)
  } catch (e) {
    throw wrapError(failure, e)
  }
}

/** Outputs asked for; with none, the image stays in the local store. */
function outputsOf(
  request: BuildRequest,
  { host, flags }: CommandContext<BuildFlags>,
): readonly ResolvedOutput[] {
  if (request.outputs.length > 0) {
    const place = { cwd: host.cwd, stdoutIsTerminal: host.stdout.isTTY }
    const outputs = resolveOutputs(request.outputs, request.tags, place)
    return request.call === undefined ? outputs : []
  }
  if (request.call !== undefined) return []
  const { type, attrs: attributes } = storeOutput(request.tags)
  const annotations = readAnnotations(flags.annotation, hostPlatform())
  return [{ type, attrs: annotated({ attributes }, annotations).attributes }]
}

function tellWhere(
  response: Readonly<Record<string, string>>,
  { host, path }: CommandContext<BuildFlags>,
): void {
  const name = firstName(response)
  if (name === undefined) return
  const program = path.replace(/( debug)? [^ ]+$/, '')
  host.stderr.write(
    `\nThe image is in the local store as ${name}\n` +
      `  push it:  ${program} image push ${name}\n  save it:  ${program} image save -o FILE ${name}\n  run it:   ${program} run ${name}\n`,
  )
}
