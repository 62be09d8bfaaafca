import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { FlagSet } from '../../gostd/pflag/flag-set.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { checkRequest, type CreatePlan, createMetadata, planCreate } from '../../imagetools/create.ts'
import type { ImageTools } from '../../imagetools/image-tools.ts'
import { publish } from '../../imagetools/publish.ts'
import { errnoOf } from '../../sys/errno-error.ts'
import { anyArgs } from '../argument-rule.ts'
import { writeWhole } from '../build-results.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, defineCommand } from '../command.ts'
import type { Host } from '../host.ts'
import { openImageTools } from '../open-image-tools.ts'
import { openProgress } from '../open-progress.ts'
import { publishProgress } from '../publish-progress.ts'

/** `imagetools create`: one image of several, or a copy of one, without pulling it. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [SOURCE...]',
  args: anyArgs,
  flags: declareFlags,
  async run({ host, args, flags, globals, signal }) {
    const { file, tag, annotation, platform, dryRun, append, preferIndex, metadataFile } = flags
    checkRequest({ sources: args, files: file, tags: tag, dryRun }) // before any file is read
    await using builderHost = openBuilderHost(host, globals)
    const builder = { host: builderHost, name: globals.builder }
    await using tools = await openImageTools(host, { names: [...tag, ...args], builder, signal })
    const request = {
      sources: args,
      files: await Promise.all(file.map(path => readDescriptor(path, host))),
      tags: tag,
      append,
      annotations: annotation,
      preferIndex,
      platforms: platform,
      dryRun,
    }
    const plan = await planCreate(request, tools)
    for (const line of plan.warnings) host.stderr.write(`WARNING: ${line}\n`)
    if (dryRun) {
      host.stdout.write(plan.bytes)
      host.stdout.write('\n')
      return
    }
    await put(plan, tools, host, flags.progress)
    if (metadataFile !== '') writeWhole(metadataFile, createMetadata(plan), host)
  },
})

function declareFlags(set: FlagSet) {
  const flags = {
    annotation: set.stringArray('annotation', { usage: 'Add an annotation to the image' }),
    append: set.bool('append', { usage: 'Add to what the first tag names now' }),
    dryRun: set.bool('dry-run', { usage: 'Show the image instead of pushing it' }),
    file: set.stringArray('file', { shorthand: 'f', usage: 'Read a source descriptor from this file' }),
    metadataFile: set.string('metadata-file', { usage: 'Write metadata of the result to this file' }),
    platform: set.stringArray('platform', { shorthand: 'p', usage: 'Keep only these platforms' }),
    preferIndex: set.bool('prefer-index', {
      usage: 'Make an index of a single source too, instead of copying it as it is',
      initial: true,
    }),
    progress: set.string('progress', {
      usage: 'How to show progress ("auto", "none", "plain", "rawjson", "tty")',
      initial: 'auto',
    }),
    tag: set.stringArray('tag', { shorthand: 't', usage: 'Name of the new image' }),
  }
  return () => flagValues(flags)
}

async function readDescriptor(path: string, host: Host): Promise<string> {
  try {
    return await readFile(resolve(host.cwd, path), 'utf8')
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new SlipwayError('not-found', `open ${path}: no such file or directory`, { cause: error })
  }
}

async function put(plan: CreatePlan, tools: ImageTools, host: Host, mode: string): Promise<void> {
  const progress = await openProgress(host, { progress: mode, phase: 'Pushing' })
  try {
    await publish(
      plan,
      tools,
      publishProgress(progress.write, () => host.now()),
    )
  } finally {
    await progress[Symbol.asyncDispose]()
  }
}
