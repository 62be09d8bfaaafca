import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLinter } from '../linter/linter.ts'
import { defaultLintOptions } from '../linter/options.ts'
import { parseDockerfile } from '../parser/parse.ts'
import type { Instruction } from './instruction.ts'
import { parseMount } from './mount.ts'
import { parseStages } from './parse-stages.ts'

function parse(line: string): Instruction {
  const { stages } = parseStages(parseDockerfile(`FROM a\n${line}`))
  return stages[0]?.instructions[0] as Instruction
}

const failures: Readonly<Record<string, string>> = {
  'COPPY a b': 'unknown instruction: COPPY (did you mean COPY?)',
  'coppy a b': 'unknown instruction: coppy (did you mean copy?)',
  XYZZY: 'unknown instruction: XYZZY',
  'COPY a':
    'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
  'COPY --bad a b': 'unknown flag: --bad',
  'COPY --chwon=x a b': 'unknown flag: --chwon (did you mean chown?)',
  'COPY --link=maybe a b': 'expecting boolean value for flag --link, not: maybe',
  'COPY --link= a b': 'missing a value on flag: --link',
  'COPY --from a b': 'missing a value on flag: --from',
  'COPY --from=a --from=b c d': 'duplicate flag specified: --from',
  'COPY a <<EOF\nEOF\n': 'COPY cannot accept a heredoc as a destination',
  WORKDIR: 'WORKDIR requires exactly one argument',
  ENV: 'ENV requires at least one argument',
  'ENV =a': 'ENV names can not be blank',
  'ARG =a': 'ARG names can not be blank',
  EXPOSE: 'EXPOSE requires at least one argument',
  'VOLUME [""]': 'VOLUME specified can not be an empty string',
  'SHELL sh -c': 'SHELL requires the arguments to be in JSON form',
  'SHELL []': 'SHELL requires at least one argument',
  'HEALTHCHECK X': 'Unknown type "X" in HEALTHCHECK (try CMD)',
  'HEALTHCHECK CMD': 'Missing command after HEALTHCHECK CMD',
  'HEALTHCHECK NONE a': 'HEALTHCHECK NONE takes no arguments',
  'HEALTHCHECK --interval=1us CMD a': 'Interval "interval" cannot be less than 1ms',
  'HEALTHCHECK --interval=x CMD a': 'time: invalid duration "x"',
  'HEALTHCHECK --retries=-1 CMD a': '--retries cannot be negative (-1)',
  'HEALTHCHECK --retries=x CMD a': 'strconv.ParseInt: parsing "x": invalid syntax',
  'ONBUILD ONBUILD RUN a': "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
  'ONBUILD FROM a': "FROM isn't allowed as an ONBUILD trigger",
  'RUN --network=x a': 'invalid network mode "x"',
  'RUN --security=x a': 'security "x" is not valid',
  'RUN --mount=from=$x,target=/a b': "'from' doesn't support variable expansion, define alias stage instead",
  'FROM a b': 'FROM requires either one or three arguments',
  'FROM a AS 1b': 'invalid name for build stage: "1b", name can\'t start with a number or contain symbols',
}

describe('parseStages', () => {
  for (const [line, message] of Object.entries(failures)) {
    it(`refuses ${JSON.stringify(line)}`, () => {
      const expected = { code: 'invalid-argument', message: `dockerfile parse error on line 2: ${message}` }
      assert.throws(() => parse(line), expected)
    })
  }

  it('wants a FROM before anything but ARG', () => {
    const file = (text: string) => parseStages(parseDockerfile(text))
    assert.throws(() => file('RUN a'), { message: 'no build stage in current context' })
    assert.equal(file('ARG A=1 B\nFROM $A').globalArgs[0]?.args.length, 2)
  })

  it('names stages in lower case and takes descriptions from comments', () => {
    const { stages } = parseStages(parseDockerfile('# base what it is\nFROM --platform=$P x AS Base\n'))
    const { name, base, platform, description } = stages[0] as (typeof stages)[0]
    assert.deepEqual(
      { name, base, platform, description },
      { name: 'base', base: 'x', platform: '$P', description: 'what it is' },
    )
  })

  it('keeps the trigger of ONBUILD as text, with its here-documents', () => {
    const instruction = parse('ONBUILD RUN <<E\nx\nE\n')
    assert.equal(instruction.kind === 'onbuild' && instruction.trigger, 'RUN <<E\nx\nE')
  })

  it('reports casing while it reads', () => {
    const rules: string[] = []
    const linter = createLinter({ ...defaultLintOptions, experimentalAll: true }, w => rules.push(w.rule))
    parseStages(parseDockerfile('# other text\nFROM x as Foo\nMAINTAINER me\n'), linter)
    assert.deepEqual(rules, [
      'StageNameCasing',
      'FromAsCasing',
      'InvalidDefinitionDescription',
      'MaintainerDeprecated',
    ])
  })
})

describe('parseMount', () => {
  const read = (text: string) => parseMount(text, value => value.replace('$T', '/t'))
  const problems: Readonly<Record<string, string>> = {
    'type=foo': 'unsupported mount type "foo"',
    'type=bnid': 'unsupported mount type "bnid" (did you mean bind?)',
    'taget=/x': "unexpected key 'taget' in 'taget=/x' (did you mean target?)",
    'type=cache,required': "unexpected key 'required' for mount type 'cache'",
    'type=bind,size=1': "unexpected key 'size' for mount type 'bind'",
    'type=tmpfs,size=x': 'invalid value for size: x',
    'ro=maybe': 'invalid value for ro: maybe',
    foo: "invalid field 'foo' must be a key=value pair",
    'mode=9,type=cache': 'invalid value 9 for mode',
    'uid=-1,type=cache': 'invalid value -1 for uid',
    'uid=1': 'uid not allowed for "bind" type mounts',
    'type=secret': 'invalid secret mount. one of source, target required',
    'type=secret,id=a,src=b': "both source and id can't be set",
    'type=ssh,sharing=locked': 'invalid cache sharing set for ssh mount',
    'type=cache,sharing=x': 'unsupported sharing value "x"',
  }
  for (const [text, message] of Object.entries(problems)) {
    it(`refuses ${text}`, () => assert.throws(() => read(text), { code: 'invalid-argument', message }))
  }

  it('makes bind mounts read-only, caches writable, unless told otherwise', () => {
    assert.equal(read('target=/a').readonly, true)
    assert.equal(read('target=/a,rw').readonly, false)
    assert.equal(read('type=cache,target=/a').readonly, false)
    assert.equal(read('type=cache,target=/a,ro').readonly, true)
  })

  it('expands variables in values', () => {
    assert.equal(read('type=cache,target=$T,"id=a,b"').target, '/t')
    assert.equal(read('type=cache,target=$T,"id=a,b"').id, 'a,b')
    assert.equal(read('type=tmpfs,target=/a,size=10m').size, 10 * 1024 * 1024)
  })
})
