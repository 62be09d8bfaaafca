import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'smol-toml'
import { formatToml } from './format-toml.ts'

describe('a configuration as go-toml writes it', () => {
  it('has keys in order, plain ones before tables, and tables without a line of their own close together', () => {
    const text =
      "debug = true\ninsecure-entitlements = ['network.host', 'a']\nsize = 5\n\n[a]\n[a.b]\nx = 1.5\n\n" +
      "[[list]]\nname = 'one'\n\n[[list]]\nname = 'two'\n\n[list.deep]\ny = 'z'\n\n[registry]\n[registry.'host:5000']\nhttp = true\n"
    assert.equal(formatToml(parse(text)), text)
  })

  it('quotes what a literal text cannot hold', () => {
    assert.equal(
      formatToml({ 'it\'s "q"': "don't\n", path: 'C:\\x', 'a b': '', bell: '\u0007' }),
      '\'a b\' = \'\'\nbell = "\\u0007"\n"it\'s \\"q\\"" = "don\'t\\n"\npath = \'C:\\x\'\n',
    )
    assert.equal(formatToml({}), '')
  })

  it('means the same as before', () => {
    const text =
      '[x]\nlist = [1, 2, [3]]\nat = 1979-05-27T07:32:00Z\nneg = -1\n[x.y]\ninline = {a = "b", c = 2}\n'
    assert.deepEqual(parse(formatToml(parse(text))), parse(text))
  })
})
