import type { BakeFile } from '../file-plan.ts'
import { decodeSource } from '../../hcl/syntax/source-text.ts'
import { parseDotEnv } from './dotenv.ts'
import type { Lookup } from './interpolate.ts'

/** Variables for compose files: `--var`, then the environment, then the `.env` file of the working directory. */
export function composeLookup(
  variables: ReadonlyMap<string, string>,
  environment: ReadonlyMap<string, string>,
  dotEnv: BakeFile | undefined,
): Lookup {
  const fromFile =
    dotEnv === undefined
      ? new Map<string, string>()
      : parseDotEnv(decodeSource(dotEnv.data), name => environment.get(name))
  return name => variables.get(name) ?? environment.get(name) ?? fromFile.get(name)
}
