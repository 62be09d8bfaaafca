import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../../test/support/fuzz.ts'
import { isSlipwayError } from '../errors/slipway-error.ts'
import { parseGitRef } from './git/git-ref.ts'
import { parseIgnoreFile } from './ignore/ignore-file.ts'
import { parseMount } from './instructions/mount.ts'
import { parseStages } from './instructions/parse-stages.ts'
import { parseLintOptions } from './linter/options.ts'
import { detectSyntax } from './parser/directive.ts'
import { parseJsonForm } from './parser/json-form.ts'
import { parseDockerfile } from './parser/parse.ts'
import { Lexer } from './shell/lexer.ts'
import { variablesOf } from './shell/variables.ts'

const words = [
  'FROM ', 'RUN ', 'COPY ', 'ADD ', 'ENV ', 'ARG ', 'LABEL ', 'ONBUILD ', 'HEALTHCHECK ', 'EXPOSE ', 'SHELL ', 'CMD ',
  'a', 'b=c', '--', '--from=', '--mount=', 'type=cache,', '<<', '<<-', 'EOF', '"', "'", '\\', '`', '\n', '\r\n', '\\\n',
  ' ', '\t', '#', '# escape=`\n', '[', ']', '["x"]', '$', '${', '}', ':-', '##', '%', '/', '//', '*', '?', '\0', '\ud800',
  'é', '\ufeff', '1', '-', '=', ',', ';',
] // biome-ignore format: a table
const text = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, fc.string()), { maxLength: 40 })
  .map(parts => parts.join(''))

/** Runs `fn`; anything it throws must be one of our errors, with a message. */
function tame(fn: () => unknown): void {
  try {
    fn()
  } catch (error) {
    if (!isSlipwayError(error)) throw error
    assert.notEqual(error.message, '')
  }
}

const readers: Readonly<Record<string, (input: string) => unknown>> = {
  'the parser and the instructions': input => parseStages(parseDockerfile(input)),
  'the shell lexer': input => new Lexer().words(input, variablesOf(['a=x*y?z', 'b='])),
  'the shell lexer with everything raw': input =>
    new Lexer({ rawQuotes: true, rawEscapes: true, skipUnset: true, escape: '`' }).word(
      input,
      variablesOf(['a=1']),
    ),
  'JSON forms': input => parseJsonForm(`[${input}`),
  mounts: input => parseMount(input, value => value),
  'Git sources': parseGitRef,
  'ignore files': parseIgnoreFile,
  'check options': parseLintOptions,
  'syntax directives': detectSyntax,
}

describe('hostile input', () => {
  for (const [name, read] of Object.entries(readers)) {
    it(`never makes ${name} throw anything but a SlipwayError`, () => {
      fc.assert(
        fc.property(text, input => tame(() => read(input))),
        { numRuns: 1000 },
      )
    })
  }

  it('that grows when it is expanded is stopped in time', () => {
    const variables = variablesOf([`a=${'x'.repeat(1 << 18)}`, `b=${'y'.repeat(100)}`])
    const often = '$a'.repeat(40)
    for (const text of [often, `"${often}"`, `\${c:-${often}}`, '${a//x/$b}']) {
      assert.throws(() => new Lexer().word(text, variables), { code: 'resource-exhausted' })
    }
    const many = variablesOf([`a=${'x'.repeat(200_000)}`])
    assert.equal(new Lexer().word('${a//x/yy}', many).length, 400_000)
  })

  it('of great depth and length is read in reasonable time', () => {
    const deep = 100_000
    for (const input of [
      '${a:-'.repeat(deep),
      '"'.repeat(deep),
      `\${a${'/*'.repeat(deep)}}`,
      '$'.repeat(deep),
    ]) {
      tame(() => new Lexer().word(input, variablesOf([`a=${'a'.repeat(1000)}`])))
    }
    const lines = `FROM a\nRUN ${'x \\\n'.repeat(deep)}y\n`
    assert.equal(parseDockerfile(lines).nodes.length, 2)
    tame(() => parseDockerfile('ONBUILD '.repeat(5000)))
    tame(() => parseDockerfile(`RUN ${'['.repeat(60_000)}`))
    tame(() => parseDockerfile(`RUN ${'<<A '.repeat(10_000)}`))
    tame(() => parseDockerfile(`ENV ${'\\ '.repeat(30_000)}=${' '.repeat(5000)}`))
  })
})
