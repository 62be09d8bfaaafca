import assert from 'node:assert/strict'
import { it } from 'node:test'
import { onlyPlatform } from './platform-match.ts'
import { formatPlatform, parsePlatform } from './platform.ts'

/** Platforms of an index, and what BuildKit 0.32.2 takes from it for others; what is not listed finds no match. */
const recorded: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  [
    'linux/386 linux/arm/v6',
    {
      'linux/amd64': 'linux/386',
      'linux/amd64/v2': 'linux/386',
      'linux/amd64/v4': 'linux/386',
      'linux/386': 'linux/386',
      'linux/arm/v7': 'linux/arm/v6',
      'linux/arm/v6': 'linux/arm/v6',
      'linux/arm64': 'linux/arm/v6',
      'linux/arm64/v9': 'linux/arm/v6',
      'linux/arm/v8': 'linux/arm/v6',
    },
  ],
  [
    'linux/amd64 linux/amd64/v3 linux/arm/v5 linux/arm/v7 linux/arm64',
    {
      'linux/amd64': 'linux/amd64',
      'linux/amd64/v2': 'linux/amd64',
      'linux/amd64/v4': 'linux/amd64/v3',
      'linux/arm/v7': 'linux/arm/v7',
      'linux/arm/v6': 'linux/arm/v5',
      'linux/arm/v5': 'linux/arm/v5',
      'linux/arm64': 'linux/arm64',
      'linux/arm64/v9': 'linux/arm64',
      'linux/arm/v8': 'linux/arm/v7',
    },
  ],
  ['linux/arm64', { 'linux/arm64': 'linux/arm64', 'linux/arm64/v9': 'linux/arm64' }],
  [
    'linux/amd64/v2 linux/386 linux/arm64/v9',
    {
      'linux/amd64': 'linux/386',
      'linux/amd64/v2': 'linux/amd64/v2',
      'linux/amd64/v4': 'linux/amd64/v2',
      'linux/386': 'linux/386',
      'linux/arm64/v9': 'linux/arm64/v9',
    },
  ],
  ['linux/s390x', {}],
]

const host = { os: 'linux', architecture: 'amd64' }
const wanted = [
  ...['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4', 'linux/386', 'linux/arm/v7', 'linux/arm/v6'],
  ...['linux/arm/v5', 'linux/arm64', 'linux/arm64/v9', 'linux/arm/v8', 'windows/amd64', 'linux/ppc64le'],
]

for (const [index, choices] of recorded) {
  it(`of an index with ${index} the image that BuildKit takes is chosen`, () => {
    for (const platform of wanted) {
      const { match, compare } = onlyPlatform(parsePlatform(platform, host))
      const [chosen] = index
        .split(' ')
        .map(text => parsePlatform(text, host))
        .filter(match)
        .sort(compare)
      const found = chosen === undefined ? undefined : formatPlatform(chosen)
      assert.equal(found, choices[platform], platform)
    }
  })
}
