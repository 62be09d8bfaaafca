import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

// `npm run build`: dist/ with everything bundled in lazy chunks, so that a command loads only what it uses. All files lie flat
// in one folder: whichever chunk a module lands in, its workers are beside it.

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')
const workerUrl = /new URL\('(\.{1,2}\/[^']+)\.ts', import\.meta\.url\)/g

/** Threads are started from files of their own: name of the output by path of the source without suffix. */
const workers = new Map<string, string>()
for (const file of globSync('**/*.ts', { cwd: src, exclude: path => path.endsWith('.test.ts') })) {
  for (const [, target = ''] of readFileSync(join(src, file), 'utf8').matchAll(workerUrl)) {
    const path = resolve(src, dirname(file), target)
    workers.set(path, relative(src, path).replaceAll('/', '-'))
  }
}

const workerFiles: Plugin = {
  name: 'worker-files',
  setup(bundle) {
    bundle.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const code = readFileSync(path, 'utf8')
      if (code.search(workerUrl) === -1) return undefined
      const contents = code.replaceAll(workerUrl, (_, target: string) => {
        return `new URL('./${workers.get(resolve(dirname(path), target))}.js', import.meta.url)`
      })
      return { contents, loader: 'ts' }
    })
  },
}

const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
const result = await build({
  entryPoints: {
    main: join(src, 'cli', 'main.ts'),
    ...Object.fromEntries([...workers].map(([path, name]) => [name, `${path}.ts`])),
  },
  outdir: dist,
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: ['koffi'],
  define: { SLIPWAY_REVISION: JSON.stringify(revision()) },
  // CommonJS packages in the bundle ask for Node's own modules by require.
  banner: {
    js: "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);",
  },
  plugins: [workerFiles],
  metafile: true,
  logLevel: 'warning',
})
const sizes = Object.values(result.metafile.outputs).map(({ bytes }) => bytes)
const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
console.log(`dist: ${sizes.length} files, ${Math.round(total / 1024)} KiB`)

/** The commit that is bundled, for `slipway version`. */
function revision(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown'
  }
}
