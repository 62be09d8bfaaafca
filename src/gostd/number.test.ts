import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesSize, fromHumanSize, humanSize, ramInBytes } from './byte-units.ts'
import { formatDuration, fromMilliseconds, parseDuration, toMilliseconds } from './duration.ts'
import { humanDuration } from './human-duration.ts'
import { parseBool, parseFloat64, parseInt64, parseInteger, tryParseBool } from './parse-number.ts'
import { compareSemver, parseSemver, type Semver } from './semver.ts'
import {
  formatGoTime,
  formatRfc3339,
  formatRfc3339Nano,
  joinMoment,
  parseRfc3339,
  splitMoment,
} from './time.ts'

describe('numbers', () => {
  it('are read as strconv reads them', () => {
    assert.equal(parseBool('T'), true)
    assert.equal(tryParseBool('yes'), undefined)
    assert.throws(() => parseBool('x'), { message: 'strconv.ParseBool: parsing "x": invalid syntax' })
    for (const [text, value] of [
      ['0x_1F', 31n],
      ['0b11', 3n],
      ['0o17', 15n],
      ['017', 15n],
      ['-5', -5n],
      ['1_000', 1000n],
      ['0', 0n],
    ] as const) {
      assert.equal(parseInt64(text), value, text)
    }
    for (const text of ['', '-', '08', '1__0', '0x', 'a', '1.5', '_1', '0b2']) {
      assert.throws(() => parseInt64(text), { message: /invalid syntax/ }, text)
    }
    assert.equal(parseInt64('010', { base: 10 }), 10n)
    assert.throws(() => parseInt64('9223372036854775808'), { message: /value out of range/ })
    assert.throws(() => parseInteger('9007199254740993'), { message: /value out of range/ })
    assert.equal(parseFloat64('-1.5e3'), -1500)
    assert.throws(() => parseFloat64('1e999'), { message: /value out of range/ })
    assert.throws(() => parseFloat64('1,5'), { message: 'strconv.ParseFloat: parsing "1,5": invalid syntax' })
  })
})

describe('durations', () => {
  it('go there and back', () => {
    const vectors: readonly (readonly [string, bigint, string])[] = [
      ['0', 0n, '0s'],
      ['5s', 5_000_000_000n, '5s'],
      ['1h15m30.918s', 4_530_918_000_000n, '1h15m30.918s'],
      ['1478s', 1_478_000_000_000n, '24m38s'],
      ['-5s', -5_000_000_000n, '-5s'],
      ['.5s', 500_000_000n, '500ms'],
      ['1.s', 1_000_000_000n, '1s'],
      ['11us', 11_000n, '11\u00b5s'],
      ['1.5\u00b5s', 1_500n, '1.5\u00b5s'],
      ['39h9m14.425s', 140_954_425_000_000n, '39h9m14.425s'],
      ['0.3333333333333333333h', 1_199_999_999_999n, '19m59.999999999s'],
      ['2h', 7_200_000_000_000n, '2h0m0s'],
    ]
    for (const [text, value, shown] of vectors) {
      assert.equal(parseDuration(text), value, text)
      assert.equal(formatDuration(value), shown)
    }
    assert.equal(toMilliseconds(1_500_000n), 1.5)
    assert.equal(fromMilliseconds(0.000001), 1n)
  })

  it('complain as Go does', () => {
    assert.throws(() => parseDuration(''), { message: 'time: invalid duration ""' })
    assert.throws(() => parseDuration('3'), { message: 'time: missing unit in duration "3"' })
    assert.throws(() => parseDuration('3d'), { message: 'time: unknown unit "d" in duration "3d"' })
    assert.throws(() => parseDuration('ä"\n'), { message: 'time: invalid duration "\\xc3\\xa4\\"\\x0a"' })
    assert.throws(() => parseDuration('.s'), { message: 'time: invalid duration ".s"' })
    assert.throws(() => parseDuration('9223372036854775808ns'), { message: /invalid duration/ })
    assert.equal(parseDuration('-9223372036854775808ns'), -(2n ** 63n))
  })

  it('are put into words', () => {
    const second = 1000
    const vectors: readonly (readonly [number, string])[] = [
      [450, 'Less than a second'],
      [second, '1 second'],
      [45 * second, '45 seconds'],
      [60 * second, 'About a minute'],
      [45 * 60 * second, '45 minutes'],
      [3600 * second, 'About an hour'],
      [3 * 3600 * second + 59 * 60 * second, '4 hours'],
      [35 * 3600 * second, '35 hours'],
      [48 * 3600 * second, '2 days'],
      [13 * 86400 * second, '13 days'],
      [14 * 86400 * second, '2 weeks'],
      [60 * 86400 * second, '2 months'],
      [24 * 30 * 86400 * second, '24 months'],
      [25 * 30 * 86400 * second, '2 years'],
    ]
    for (const [ms, words] of vectors) assert.equal(humanDuration(ms), words)
  })
})

