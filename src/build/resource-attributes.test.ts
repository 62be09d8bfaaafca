import assert from 'node:assert/strict'
import { it } from 'node:test'
import { resourceAttributes } from './resource-attributes.ts'

it('limits of steps: the first processor is one, nothing and no number are none', () => {
  const limits = {
    memory: 1024,
    memorySwap: -1,
    cpuShares: 0n,
    cpuPeriod: -1n,
    cpuQuota: 5n,
    cpusetCpus: '0',
    cpusetMems: '',
  }
  const expected = { memory: '1024', memswap: '-1', cpuquota: '5', cpusetcpus: '0' }
  assert.deepEqual(resourceAttributes(limits), expected)
})
