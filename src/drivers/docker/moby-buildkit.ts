import { compareSemver, parseSemver, type Semver } from '../../gostd/semver.ts'

/**
 * The BuildKit inside docker daemons that cannot tell it themselves: ranges of their versions, the first that fits counts.
 * Facts: https://github.com/docker/buildx/blob/v0.36.1/driver/docker/version.go
 */
const inside: readonly (readonly [range: string, buildkit: string])[] = [
  ['>=18.6.0-0 <18.6.1-0', 'v0.0.0+9acf51e'],
  ['>=18.6.1-0 <18.9.0-0', 'v0.0.0+98f1604'],
  ['>=18.9.0-0 <18.9.1-0', 'v0.0.0+c7bb575'],
  ['>=18.9.1-0 <18.10.0-0', 'v0.3.3'],
  ['>=18.10.0-0 <19.3.0-0', 'v0.4.0+05766c5'],
  ['<=19.3.0-beta2', 'v0.4.0+b302896'],
  ['<=19.3.0-beta3', 'v0.4.0+8818c67'],
  ['<=19.3.0-beta5', 'v0.5.1+f238f1e'],
  ['<19.3.2-0', 'v0.5.1+1f89ec1'],
  ['<=19.3.2-beta1', 'v0.6.1'],
  ['>=19.3.2-0 <19.3.3-0', 'v0.6.1+588c73e'],
  ['>=19.3.3-0 <19.3.5-beta2', 'v0.6.2'],
  ['<=19.3.5-rc1', 'v0.6.2+ff93519'],
  ['<=19.3.5', 'v0.6.3+928f3b4'],
  ['<=19.3.6-rc1', 'v0.6.3+926935b'],
  ['>=19.3.6-rc2 <19.3.7-0', 'v0.6.3+57e8ad5'],
  ['>=19.3.7-0 <19.3.9-0', 'v0.6.4'],
  ['>=19.3.9-0 <19.3.13-0', 'v0.6.4+a7d7b7f'],
  ['<=19.3.13-beta2', 'v0.6.4+da1f4bf'],
  ['<=19.3.14', 'v0.6.4+df89d4d'],
  ['<20.10.0', 'v0.6.4+396bfe2'],
  ['>=20.10.0-0 <=20.10.2-0', 'v0.8.1'],
  ['>=20.10.3-0 <20.10.4-0', 'v0.8.1+68bb095'],
  ['>=20.10.4-0 <=20.10.6', 'v0.8.2'],
  ['>=20.10.7-0 <=20.10.10-0', 'v0.8.2+244e8cde'],
  ['>=20.10.11-0 <=20.10.18-0', 'v0.8.2+bc07b2b8'],
  ['>=20.10.19-0 <20.10.20-0', 'v0.8.2+3a1eeca5'],
  ['>=20.10.20-0 <20.10.21-0', 'v0.8.2+c0149372'],
  ['>=20.10.21-0 <=20.10.23', 'v0.8.2+eeb7b65'],
  ['>=20.10.0-0 <20.11.0-0', 'v0.8+unknown'],
  ['>=22.6.0-0 <22.7.0-0', 'v0.10.3'],
  ['>=23.0.0-0 <23.0.1-0', 'v0.10.6'],
  ['>=23.0.1 <=23.0.1', 'v0.10.6+4f0ee09'],
  ['>=23.0.2-0 <23.0.4-0', 'v0.10.6+70f2ad5'],
  ['>=23.0.4-0 <23.0.7-0', 'v0.10.6+d52b2d5'],
  ['>=23.0.0-0 <24.0.0-0', 'v0.10+unknown'],
]

/** The BuildKit of a docker daemon by the daemon's version; undefined where that is not known. */
export function mobyBuildkitVersion(docker: string): string | undefined {
  const version = read(docker)
  if (version === undefined) return undefined
  return inside.find(([range]) => range.split(' ').every(bound => fits(version, bound)))?.[1]
}

/** Docker's versions have months with a leading zero. */
const read = (text: string): Semver | undefined => parseSemver(text.replaceAll(/(^v?|\.)0+(?=\d)/g, '$1'))

function fits(version: Semver, bound: string): boolean {
  const [, operator = '', text = ''] = /^([<>]=?)(.*)$/.exec(bound) ?? []
  const limit = read(text)
  if (limit === undefined) return false
  // As everywhere with such ranges, one without a pre-release means none.
  if (version.prerelease.length > 0 && limit.prerelease.length === 0) return false
  const order = compareSemver(version, limit)
  if (order === 0) return operator.endsWith('=')
  return operator.startsWith('<') ? order < 0 : order > 0
}
