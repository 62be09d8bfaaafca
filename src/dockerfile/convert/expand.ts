import type { Instruction } from '../instructions/instruction.ts'

type Expand = (text: string) => string

/**
 * An instruction with the variables in its words expanded, in the order in which BuildKit does it. ARG and EXPOSE expand
 * theirs when they are applied; commands leave it to the shell; the mounts of RUN are expanded when they are read.
 */
export function expandInstruction(instruction: Instruction, expand: Expand): Instruction {
  switch (instruction.kind) {
    case 'env':
    case 'label':
      return {
        ...instruction,
        pairs: instruction.pairs.map(({ name, value, legacy }) => ({
          name: expand(name),
          value: expand(value),
          legacy,
        })),
      }
    case 'add': {
      const chown = expand(instruction.chown)
      const chmod = expand(instruction.chmod)
      const checksum = expand(instruction.checksum)
      const sources = instruction.sources.map(expand)
      return { ...instruction, chown, chmod, checksum, sources, destination: expand(instruction.destination) }
    }
    case 'copy': {
      const chown = expand(instruction.chown)
      const chmod = expand(instruction.chmod)
      const sources = instruction.sources.map(expand)
      return { ...instruction, chown, chmod, sources, destination: expand(instruction.destination) }
    }
    case 'stopsignal':
    case 'user':
    case 'workdir':
      return { ...instruction, text: expand(instruction.text) }
    case 'volume':
      return { ...instruction, items: instruction.items.map(expand) }
    case 'arg':
    case 'cmd':
    case 'entrypoint':
    case 'expose':
    case 'healthcheck':
    case 'maintainer':
    case 'onbuild':
    case 'run':
    case 'shell':
      return instruction
  }
}

/** The same for the contents of here-documents, where quotes are ordinary characters. */
export function expandContents(instruction: Instruction, expand: Expand): Instruction {
  if (instruction.kind !== 'add' && instruction.kind !== 'copy') return instruction
  const inline = instruction.inline.map(source =>
    source.expand ? { ...source, content: expand(source.content) } : source,
  )
  return { ...instruction, inline }
}
