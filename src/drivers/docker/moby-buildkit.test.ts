import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mobyBuildkitVersion } from './moby-buildkit.ts'

describe('the BuildKit of old docker daemons', () => {
  const known: Readonly<Record<string, string | undefined>> = {
    '18.06.1-ce': 'v0.0.0+98f1604',
    '18.09.1-beta1': 'v0.3.3',
    '19.03.0-beta1': 'v0.4.0+b302896',
    '19.03.5-beta2': 'v0.6.2+ff93519',
    '19.03.13': 'v0.6.4+df89d4d',
    '20.10.3-rc.1': 'v0.8.1+68bb095',
    '20.10.4': 'v0.8.2',
    '20.10.16': 'v0.8.2+bc07b2b8',
    '20.10.23': 'v0.8.2+eeb7b65',
    '20.10.24': 'v0.8+unknown',
    '20.10.24+dfsg1': 'v0.8+unknown',
    '22.06.0-beta.0': 'v0.10.3',
    '23.0.1': 'v0.10.6+4f0ee09',
    '23.0.3': 'v0.10.6+70f2ad5',
    '23.0.9': 'v0.10+unknown',
    '24.0.2': undefined,
    '17.12.0-ce': 'v0.4.0+b302896',
    dev: undefined,
  }
  for (const [docker, buildkit] of Object.entries(known)) {
    it(`of docker ${docker} is ${buildkit ?? 'not known'}`, () => {
      assert.equal(mobyBuildkitVersion(docker), buildkit)
    })
  }
})