describe('sizes', () => {
  it('are shown with four digits', () => {
    assert.deepEqual(
      [4096, 0, 999, 1000, 1024, 1_048_576, 2_000_000_000, 999_950].map(n => humanSize(n)),
      ['4.096kB', '0B', '999B', '1kB', '1.024kB', '1.049MB', '2GB', '1000kB'],
    )
    assert.deepEqual([1024, 1536, 3.42 * 1024 ** 3].map(bytesSize), ['1KiB', '1.5KiB', '3.42GiB'])
  })

  it('are read in decimal or binary units', () => {
    assert.deepEqual(
      ['32', '32b', '32k', '32kB', '32KiB', '32.5 kB', '1.5MiB', '.3K'].map(ramInBytes),
      [32, 32, 32768, 32768, 32768, 33280, 1572864, 307],
    )
    assert.equal(fromHumanSize('32kb'), 32000)
    for (const text of [
      '',
      'hello',
      '32bb',
      '32km',
      '32 bob',
      '-32',
      ' 32 ',
      '32  kb',
      '32 mib x',
      '1.2.3k',
    ]) {
      assert.throws(() => ramInBytes(text), { code: 'invalid-argument' }, text)
    }
    assert.throws(() => ramInBytes('foo'), { message: "invalid size: 'foo'" })
    assert.throws(() => ramInBytes('5 Bob'), { message: "invalid suffix: 'bob'" })
  })
})

describe('moments', () => {
  it('are written and read with nanoseconds', () => {
    assert.equal(formatRfc3339Nano(0), '1970-01-01T00:00:00Z')
    assert.equal(formatRfc3339Nano(1_700_000_000_123.25), '2023-11-14T22:13:20.12325Z')
    assert.equal(formatRfc3339(1_700_000_000_999), '2023-11-14T22:13:20Z')
    assert.equal(formatGoTime(1_700_000_000_000), '2023-11-14 22:13:20 +0000 UTC')
    assert.equal(parseRfc3339('2023-11-14T23:13:20.12325+01:00'), 1_700_000_000_123.25)
    assert.deepEqual(splitMoment(1_700_000_000_123.25), [1_700_000_000, 123_250_000])
    assert.equal(joinMoment(1_700_000_000n, 123_250_000), 1_700_000_000_123.25)
    assert.throws(() => parseRfc3339('yesterday'), { message: /^parsing time "yesterday"/ })
  })
})

describe('versions', () => {
  it('are ordered as semver.org orders them', () => {
    const ordered =
      '0.9.0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 v1.0.0 v1.2 2.0.0'
    const parsed = ordered.split(' ').map(text => parseSemver(text) as Semver)
    for (let i = 1; i < parsed.length; i++) {
      assert.ok(compareSemver(parsed[i - 1] as Semver, parsed[i] as Semver) < 0, `${i}`)
    }
    assert.equal(compareSemver(parseSemver('1.0.0+a') as Semver, parseSemver('v1.0.0+b') as Semver), 0)
    assert.equal(parseSemver('1.x'), undefined)
  })
})
