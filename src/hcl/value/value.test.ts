import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addFloats, divideFloats, multiplyFloats, parseFloatText } from './big-float.ts'
import { ConversionError, convertValue } from './convert.ts'
import { formatFloat, numberText } from './format-float.ts'
import { parseJsonDocument } from '../json/json-document.ts'
import { impliedValue, typedValue, valueToJson } from './json-value.ts'
import { setValue } from './set-value.ts'
import { constraintName } from './type-name.ts'
import {
  boolType,
  dynamicType,
  listType,
  mapType,
  numberType,
  objectType,
  setType,
  stringType,
  tupleType,
  type Type,
} from './type.ts'
import { unifyTypes } from './unify.ts'
import {
  asText,
  integerValue,
  nullValue,
  stringValue,
  tupleValue,
  unknownValue,
  type Value,
} from './value.ts'

const json = (text: string): Value => impliedValue(parseJsonDocument(text))
const float = (text: string) => parseFloatText(text) ?? assert.fail(text)

describe('numbers', () => {
  it('are written as cty writes them: all digits, no exponent, no more than they have', () => {
    const vectors: readonly (readonly [string, string])[] = [
      ['0', '0'],
      ['-0', '-0'],
      ['1.0', '1'],
      ['1.50', '1.5'],
      ['1e3', '1000'],
      ['1e-7', '0.0000001'],
      ['123456789012345678901234567890', '123456789012345678901234567890'],
      ['0.1', '0.1'],
      ['3.14159265358979323846264338327950288', '3.14159265358979323846264338327950288'],
      ['1e30', '1000000000000000000000000000000'],
    ]
    for (const [text, written] of vectors) assert.equal(numberText(float(text)), written, text)
  })

  it('keep 512 bits, so that sums of decimals are what a reader expects', () => {
    assert.equal(numberText(addFloats(float('0.1'), float('0.2'))), '0.3')
    assert.match(numberText(multiplyFloats(float('1.1'), float('1.1'))), /^1\.210{100,}1$/)
    assert.match(numberText(divideFloats(float('1'), float('3'))), /^0\.3{150,}\d{0,4}$/)
  })

  it('are not read from what is no decimal number', () => {
    for (const text of ['', 'x', '1x', '--1', '1e', '.', '1 2'])
      assert.equal(parseFloatText(text), undefined, text)
  })

  it('are formatted for printf', () => {
    assert.equal(formatFloat(float('1234.5678'), 'f', 2), '1234.57')
    assert.equal(formatFloat(float('1234.5678'), 'e', 3), '1.235e+03')
    assert.equal(formatFloat(float('0.00001'), 'g', -1), '1e-05')
  })
})

describe('conversions', () => {
  const converts = (value: Value, type: Type, expected: string): void =>
    assert.equal(valueToJson(convertValue(value, type)), expected)
  const refuses = (value: Value, type: Type, message: string): void =>
    assert.throws(
      () => convertValue(value, type),
      (e: unknown) => {
        assert.ok(e instanceof ConversionError)
        assert.equal(e.message, message)
        return true
      },
    )

  it('go between scalars and their texts', () => {
    converts(stringValue('1.50'), numberType, '1.5')
    converts(integerValue(7), stringType, '"7"')
    converts(stringValue('true'), boolType, 'true')
    refuses(stringValue('x'), numberType, 'a number is required')
    refuses(stringValue('True'), boolType, 'a bool is required; to convert from string, use lowercase "true"')
  })

  it('make collections of one type of tuples and objects', () => {
    converts(json('[1, "a", true]'), listType(stringType), '["1","a","true"]')
    converts(json('["b", "a", "b"]'), setType(stringType), '["a","b"]')
    converts(json('{"a": 1, "b": "2"}'), mapType(numberType), '{"a":1,"b":2}')
    refuses(json('["x"]'), listType(numberType), 'a number is required')
    refuses(json('{"a": []}'), mapType(stringType), 'element "a": string required, but have tuple')
  })

  it('drop what an object type does not name, fill what it says is optional, and refuse what it lacks', () => {
    const type = objectType(
      new Map([
        ['a', stringType],
        ['b', numberType],
      ]),
      new Set(['b']),
    )
    converts(json('{"a": "x", "c": 1}'), type, '{"a":"x","b":null}')
    refuses(json('{"b": 1}'), type, 'attribute "a" is required')
  })

  it('keep nulls null and unknowns unknown', () => {
    assert.equal(convertValue(nullValue(dynamicType), numberType).content, null)
    assert.deepEqual(convertValue(unknownValue(stringType), numberType).type, numberType)
  })

  it('find the type that several types have in common', () => {
    const common = (types: readonly Type[], unsafe = false): string | undefined => {
      const found = unifyTypes(types, unsafe)
      return found === undefined ? undefined : constraintName(found.type)
    }
    assert.equal(common([stringType, numberType]), 'string')
    assert.equal(common([boolType, numberType]), undefined)
    assert.equal(common([listType(stringType), tupleType([numberType])]), 'list of string')
    assert.equal(common([dynamicType, stringType]), 'any type')
  })

  it('tell sets by their values, whatever order they came in', () => {
    const set = setValue([stringValue('b'), stringValue('a'), stringValue('b')], stringType)
    assert.equal(valueToJson(set), '["a","b"]')
  })
})

describe('texts', () => {
  it('are kept in composed form', () => {
    assert.equal(asText(stringValue('e\u0301')), '\u00e9')
  })

  it('are written with the escapes of Go', () => {
    assert.equal(
      valueToJson(tupleValue([stringValue('<&>\u2028"\n\u0001')])),
      '["\\u003c\\u0026\\u003e\\u2028\\"\\n\\u0001"]',
    )
  })
})

describe('JSON read as a type', () => {
  it('names its own type where any type is allowed', () => {
    const node = parseJsonDocument('{"type": ["list", "number"], "value": [1, "2"]}')
    assert.equal(valueToJson(typedValue(node, dynamicType)), '[1,2]')
    assert.throws(() => typedValue(parseJsonDocument('{"x": 1}'), dynamicType), {
      message: 'invalid key "x" in dynamically-typed value',
    })
  })
})
