import type { Body } from '../hcl/body.ts'
import { type Diagnostics, DiagnosticsError } from '../hcl/diagnostic.ts'
import { JsonReader } from '../hcl/json/json-reader.ts'
import { parseJsonFile } from '../hcl/json/parse-json.ts'
import { NativeReader } from '../hcl/syntax/native-reader.ts'
import { parseNative } from '../hcl/syntax/parse.ts'
import { decodeSource } from '../hcl/syntax/source-text.ts'
import type { BakeFile } from './file-plan.ts'

/** Parses a `.json` file as HCL JSON and a `.hcl` file as HCL; any other as HCL, or else as JSON. Throws a `DiagnosticsError`. */
export function parseHclFile({ name, data }: BakeFile): Body {
  const text = decodeSource(data)
  if (name.endsWith('.json')) return parseWith(readJson, text, name)
  if (name.endsWith('.hcl')) return parseWith(readNative, text, name)
  try {
    return parseWith(readNative, text, `${name}.hcl`)
  } catch (e) {
    if (!(e instanceof DiagnosticsError)) throw e
    try {
      return parseWith(readJson, text, `${name}.json`)
    } catch {
      throw e
    }
  }
}

type Read = (text: string, name: string, diagnostics: Diagnostics) => Body

const readNative: Read = (text, name, diagnostics) => new NativeReader(parseNative(text, name, diagnostics))
const readJson: Read = (text, name, diagnostics) => new JsonReader(parseJsonFile(text, name, diagnostics))

function parseWith(read: Read, text: string, name: string): Body {
  const diagnostics: Diagnostics = []
  const body = read(text, name, diagnostics)
  if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
  return body
}
