import { readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { scanPackages } from '../../src/frontend/scan/scan-packages.ts'
import { spdxDocument, spdxStatement } from '../../src/frontend/scan/spdx-document.ts'
import { directoryTree } from './directory-tree.ts'

// A scanner for `--attest type=sbom,generator=IMAGE`: BuildKit (or Slipway) shows it the result of a build, and it writes a
// bill of materials. Protocol: https://github.com/moby/buildkit/blob/v0.32.2/docs/attestations/sbom-protocol.md

const { BUILDKIT_SCAN_DESTINATION: destination, BUILDKIT_SCAN_SOURCE: source } = process.env
if (!destination || !source) {
  console.error(
    'BUILDKIT_SCAN_DESTINATION and BUILDKIT_SCAN_SOURCE must be set: this is a scanner for BuildKit',
  )
  process.exit(1)
}
const epoch = Number(process.env['BUILDKIT_SCAN_SOURCE_DATE_EPOCH'] ?? process.env['SOURCE_DATE_EPOCH'] ?? 0)
const created = new Date(epoch * 1000).toISOString().replace('.000Z', 'Z')

for (const directory of [source, ...extras(process.env['BUILDKIT_SCAN_SOURCE_EXTRAS'])]) {
  const name = basename(directory)
  const packages = scanPackages(directoryTree(directory))
  const document = spdxDocument(packages, { name, created, tool: 'slipway-sbom-scanner-1' })
  writeFileSync(join(destination, `${name}.spdx.json`), spdxStatement(document))
  console.log(`${name}: ${packages.length} packages`)
}

/** Further trees, a directory each; none where the place of them is not there. */
function extras(place: string | undefined): string[] {
  if (!place) return []
  try {
    return readdirSync(place)
      .sort()
      .map(name => join(place, name))
  } catch {
    return []
  }
}
