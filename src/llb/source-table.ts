import { create } from '@bufbuild/protobuf'
import { type Source, SourceSchema } from '../proto/gen/ops_pb.ts'
import type { SourceFile, SourceLocation } from './options.ts'

/** Which lines of which files the ops come from. */
export class SourceTable {
  readonly #files: SourceFile[] = []
  readonly #locations = new Map<string, SourceLocation[]>()

  add(digest: string, locations: readonly SourceLocation[]): void {
    for (const { file } of locations) if (this.#indexOf(file) < 0) this.#files.push(file)
    this.#locations.set(digest, [...(this.#locations.get(digest) ?? []), ...locations])
  }

  toWire(): Source {
    const locations = Array.from(this.#locations, ([digest, list]) => [
      digest,
      {
        locations: list.map(({ file, ranges }) => ({
          sourceIndex: this.#indexOf(file),
          ranges: ranges.map(copyRange),
        })),
      },
    ])
    return create(SourceSchema, {
      locations: Object.fromEntries(locations),
      infos: this.#files.map(({ filename, language, data, definition }) => ({
        filename,
        language,
        data,
        ...(definition === undefined ? {} : { definition }),
      })),
    })
  }

  #indexOf(file: SourceFile): number {
    return this.#files.findIndex(known => known === file || isSame(known, file))
  }
}

function isSame(a: SourceFile, b: SourceFile): boolean {
  return a.filename === b.filename && a.language === b.language && Buffer.compare(a.data, b.data) === 0
}

function copyRange(range: SourceLocation['ranges'][number]) {
  return { start: { ...range.start }, end: { ...range.end } }
}
