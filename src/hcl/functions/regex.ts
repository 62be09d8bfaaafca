import { FunctionError } from '../function.ts'
import { type Match, Regexp } from '../regexp/regexp.ts'
import { RegexpError } from '../regexp/syntax-tree.ts'
import { listType, objectType, stringType, type Type, tupleType } from '../value/type.ts'
import { dynamicType } from '../value/type.ts'
import { listValue, nullValue, objectValue, stringValue, tupleValue, type Value } from '../value/value.ts'
import { define, type FunctionTable, text, textArgument } from './arguments.ts'

/** A compiled pattern whose groups are all named or all unnamed. */
function compile(pattern: string): Regexp {
  let regexp: Regexp
  try {
    regexp = new Regexp(pattern)
  } catch (e) {
    if (e instanceof RegexpError)
      throw new FunctionError(`invalid regexp pattern: ${e.code} in ${e.expression}`, 0)
    throw e
  }
  const groups = regexp.names.slice(1)
  if (groups.some(n => n === '') && groups.some(n => n !== '')) {
    throw new FunctionError('invalid regexp pattern: cannot mix both named and unnamed capture groups', 0)
  }
  return regexp
}

function resultType(regexp: Regexp): Type {
  const groups = regexp.names.slice(1)
  if (groups.length === 0) return stringType
  if (groups[0] === '') return tupleType(groups.map(() => stringType))
  return objectType(new Map(groups.map(n => [n, stringType])))
}

/** The whole match where there are no groups, else the groups as a tuple or object; null for those without part. */
function result(regexp: Regexp, source: string, match: Match): Value {
  const group = (i: number): Value => {
    const start = match[i * 2] as number
    return start < 0 ? nullValue(stringType) : stringValue(source.slice(start, match[i * 2 + 1]))
  }
  const names = regexp.names.slice(1)
  if (names.length === 0) return group(0)
  if (names[0] === '') return tupleValue(names.map((_, i) => group(i + 1)))
  return objectValue(new Map(names.map((n, i) => [n, group(i + 1)])))
}

/** Regular expressions. */
export const regexFunctions: FunctionTable = {
  regex: define([text('pattern'), text('string')], dynamicType, ([pattern, string]) => {
    const regexp = compile(textArgument(pattern))
    const source = textArgument(string)
    const match = regexp.find(source)
    if (match === undefined) throw new FunctionError('pattern did not match any part of the given string')
    return result(regexp, source, match)
  }),
  regexall: define([text('pattern'), text('string')], listType(dynamicType), ([pattern, string]) => {
    const regexp = compile(textArgument(pattern))
    const source = textArgument(string)
    return listValue(
      regexp.findAll(source).map(m => result(regexp, source, m)),
      resultType(regexp),
    )
  }),
  regex_replace: define(
    [text('str'), text('pattern'), text('replace')],
    stringType,
    ([str, pattern, replacement]) => {
      try {
        return stringValue(
          new Regexp(textArgument(pattern)).replaceAll(textArgument(str), textArgument(replacement)),
        )
      } catch (e) {
        if (e instanceof RegexpError) throw new FunctionError(e.message)
        throw e
      }
    },
  ),
}
