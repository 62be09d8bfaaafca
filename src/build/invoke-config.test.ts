import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseInvokeConfig } from './invoke-config.ts'

describe('--invoke and --on', () => {
  const plain = { always: false, env: [], user: '', cwd: '', tty: true }

  it('name a program, or leave it to the image', () => {
    assert.deepEqual(parseInvokeConfig('', 'error'), plain)
    assert.deepEqual(parseInvokeConfig('default', 'always'), { ...plain, always: true })
    assert.deepEqual(parseInvokeConfig('on-error', 'error'), { ...plain, cmd: ['/bin/sh'] })
    assert.deepEqual(parseInvokeConfig('bash', 'error'), { ...plain, cmd: ['bash'] })
    assert.deepEqual(parseInvokeConfig('bash', 'later'), { ...plain, always: true, cmd: ['bash'] })
  })

  it('take fields, lists among them as JSON', () => {
    const text = '"args=[""a"",""b""]",env=A=1,ENV=B,cwd=/x,user=me,tty=false'
    assert.deepEqual(parseInvokeConfig(text, 'error'), {
      ...{ always: false, cmd: ['a', 'b'], env: ['A=1', 'B'], cwd: '/x', user: 'me', tty: false },
    })
    assert.deepEqual(parseInvokeConfig('entrypoint=x', 'error'), {
      ...{ always: false, entrypoint: ['x'], cmd: [], env: [], tty: true },
    })
  })

  // Recorded from docker-buildx 0.36.1.
  for (const [text, message] of [
    ['foo=x', 'unknown key "foo"'],
    ['tty=x', 'failed to parse tty: strconv.ParseBool: parsing "x": invalid syntax'],
    ['args=["a","b"],env=["A=1","B=2"],cwd=/x,user=1', 'unknown key "b\\"],env"'],
    ['a,b', 'invalid value a'],
    ['=', 'unknown key ""'],
  ] as const) {
    it(`refuse ${text}`, () => assert.throws(() => parseInvokeConfig(text, 'error'), { message }))
  }

  it('forgive quotes that stand anywhere', () => {
    assert.deepEqual(parseInvokeConfig('"x', 'error').cmd, ['x'])
    assert.deepEqual(parseInvokeConfig('args="x"', 'error').cmd, ['"x"'])
  })
})
