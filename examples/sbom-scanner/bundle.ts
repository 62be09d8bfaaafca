import { join, resolve } from 'node:path'
import { build } from 'esbuild'

// The scanner with everything it needs as one file: `sh scripts/node.sh examples/sbom-scanner/bundle.ts [DIRECTORY]`.

await build({
  entryPoints: { scanner: join(import.meta.dirname, 'main.ts') },
  outdir: resolve(process.argv[2] ?? import.meta.dirname),
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  legalComments: 'none',
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: {
    js: "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);",
  },
  logLevel: 'warning',
})
