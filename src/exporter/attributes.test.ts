import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseEpoch, readEpoch } from './attributes.ts'

test("The time of an output goes before that of the build; an empty one sets the build's aside.", () => {
  const chosen = (text: string | undefined): number | undefined =>
    chooseEpoch(readEpoch(text === undefined ? {} : { 'source-date-epoch': text }), 5)
  assert.deepEqual([undefined, '', '0', '-7'].map(chosen), [5, undefined, 0, -7])
  assert.equal(chooseEpoch(undefined, undefined), undefined)
  assert.throws(() => readEpoch({ 'source-date-epoch': '1.5' }), {
    code: 'invalid-argument',
    message: 'invalid SOURCE_DATE_EPOCH: 1.5',
  })
})
