import { apkPackages } from './apk.ts'
import { dpkgPackages } from './dpkg.ts'
import { npmPackages } from './npm.ts'
import { readDistribution } from './os-release.ts'
import type { Package } from './package.ts'
import type { ScannedTree } from './scanned-tree.ts'

/** All packages of a tree that dpkg, apk and npm have installed, ordered by kind, name and version. */
export function scanPackages(tree: ScannedTree): Package[] {
  const distribution = readDistribution(tree)
  const found = [
    ...dpkgPackages(tree, distribution),
    ...apkPackages(tree, distribution),
    ...npmPackages(tree),
  ]
  const key = ({ type, name, version, source }: Package): string => [type, name, version, source].join('\0')
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
