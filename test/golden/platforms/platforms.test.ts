import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  formatPlatformAll,
  normalizePlatform,
  parsePlatform,
  type Platform,
} from '../../../src/oci/platform.ts'
import { onlyPlatform, strictPlatform } from '../../../src/oci/platform-match.ts'

/** Answers of github.com/containerd/platforms as BuildKit 0.32.2 has it, on linux/amd64. */
interface Answers {
  /** The error; or the normalised platform and, where the text said it otherwise, the variant before that. */
  readonly parse: Readonly<Record<string, string | readonly [platform: string, variant?: string]>>
  readonly asked: readonly string[]
  /** What runs on a platform of `asked`, best first, and what is the same as it. */
  readonly match: Readonly<
    Record<string, { readonly runs: readonly string[]; readonly is: readonly string[] }>
  >
}

const answers = JSON.parse(readFileSync(join(import.meta.dirname, 'answers.json'), 'utf8')) as Answers
const parse = (text: string): Platform => parsePlatform(text, { os: 'linux', architecture: 'amd64' })

describe('platforms', () => {
  it('are read and normalised as containerd does', () => {
    for (const [text, answer] of Object.entries(answers.parse)) {
      if (typeof answer === 'string') {
        assert.throws(() => parse(text), { message: answer }, text)
        continue
      }
      const [platform, variant] = answer
      const parsed = parse(text)
      assert.equal(formatPlatformAll(normalizePlatform(parsed)), platform, text)
      if (variant !== undefined) assert.equal(parsed.variant ?? '', variant, text)
    }
  })

  it('run what containerd says, the closest first, and are the same as nothing else', () => {
    const asked = answers.asked.map(text => ({ text, platform: normalizePlatform(parse(text)) }))
    for (const [text, { runs, is }] of Object.entries(answers.match)) {
      const own = parse(text)
      const only = onlyPlatform(normalizePlatform(own))
      const found = asked
        .filter(({ platform }) => only.match(platform))
        .toSorted((a, b) => only.compare(a.platform, b.platform))
      assert.deepEqual(
        found.map(one => one.text),
        runs,
        `what runs on ${text}`,
      )
      const strict = strictPlatform(own)
      const same = asked.filter(({ platform }) => strict.match(platform)).map(one => one.text)
      assert.deepEqual(same, is, `what is ${text}`)
    }
  })
})
