import { createHash, constants, createPrivateKey, privateDecrypt } from 'node:crypto'
import { quote } from '../../gostd/quote.ts'
import { FunctionError, type HclFunction, valueFunction } from '../function.ts'
import { parseJsonDocument } from '../json/json-document.ts'
import { bcryptHash } from './bcrypt.ts'
import { parseCsvTable } from './csv-table.ts'
import { ConversionError } from '../value/convert.ts'
import { impliedValue, valueToJson } from '../value/json-value.ts'
import { dynamicType, listType, objectType, stringType } from '../value/type.ts'
import { listValue, objectValue, stringValue } from '../value/value.ts'
import { any, define, type FunctionTable, integerArgument, number, text, textArgument } from './arguments.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

function hash(algorithm: string): HclFunction {
  return define([text('str')], stringType, ([s]) =>
    stringValue(createHash(algorithm).update(textArgument(s)).digest('hex')),
  )
}

/** Standard base64 with its padding (line ends are skipped), `undefined` when the text is none. */
function decodeBase64(given: string): Buffer | undefined {
  const joined = given.replace(/[\r\n]/g, '')
  if (joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(joined)) return undefined
  return Buffer.from(joined, 'base64')
}

const base64decode = define([text('str')], stringType, ([s]) => {
  const given = textArgument(s)
  const bytes = decodeBase64(given)
  if (bytes === undefined) throw new FunctionError(`failed to decode base64 data '${given}'`)
  try {
    return stringValue(utf8.decode(bytes))
  } catch {
    throw new FunctionError('the result of decoding the the provided string is not valid UTF-8')
  }
})

const urlencode = define([text('str')], stringType, ([s]) =>
  stringValue(
    encodeURIComponent(textArgument(s).toWellFormed())
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
  ),
)

const jsonencode = define([any('val', { allowNull: true })], stringType, ([v]) =>
  stringValue(valueToJson(v as never)),
)

const jsondecode = define([text('str')], dynamicType, ([s]) => {
  try {
    return impliedValue(parseJsonDocument(textArgument(s)))
  } catch (e) {
    if (e instanceof ConversionError) throw new FunctionError(e.message)
    throw e
  }
})

const csvdecode = define([text('str')], dynamicType, ([s]) => {
  const { headers, rows } = parseCsvTable(textArgument(s))
  const values = rows.map(row =>
    objectValue(new Map(headers.map((name, i) => [name, stringValue(row[i] ?? '')]))),
  )
  return listValue(
    values,
    values[0]?.type ?? listType(objectType(new Map(headers.map(h => [h, stringType])))).element,
  )
})

const rsadecrypt = define([text('ciphertext'), text('privatekey')], stringType, ([ciphertext, key]) => {
  const given = textArgument(ciphertext)
  const bytes = decodeBase64(given)
  if (bytes === undefined)
    throw new FunctionError(`failed to decode input ${quote(given)}: cipher text must be base64-encoded`)
  const pem = textArgument(key)
  if (!pem.includes('-----BEGIN ')) throw new FunctionError('failed to parse key: no key found')
  if (pem.includes('4,ENCRYPTED')) {
    throw new FunctionError(
      'failed to parse key: password protected keys are not supported. Please decrypt the key prior to use',
    )
  }
  let padded: Buffer
  try {
    padded = privateDecrypt({ key: createPrivateKey(pem), padding: constants.RSA_NO_PADDING }, bytes)
  } catch {
    throw new FunctionError('crypto/rsa: decryption error')
  }
  const end = padded.indexOf(0, 2)
  if (padded[0] !== 0 || padded[1] !== 2 || end < 10) throw new FunctionError('crypto/rsa: decryption error')
  return stringValue(padded.subarray(end + 1).toString('utf8'))
})

const namespaces: Readonly<Record<string, string>> = {
  dns: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
  url: '6ba7b811-9dad-11d1-80b4-00c04fd430c8',
  oid: '6ba7b812-9dad-11d1-80b4-00c04fd430c8',
  x500: '6ba7b814-9dad-11d1-80b4-00c04fd430c8',
}

function uuidText(bytes: Uint8Array, version: number): string {
  const b = Buffer.from(bytes.subarray(0, 16))
  b[6] = ((b[6] as number) & 0x0f) | (version << 4)
  b[8] = ((b[8] as number) & 0x3f) | 0x80
  return b.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const uuidForms: Readonly<Record<number, readonly [from: number, form: RegExp]>> = {
  32: [0, /^[0-9a-f]{32}/i],
  36: [0, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i],
  // Braces, but nobody looks at them.
  38: [1, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i],
  45: [9, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i],
}

/** The bytes of a UUID in one of its spellings, or why it is none. Behaviour: github.com/google/uuid v1.6, `Parse`. */
function parseUuid(text: string): Buffer | string {
  const bytes = Buffer.from(text).toString('latin1')
  const [from, form] = uuidForms[bytes.length] ?? []
  if (from === undefined || form === undefined) return `invalid UUID length: ${bytes.length}`
  if (from === 9 && !/^urn:uuid:/i.test(bytes)) {
    const prefix = Buffer.from(bytes.slice(0, 9), 'latin1').toString('utf8')
    return `invalid urn prefix: ${quote(prefix)}`
  }
  const found = form.exec(bytes.slice(from))
  return found === null ? 'invalid UUID format' : Buffer.from(found[0].replaceAll('-', ''), 'hex')
}

const uuidv5 = define([text('namespace'), text('name')], stringType, ([namespace, name]) => {
  const given = textArgument(namespace)
  const id = parseUuid((Object.hasOwn(namespaces, given) ? namespaces[given] : given) as string)
  if (typeof id === 'string') throw new FunctionError(`uuidv5() doesn't support namespace ${given} (${id})`)
  const digest = createHash('sha1').update(id).update(textArgument(name)).digest()
  return stringValue(uuidText(digest, 5))
})

/** Encodings, hashes and identifiers; `random` gives that many random bytes. */
export function encodingFunctions(random: (size: number) => Uint8Array): FunctionTable {
  const bcrypt = valueFunction({
    parameters: [text('str')],
    variadic: number('cost'),
    returns: stringType,
    call: ([s, cost, ...more]) => {
      const rounds = cost === undefined ? 10 : integerArgument(cost)
      if (more.length > 0) throw new FunctionError('bcrypt() takes no more than two arguments')
      return stringValue(bcryptHash(textArgument(s), rounds, random(16)))
    },
  })
  const base64encode = define([text('str')], stringType, ([s]) =>
    stringValue(Buffer.from(textArgument(s)).toString('base64')),
  )
  const uuidv4 = define([], stringType, () => stringValue(uuidText(random(16), 4)))
  return {
    base64decode,
    base64encode,
    bcrypt,
    csvdecode,
    jsondecode,
    jsonencode,
    md5: hash('md5'),
    rsadecrypt,
    sha1: hash('sha1'),
    sha256: hash('sha256'),
    sha512: hash('sha512'),
    urlencode,
    uuidv4,
    uuidv5,
  }
}
