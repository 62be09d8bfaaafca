import { type Distribution, distroQualifier } from './os-release.ts'
import { type Package, packageUrl } from './package.ts'
import { readText, type ScannedTree } from './scanned-tree.ts'

/** Where apk keeps what it installed; the second one since apk-tools 3. */
const databases = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed']

/** Packages that apk has installed. Format: https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2 */
export function apkPackages(tree: ScannedTree, distribution: Distribution): Package[] {
  for (const source of databases) {
    const text = readText(tree, source)
    // On merged trees both names lead to one file.
    if (text !== '') return text.split('\n\n').flatMap(block => packageOf(block, distribution, source))
  }
  return []
}

function packageOf(block: string, distribution: Distribution, source: string): Package[] {
  // Lines of files (F, R, a, Z…) come after those of the package and are not looked at.
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const key = line.slice(0, line.indexOf(':'))
    if (key.length === 1 && !fields.has(key)) fields.set(key, line.slice(2))
  }
  const [name, version] = [fields.get('P') ?? '', fields.get('V') ?? '']
  if (name === '' || version === '') return []
  const maintainer = fields.get('m') ?? ''
  const purl = packageUrl({
    type: 'apk',
    namespace: distribution.id || 'alpine',
    name,
    version,
    qualifiers: { arch: fields.get('A') ?? '', distro: distroQualifier(distribution) },
  })
  const supplier = maintainer === '' ? '' : `Person: ${maintainer.replace(/\s*<(.*)>$/, ' ($1)')}`
  return [{ type: 'apk', name, version, purl, license: fields.get('L') ?? '', supplier, source }]
}
