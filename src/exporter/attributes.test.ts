import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseEpoch, readBool, readEpoch, readInteger } from './attributes.ts'
import { readImageOptions } from './image-options.ts'

test("The time of an output goes before that of the build; an empty one sets the build's aside.", () => {
  const chosen = (text: string | undefined): number | undefined =>
    chooseEpoch(readEpoch(text === undefined ? {} : { 'source-date-epoch': text }), 5)
  assert.deepEqual([undefined, '', '0', '-7'].map(chosen), [5, undefined, 0, -7])
  assert.equal(chooseEpoch(undefined, undefined), undefined)
  assert.throws(() => readEpoch({ 'source-date-epoch': '1.5' }), {
    code: 'invalid-argument',
    message:
      'invalid source-date-epoch: strconv.ParseInt: parsing "1.5": invalid syntax: ' +
      'strconv.ParseInt: parsing "1.5": invalid syntax',
  })
})

test("Wrong values are refused in Go's words.", () => {
  const invalid = (message: string) => ({ code: 'invalid-argument', message })
  assert.throws(
    () => readBool({ push: 'maybe' }, 'push', false),
    invalid('non-bool value specified for push: strconv.ParseBool: parsing "maybe": invalid syntax'),
  )
  assert.throws(
    () => readInteger({ 'compression-level': 'x' }, 'compression-level'),
    invalid(
      'non-integer value x specified for compression-level: strconv.ParseInt: parsing "x": invalid syntax',
    ),
  )
})

test('Of several wrong values the same one is told as by BuildKit.', () => {
  const wrong = {
    'compression-level': '',
    'force-compression': 'no',
    compression: 'none',
    'source-date-epoch': 'x',
    'annotation-bogus.a': 'b',
  }
  const told = [
    /^unrecognized annotation type bogus$/,
    /^invalid source-date-epoch: /,
    /^unsupported compression type none$/,
    /^non-bool value no specified for force-compression: /,
    /^non-integer value  specified for compression-level: /,
  ]
  const left = Object.entries(wrong)
  for (const message of told) {
    assert.throws(() => readImageOptions(Object.fromEntries(left), 'image'), { message })
    left.pop()
  }
})

test('What an image of Docker types cannot have is refused, and nothing else.', () => {
  const read = (attrs: Record<string, string>): unknown =>
    readImageOptions({ 'oci-mediatypes': 'false', ...attrs }, 'image')
  for (const option of ['compression=estargz', 'oci-artifact=true']) {
    const [key = '', value = ''] = option.split('=')
    assert.throws(() => read({ [key]: value }), {
      message: `exporter option "${option}" conflicts with "oci-mediatypes=false"`,
    })
  }
  read({ compression: 'zstd', 'annotation.a': 'b' })
})
