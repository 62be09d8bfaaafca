import { readText, type ScannedTree } from './scanned-tree.ts'

/** The distribution that a tree says it is; empty texts where it says nothing. */
export interface Distribution {
  /** `debian`, `alpine`… */
  readonly id: string
  /** `12`, `3.22.1`… */
  readonly version: string
}

/** Reads /etc/os-release, or the one of /usr/lib. Source: https://www.freedesktop.org/software/systemd/man/os-release.html */
export function readDistribution(tree: ScannedTree): Distribution {
  const text = readText(tree, '/etc/os-release') || readText(tree, '/usr/lib/os-release')
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const found = /^([A-Z_0-9]+)=(.*)$/.exec(line.trim())
    if (found !== null) fields.set(found[1] ?? '', (found[2] ?? '').replace(/^(["'])(.*)\1$/, '$2'))
  }
  return { id: fields.get('ID') ?? '', version: fields.get('VERSION_ID') ?? '' }
}

/** The value of the qualifier `distro` of a package URL: `debian-12`. */
export function distroQualifier({ id, version }: Distribution): string {
  return id === '' || version === '' ? id : `${id}-${version}`
}
