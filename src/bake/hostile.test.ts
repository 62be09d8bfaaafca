import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SlipwayError } from '../errors/slipway-error.ts'
import { readBakeDefinition } from './read-definition.ts'
import { resolveTargets } from './resolve-targets.ts'
import type { Definition } from './target.ts'

async function read(text: string, name = 'docker-bake.hcl', environment = {}): Promise<Definition> {
  return readBakeDefinition([{ name, data: Buffer.from(text) }], {
    builtins: new Map(),
    variables: new Map(),
    environment: new Map(Object.entries(environment)),
    functions: { now: 0, home: '/root', random: n => new Uint8Array(n) },
  })
}

async function refused(text: string, message: RegExp, name?: string): Promise<void> {
  await assert.rejects(read(text, name), (e: unknown) => {
    assert.ok(e instanceof SlipwayError, String(e))
    assert.match(e.message, message)
    return true
  })
}

describe('bake files that ask for too much', () => {
  it('are refused for a matrix of a million targets', () =>
    refused(
      'target "t" {\n name = "t-${a}-${b}"\n matrix = {\n a = range(1000)\n b = range(1000)\n }\n}',
      /makes more than 10000 targets/,
    ))

  it('are refused for a text that doubles until it fills the memory', () => {
    let text = 'v0 = "0123456789abcdef"\n'
    for (let i = 1; i <= 60; i++) text += `v${i} = "\${v${i - 1}}\${v${i - 1}}"\n`
    return refused(`${text}target "t" { context = v60 }`, /more than is allowed/)
  })

  it('are refused for a text of 100 MB', () =>
    refused(
      'target "t" { context = join("", [for i in range(1000) : join("", [for j in range(1000) : format("%0100d", j)])]) }',
      /more than is allowed/,
    ))

  it('are refused for a width of 100 MB', () =>
    refused('target "t" { context = format("%0100000000d", 1) }', /more than is allowed/))

  it('are refused for a list that multiplies', () =>
    refused(
      'l = range(1000)\ntarget "t" { context = jsonencode(setproduct(l, l, l)) }',
      /more than is allowed/,
    ))

  it('are refused for loops in loops in loops', () =>
    refused(
      'l = range(1000)\ntarget "t" { context = jsonencode([for a in l : [for b in l : [for c in l : c]]]) }',
      /more than is allowed/,
    ))

  it('are refused for functions that call each other twice each', () => {
    let text = 'function "f0" {\n params = [x]\n result = x\n}\n'
    for (let i = 1; i <= 40; i++)
      text += `function "f${i}" {\n params = [x]\n result = f${i - 1}(x) + f${i - 1}(x)\n}\n`
    return refused(`${text}target "t" { context = f40(1) }`, /more than is allowed/)
  })

  it('end for numbers of endless digits', async () => {
    const { targets } = await read('n = pow(10, 300)\ntarget "t" { args = { a = n * n * n } }')
    assert.equal(targets[0]?.args?.get('a')?.length, 901)
    await read('target "t" { context = "${pow(10, 1000000000000)}" }').catch(e =>
      assert.ok(e instanceof SlipwayError),
    )
    await refused('target "t" { context = "${1e9999999999999999}" }', /Invalid number literal/)
  })

  it('are refused for nesting without end, whatever is nested', async () => {
    const deep = (open: string, close: string, inner = '1'): string =>
      open.repeat(20_000) + inner + close.repeat(20_000)
    for (const expression of [
      deep('[', ']'),
      deep('(', ')'),
      deep('{a=', '}'),
      deep('"${', '}"'),
      deep('upper(', ')'),
      deep('[for x in [1] : ', ']'),
      deep('!', '', 'true'),
      deep('-', ''),
      deep('true ? 1 : ', '', '2'),
      deep('a[', ']', '0'),
      deep('%{if true}', '', ''),
    ]) {
      await refused(`target "t" { context = ${expression} }`, /./)
    }
    await refused(`target "t" { context = "${deep('%{if true}', '%{endif}')}" }`, /./)
    await refused(deep('a {\n', '}\n', ''), /./)
    await refused(deep('[', ']'), /./, 'x.json')
    await refused(deep('{"a":', '}'), /./, 'x.json')
    await refused(deep('{a: ', '}'), /./, 'compose.yml')
    await refused(deep('- ', '', 'x'), /./, 'compose.yml')
  })

  it('end for long chains of operators and of variables', async () => {
    const { targets } = await read(`target "t" { args = { a = ${'1 + '.repeat(200)}1 } }`)
    assert.equal(targets[0]?.args?.get('a'), '201')
    let text = 'v0 = "x"\n'
    for (let i = 1; i <= 200; i++) text += `v${i} = v${i - 1}\n`
    assert.equal((await read(`${text}target "t" { context = v200 }`)).targets[0]?.context, 'x')
  })

  it('end for the longest chains, if need be with an error', async () => {
    const { targets } = await read(`target "t" { args = { a = ${'1 + '.repeat(100_000)}1 } }`)
    assert.equal(targets[0]?.args?.get('a'), '100001')
    let text = 'v0 = "x"\n'
    for (let i = 1; i <= 20_000; i++) text += `v${i} = v${i - 1}\n`
    await read(`${text}target "t" { context = v20000 }`).then(
      d => assert.equal(d.targets[0]?.context, 'x'),
      e => assert.ok(e instanceof SlipwayError, String(e)),
    )
  })

  it('are refused for YAML whose aliases multiply', () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n'
    for (let i = 1; i < 12; i++)
      text += `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`
    return refused(text, /document contains excessive aliasing/, 'compose.yml')
  })

  it('are refused for aliases inside what they stand for', () =>
    refused('services: &s\n  a: *s\n', /cycle detected/, 'compose.yml'))

  it('are matched by regular expressions in linear time', async () => {
    const { targets } = await read(
      'target "t" { args = { a = can(regex("^(a+)+$", format("%s!", join("", [for i in range(1000) : "aaaaaaaaaaaaaaaaaaaa"])))) } }',
    )
    assert.equal(targets[0]?.args?.get('a'), 'false')
  })

  it('are resolved when two thousand targets inherit from each other in a chain', async () => {
    let text = 'target "t0" { context = "x" }\n'
    for (let i = 1; i < 2000; i++) text += `target "t${i}" { inherits = ["t${i - 1}"] }\n`
    const definition = await read(text)
    try {
      const { targets } = resolveTargets(definition, ['t1999'], {
        overrides: [],
        environment: () => undefined,
      })
      assert.equal(targets.get('t1999')?.context, 'x')
    } catch (e) {
      assert.ok(e instanceof SlipwayError, String(e))
    }
  })

  it('are resolved in time when targets inherit from, and link to, the same one twice each', async () => {
    let text = 'target "t60" { policy = ["filename=x.rego"] }\n'
    for (let i = 0; i < 60; i++)
      text += `target "t${i}" {\n contexts = { a = "target:t${i + 1}", b = "target:t${i + 1}" }\n}\n`
    assert.equal(resolveTargets(await read(text), ['t0']).targets.size, 61)
    text = 'target "t60" { annotations = ["a=b"] }\n'
    for (let i = 0; i < 60; i++) text += `target "t${i}" { inherits = ["t${i + 1}", "t${i + 1}"] }\n`
    assert.deepEqual(resolveTargets(await read(text), ['t0']).targets.get('t0')?.annotations, ['a=b'])
    await assert.rejects(
      async () =>
        resolveTargets(await read(text.replace('annotations = ["a=b"]', 'policy = ["filename=x"]')), ['t0']),
      { message: 'a list of a target has more than 100000 entries' },
    )
  })

  it('are read in time when they have thousands of targets', async () => {
    let text = 'target "base" { args = { A = "b" } }\n'
    for (let i = 0; i < 5000; i++) text += `target "t${i}" { args = target.base.args }\n`
    const { targets } = await read(text)
    assert.equal(targets.length, 5001)
    assert.equal(targets.at(-1)?.args?.get('A'), 'b')
  })
})
