import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { detectSyntax, findDirective } from './directive.ts'
import { chompHeredoc } from './heredoc.ts'
import { locationsOf } from './location.ts'
import type { Node } from './node.ts'
import { parseDockerfile } from './parse.ts'

const nodes = (text: string): readonly Node[] => parseDockerfile(text).nodes
const first = (text: string): Node => nodes(text)[0] as Node

describe('lines', () => {
  it('are counted from 1 and joined over continuations, inner blanks kept', () => {
    const [from, run] = nodes('FROM a\n\nRUN echo 1 && \\\n  echo 2 && \\\n\t  echo 3\n')
    assert.deepEqual([from?.startLine, from?.endLine, run?.startLine, run?.endLine], [1, 1, 3, 5])
    assert.equal(run?.original, 'RUN echo 1 &&   echo 2 && \t  echo 3')
  })

  it('may end in CRLF, and a BOM is no part of the first', () => {
    assert.deepEqual(first('\ufeffFROM a\r\n').args, ['a'])
  })

  it('of comments inside a continuation go away, empty ones are noted', () => {
    const file = parseDockerfile('RUN a \\\n# gone\n\n   # gone too\n b\n')
    assert.equal(file.nodes[0]?.original, 'RUN a  b')
    assert.deepEqual(file.emptyContinuations, [5])
  })

  it('ending in an escaped escape character do not continue', () => {
    assert.deepEqual(
      nodes('RUN a \\\\\nRUN b').map(n => n.original),
      ['RUN a \\\\', 'RUN b'],
    )
  })

  it('may end in the escape character at the end of the file', () => {
    assert.equal(first('RUN a \\').original, 'RUN a ')
  })

  it('longer than 64 KiB are refused', () => {
    const long = `FROM a\nRUN ${'x'.repeat(65532)}\n`
    assert.throws(() => nodes(long), { message: 'dockerfile line greater than max allowed size of 65535' })
    assert.equal(nodes(`FROM a\nRUN ${'x'.repeat(65531)}\n`).length, 2)
  })

  it('are missing in a file of comments', () => {
    assert.throws(() => nodes('# a\n\n'), { message: 'file with no instructions' })
  })
})

describe('directives', () => {
  it('are read at the very top only, each once', () => {
    assert.equal(parseDockerfile('# Escape = `\nRUN a `\n b').nodes[0]?.original, 'RUN a  b')
    assert.equal(parseDockerfile('# comment\n# escape=`\nRUN a').escape, '\\')
    assert.throws(() => nodes('# escape=`\n# escape=\\\nRUN a'), {
      message: 'only one escape parser directive can be used',
    })
    assert.throws(() => nodes('# escape=x\nRUN a'), {
      message: "invalid escape token 'x' does not match ` or \\",
    })
  })

  it('find the syntax in three forms, below a #! line too', () => {
    assert.deepEqual(detectSyntax('# syntax = a/b:1 --x y\nFROM c')?.value, 'a/b:1')
    assert.deepEqual(detectSyntax('#!/bin/x\n//syntax=a/b\n')?.ranges[0]?.start.line, 2)
    assert.deepEqual(detectSyntax('{"syntax": "a/b c"}')?.rest, 'a/b c')
    assert.equal(detectSyntax('FROM a\n# syntax=b'), undefined)
    assert.equal(
      findDirective('check', '# syntax=x\n# check=skip=A;error=true\n')?.value,
      'skip=A;error=true',
    )
  })
})

describe('words', () => {
  it('of flags are parted by blanks of ASCII only', () => {
    const node = first('HEALTHCHECK \u2028--interval=5s CMD x')
    assert.deepEqual(node.flags, [])
  })

  it('of flags lose quotes and escapes, and end at a lone --', () => {
    const node = first('COPY --a="b c" --d=e\\ f -- --g h')
    assert.deepEqual(node.flags, ['--a=b c', '--d=e f'])
    assert.deepEqual(node.args, ['--g', 'h'])
  })

  it('are strings of a JSON array, or the shell form where it is none', () => {
    assert.deepEqual(first('RUN ["a", "b c"]').args, ['a', 'b c'])
    assert.deepEqual(first("RUN ['a']").args, ["['a']"])
    assert.equal(first('RUN [ "a" ').json, false)
    assert.throws(() => nodes('RUN ["a", 1]'), {
      message: 'when using JSON array syntax, arrays must be comprised of strings only',
    })
  })

  it('of ENV are pairs, in the old form the rest of the line', () => {
    assert.deepEqual(first('ENV a=b c="d e" f\\ g=h').pairs, [
      { name: 'a', value: 'b', legacy: false },
      { name: 'c', value: '"d e"', legacy: false },
      { name: 'f\\ g', value: 'h', legacy: false },
    ])
    assert.deepEqual(first('ENV a b  c=d').pairs, [{ name: 'a', value: 'b  c=d', legacy: true }])
    assert.throws(() => nodes('ENV a'), { message: 'ENV must have two arguments' })
    assert.throws(() => nodes('ENV a=1 b'), {
      message: 'Syntax error - can\'t find = in "b". Must be of the form: name=value',
    })
  })
})

describe('here-documents', () => {
  it('hang on their instruction, several in order, quoted names not expanded', () => {
    const node = first('COPY <<A <<"B" /x\n1\nA\n2\nB\n')
    assert.deepEqual(
      node.heredocs.map(({ name, content, expand }) => [name, content, expand]),
      [
        ['A', '1\n', true],
        ['B', '2\n', false],
      ],
    )
    assert.equal(node.endLine, 5)
  })

  it('with a dash end at an indented name and lose tabs, not blanks', () => {
    const node = first('RUN <<-E\n\ta\n\t b\n\tE\n')
    assert.equal(chompHeredoc(node.heredocs[0]?.content ?? ''), 'a\n b\n')
  })

  it('belong to RUN, COPY and ADD only, not to JSON forms', () => {
    assert.equal(first('ONBUILD RUN <<E\na\nE\n').heredocs.length, 1)
    assert.equal(nodes('CMD <<E\nRUN a').length, 2)
    assert.equal(nodes('RUN ["<<E"]\nRUN a').length, 2)
  })

  it('must end', () => {
    assert.throws(
      () => nodes('FROM a\nRUN <<E\nx\n'),
      (e: never) => {
        assert.equal((e as Error).message, 'unterminated heredoc')
        assert.deepEqual(
          locationsOf(e)[0]?.map(r => r.start.line),
          [2, 3],
        )
        return true
      },
    )
  })
})

describe('comments above an instruction', () => {
  it('stay with it, a blank comment parts them', () => {
    assert.deepEqual(first('# a\n#\n# b\n\n# c\nFROM x').comments, ['b', 'c'])
  })
})
