import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { build, type BuildOptions, type Plugin } from 'esbuild'
import { pluginMetadata } from '../src/cli/plugin-metadata.ts'

// `npm run build`: dist/ with everything bundled. One file holds all of our code, in pieces that run when they are first
// imported: reading and caching one file takes less time at start than finding a hundred. What few commands need is in
// files of its own. All lie flat in one folder, so that workers are beside what starts them. The folder is made beside
// the one that is there and takes its place when it is whole; its `.built` is as old as what went into it, which tells
// `./slipway` whether the sources have changed since.

const begun = new Date()
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

/** The first file turns the compile cache on, so what is to be cached is another one. */
const entry: Plugin = {
  name: 'entry',
  setup(bundle) {
    bundle.onResolve({ filter: /^\.\/run-main\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './run-main.js', external: true } : undefined,
    )
  },
}

/** What takes long to load and is seldom needed: not with the module that imports it, but on the first use of a name. */
const lateBuiltins = ['http', 'http2', 'https', 'tls']
const latePackages = ['@kubernetes/client-node']
const lateModules: Plugin = {
  name: 'late-modules',
  setup(bundle) {
    bundle.onResolve({ filter: new RegExp(`^(node:)?(${lateBuiltins.join('|')})$`) }, ({ path }) => {
      return { path: path.replace('node:', ''), namespace: 'late-builtin' }
    })
    bundle.onLoad({ filter: /.*/, namespace: 'late-builtin' }, ({ path }) => {
      const names = JSON.stringify(Object.keys(createRequire(import.meta.url)(path) as object))
      const property = `{ enumerable: true, get: () => process.getBuiltinModule('${path}')[name] }`
      return { contents: `for (const name of ${names}) Object.defineProperty(exports, name, ${property})` }
    })
    bundle.onResolve({ filter: new RegExp(`^(${latePackages.join('|')})$`) }, ({ path }) => {
      return { path, namespace: 'late-package' }
    })
    bundle.onLoad({ filter: /.*/, namespace: 'late-package' }, ({ path }) => {
      return { contents: `module.exports = require('./${lateFile(path)}.cjs')` }
    })
    bundle.onResolve({ filter: /.*/, namespace: 'late-package' }, ({ path }) => ({ path, external: true }))
  },
}

const dist = join(root, `dist.${process.pid}`)
const common: BuildOptions = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  minify: true,
  legalComments: 'none',
  platform: 'node',
  target: 'node24',
  metafile: true,
  logLevel: 'warning',
}
const results = [
  await build({
    ...common,
    entryPoints: {
      main: join(src, 'cli', 'main.ts'),
      'run-main': join(src, 'cli', 'run-main.ts'),
      ...Object.fromEntries([...workers].map(([path, name]) => [name, `${path}.ts`])),
    },
    format: 'esm',
    external: ['koffi'],
    define: { SLIPWAY_REVISION: JSON.stringify(revision()) },
    // CommonJS packages in the bundle ask for Node's own modules by require.
    banner: {
      js: "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);",
    },
    plugins: [entry, workerFiles, lateModules],
  }),
  await build({
    ...common,
    entryPoints: Object.fromEntries(latePackages.map(name => [lateFile(name), name])),
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  }),
]
writeFileSync(join(dist, 'plugin-metadata.json'), pluginMetadata())
writeFileSync(join(dist, '.built'), '')
utimesSync(join(dist, '.built'), begun, begun)
const place = join(root, 'dist')
const old = `${dist}.old`
if (existsSync(place)) renameSync(place, old)
renameSync(dist, place)
rmSync(old, { recursive: true, force: true })
const sizes = results.flatMap(({ metafile }) =>
  Object.values(metafile?.outputs ?? {}).map(({ bytes }) => bytes),
)
const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
console.log(`dist: ${sizes.length} files, ${Math.round(total / 1024)} KiB`)

/** Name of the file of a package that comes late. */
function lateFile(name: string): string {
  return name.replaceAll(/\W+/g, '-').replace(/^-/, '')
}

/** The commit that is bundled, for `slipway version`. */
function revision(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown'
  }
}
