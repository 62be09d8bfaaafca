import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Diagnostics, formatDiagnostics } from '../diagnostic.ts'
import { evaluate } from '../eval/evaluate.ts'
import { fileStart } from '../position.ts'
import { parseExpressionText } from '../syntax/parse.ts'
import { valueToJson } from '../value/json-value.ts'
import { newBudget } from '../value/limit.ts'
import { standardFunctions } from './standard-functions.ts'

let random = 0
const functions = standardFunctions({
  now: Date.UTC(2024, 1, 3, 4, 5, 6, 789),
  home: '/home/me',
  random: size => Uint8Array.from({ length: size }, () => random++ % 256),
})

function compute(text: string): string {
  const diagnostics: Diagnostics = []
  const value = evaluate(
    parseExpressionText(text, 'f', fileStart, diagnostics),
    { variables: new Map(), functions, budget: newBudget() },
    diagnostics,
  )
  return diagnostics.length > 0 ? formatDiagnostics(diagnostics) : valueToJson(value)
}

describe('the functions', () => {
  it('are those that bake has', () => {
    assert.equal(functions.size, 106)
  })

  it('know of the world what they are told', () => {
    assert.equal(compute('timestamp()'), '"2024-02-03T04:05:06Z"')
    assert.equal(compute('homedir()'), '"/home/me"')
    assert.match(
      compute('uuidv4()'),
      /^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$/,
    )
    assert.notEqual(compute('uuidv4()'), compute('uuidv4()'))
  })

  it('hash passwords as bcrypt does', () => {
    random = 0
    assert.match(compute('bcrypt("secret", 4)'), /^"\$2a\$04\$[./A-Za-z0-9]{53}"$/)
  })

  it('decrypt what was encrypted for a key, and say what is wrong with other texts', async () => {
    const { generateKeyPairSync, publicEncrypt, constants } = await import('node:crypto')
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const data = publicEncrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_PADDING },
      Buffer.from('secret'),
    )
    const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    assert.equal(
      compute(`rsadecrypt(${JSON.stringify(data.toString('base64'))}, ${JSON.stringify(pem)})`),
      '"secret"',
    )
    assert.match(compute(`rsadecrypt("AAAA", ${JSON.stringify(pem)})`), /crypto\/rsa: decryption error/)
  })

  it('say which argument is wrong, and where it stands', () => {
    assert.equal(
      compute('join(",", [[]])'),
      'f:1,11-12: Invalid function argument; Invalid value for "lists" parameter: element 0: string required, but have tuple.',
    )
    assert.match(compute('upper()'), /^f:1,\d+-\d+: Not enough function arguments; /)
    assert.match(compute('upper("a", "b")'), /^f:1,13-14: Too many function arguments; /)
    assert.match(compute('upperr("a")'), /There is no function named "upperr"\. Did you mean "upper"\?/)
  })

  it('let try and can catch what goes wrong inside them', () => {
    assert.equal(compute('try(nope.x, [][0], "last")'), '"last"')
    assert.equal(compute('can(parseint("z", 10))'), 'false')
  })
})
