import { asSlipwayError, SlipwayError } from '../../src/errors/slipway-error.ts'
import { goJson } from '../../src/gostd/json.ts'
import { headOf } from '../../src/llb/head.ts'
import { marshal } from '../../src/llb/marshal.ts'
import { local } from '../../src/llb/source.ts'
import { formatPlatformAll, normalizePlatform, parsePlatform, type Platform } from '../../src/oci/platform.ts'
import { buildRecipe } from './build.ts'
import { Gateway } from './gateway.ts'
import { atLine, parseRecipe, type Recipe } from './recipe.ts'

// A frontend: BuildKit (or Slipway) starts it in a container of its own for `# syntax=`, and it turns a file of its own
// format into the steps of a build.

const gateway = new Gateway(process.env, process.stdin, process.stdout)
try {
  await gateway.return(await frontend())
} catch (e) {
  await gateway.return(asSlipwayError(e))
  process.exitCode = 1
} finally {
  await gateway[Symbol.asyncDispose]()
}
process.exit()

async function frontend(): Promise<Parameters<Gateway['return']>[0]> {
  const { options } = gateway
  if (options['requestid'] !== undefined) {
    throw new SlipwayError('unimplemented', `recipes answer no ${options['requestid']}`)
  }
  const native = await gateway.platform()
  const recipe = await readRecipe(options['filename'] ?? 'Dockerfile', native)
  const wanted = (options['platform'] ?? '').split(',').filter(one => one !== '')
  const platforms =
    wanted.length === 0 ? [native] : wanted.map(one => normalizePlatform(parsePlatform(one, native)))
  const built = await Promise.all(
    platforms.map(async platform => ({
      id: formatPlatformAll(platform),
      platform,
      ...(await buildRecipe(recipe, platform, gateway)),
    })),
  )
  const list = built.map(({ id: ID, platform: Platform }) => ({ ID, Platform: { ...Platform } }))
  const metadata: Record<string, Uint8Array> = { 'refs.platforms': Buffer.from(goJson({ Platforms: list })) }
  const [only] = built
  if (only !== undefined && built.length === 1) {
    metadata['containerimage.config'] = only.config
    return { metadata, result: { case: 'ref', value: { id: only.ref } } }
  }
  for (const { id, config } of built) metadata[`containerimage.config/${id}`] = config
  const refs = Object.fromEntries(built.map(({ id, ref }) => [id, { id: ref }]))
  return { metadata, result: { case: 'refs', value: { refs } } }
}

/** Loads the recipe from the client, and says what is worth saying of it. */
async function readRecipe(filename: string, platform: Platform): Promise<Recipe> {
  const source = local('dockerfile', {
    follow: [filename],
    sharedKeyHint: 'dockerfile',
    name: `[recipe] load ${filename}`,
  })
  const definition = marshal(source.output, { platform, localUniqueId: gateway.buildId })
  const recipe = parseRecipe(filename, await gateway.readFile(await gateway.solve(definition), filename))
  for (const { line, text } of recipe.remarks) {
    const [at] = atLine(filename, recipe.data, line, text).sources
    if (at !== undefined) await gateway.warn(headOf(definition), text, at)
  }
  return recipe
}
