/** A package that is installed in a tree. */
export interface Package {
  readonly type: 'deb' | 'apk' | 'npm'
  readonly name: string
  readonly version: string
  /** https://github.com/package-url/purl-spec */
  readonly purl: string
  /** As the package states it; empty where it states nothing. */
  readonly license: string
  /** `Person: …` or `Organization: …`; empty where nobody is named. */
  readonly supplier: string
  /** File of the tree that tells of the package. */
  readonly source: string
}

/** Which packages a package URL is about. */
export interface PackageUrl {
  readonly type: string
  readonly namespace?: string | undefined
  readonly name: string
  readonly version: string
  /** Empty values are left out. */
  readonly qualifiers?: Readonly<Record<string, string>>
}

/** Writes a package URL. Source: https://github.com/package-url/purl-spec/blob/v1.0.0/PURL-SPECIFICATION.rst */
export function packageUrl({ type, namespace, name, version, qualifiers = {} }: PackageUrl): string {
  const parts = [...(namespace === undefined ? [] : namespace.split('/')), name].map(encode)
  const pairs = Object.entries(qualifiers)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value)}`)
  const at = version === '' ? '' : `@${encode(version)}`
  return `pkg:${type}/${parts.join('/')}${at}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
}

/** All but letters, digits and `.-_~:` as percent codes. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':')
}
