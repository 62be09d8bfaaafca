import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contextPath, destinationPath, isAbsolute, normalizeWorkdir, platformPath } from './paths.ts'

const otherDrive = 'The specified path is not on the system drive (C:)'
const noPath = 'No relative path specified in "C:"'
const share = 'UNC paths are not supported'

// All recorded from buildkitd 0.32.2 with --platform windows/amd64.
describe('paths of images for Windows', () => {
  const workdirs: readonly (readonly [from: string, path: string, is: string])[] = [
    ['/', 'C:\\app', '/app'],
    ['\\app\\x', '..\\y', '/app/y'],
    ['\\', 'C:rel', '/rel'],
    ['\\a', 'rel', '/a/rel'],
    ['\\a', '/abs/y', '/abs/y'],
    ['\\a', 'c:/B\\c/', '/B/c'],
  ]
  for (const [from, path, is] of workdirs)
    it(`WORKDIR ${path} in ${from} is ${is}`, () => assert.equal(normalizeWorkdir(from, path, 'windows'), is))

  for (const [path, why] of [
    ['D:\\x', otherDrive],
    ['C:', noPath],
    ['\\\\srv\\x', share],
  ] as const) {
    it(`${path} is refused`, () => {
      const step = 'normalizing workdir: normalizing working directory: '
      const drive = 'removing drive letter: '
      assert.throws(() => normalizeWorkdir('/', path, 'windows'), { message: step + drive + why })
      assert.throws(() => destinationPath('/', path, 'windows'), { message: drive + why })
      assert.throws(() => contextPath(path, 'windows'), { message: drive + drive + why })
    })
  }

  it('end in a slash where a directory is meant', () => {
    assert.equal(destinationPath('/q', 'C:\\d\\', 'windows'), '/d/')
    assert.equal(destinationPath('/q', 'C:\\d', 'windows'), '/d')
    assert.equal(destinationPath('/q', '.\\', 'windows'), '/q/')
    assert.equal(destinationPath('/q', '.', 'windows'), '/q/')
  })

  it('have backslashes in configurations only', () => {
    assert.equal(platformPath('/app/x', 'windows'), '\\app\\x')
    assert.equal(platformPath('/app/x', 'linux'), '/app/x')
    assert.equal(isAbsolute('\\x', 'windows'), true)
    assert.equal(isAbsolute('\\x', 'linux'), false)
  })
})

it('paths of other images keep their backslashes and colons', () => {
  assert.equal(normalizeWorkdir('/a', 'C:\\app', 'linux'), '/a/C:\\app')
  assert.equal(destinationPath('/a', 'D:', 'linux'), '/a/D:')
})
