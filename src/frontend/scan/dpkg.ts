import { type Distribution, distroQualifier } from './os-release.ts'
import { type Package, packageUrl } from './package.ts'
import { readText, type ScannedTree } from './scanned-tree.ts'

const statusFile = '/var/lib/dpkg/status'
const statusDirectory = '/var/lib/dpkg/status.d'

/**
 * Packages that dpkg knows as installed: those of its status file, and of the directory that images without dpkg itself
 * use (a file for each package). Format: https://manpages.debian.org/bookworm/dpkg-dev/deb-control.5.en.html
 */
export function dpkgPackages(tree: ScannedTree, distribution: Distribution): Package[] {
  const files = tree
    .entries(statusDirectory)
    .filter(entry => entry.kind === 'file' && !entry.name.endsWith('.md5sums'))
    .map(entry => `${statusDirectory}/${entry.name}`)
  return [statusFile, ...files].flatMap(path =>
    stanzas(readText(tree, path)).flatMap(fields => {
      const found = packageOf(fields, distribution, path)
      return found === undefined ? [] : [found]
    }),
  )
}

function packageOf(
  fields: ReadonlyMap<string, string>,
  distribution: Distribution,
  source: string,
): Package | undefined {
  const [name, version] = [fields.get('package') ?? '', fields.get('version') ?? '']
  // A package that was removed keeps its stanza for its configuration; files of the directory have no status at all.
  const status = fields.get('status') ?? 'install ok installed'
  if (name === '' || !status.endsWith(' installed')) return undefined
  const maintainer = fields.get('maintainer') ?? ''
  return {
    type: 'deb',
    name,
    version,
    purl: packageUrl({
      type: 'deb',
      namespace: distribution.id || 'debian',
      name,
      version,
      qualifiers: { arch: fields.get('architecture') ?? '', distro: distroQualifier(distribution) },
    }),
    license: '',
    supplier: maintainer === '' ? '' : `Organization: ${maintainer}`,
    source,
  }
}

/** Blocks of `Name: value` lines, names in lower case; lines that continue a value are joined to it. */
function stanzas(text: string): Map<string, string>[] {
  return text.split(/\n\s*\n/).flatMap(block => {
    const fields = new Map<string, string>()
    let last = ''
    for (const line of block.split('\n')) {
      const found = /^([^\s:]+):\s*(.*)$/.exec(line)
      if (found !== null) {
        last = (found[1] ?? '').toLowerCase()
        fields.set(last, found[2] ?? '')
      } else if (last !== '' && /^\s/.test(line))
        fields.set(last, `${fields.get(last) ?? ''}\n${line.trim()}`)
    }
    return fields.size === 0 ? [] : [fields]
  })
}
