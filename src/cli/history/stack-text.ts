import { fromBinary, fromJson, type JsonValue } from '@bufbuild/protobuf'
import type { Status } from '../../proto/gen/rpc-status_pb.ts'
import { type Frame, type Stack, StackSchema } from '../../proto/gen/stack_pb.ts'

/**
 * A failure as those see it who look for a fault in the program: the message, then where it passed through, process by
 * process. Frames that several traces end with are shown once, in the longest.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/util/stack/stack.go, without the frames of the asking program
 */
export function stackText(message: string, status: Status): string {
  const traces = stacksOf(status).reduce<readonly Stack[]>((all, one) => compress([...all, one]), [])
  const parts = traces.map(({ pid, version, cmdline, frames }) => {
    const lines = frames.map(({ Name, File, Line }) => `${Name}\n\t${File}:${Line}\n`)
    return `${pid} ${version} ${cmdline.join(' ')}\n${lines.join('')}\n`
  })
  return `${message}\n${parts.join('')}`
}

function stacksOf(status: Status): Stack[] {
  return status.details.flatMap(({ typeUrl, value }) => {
    try {
      if (typeUrl.endsWith('/stack.Stack')) return [fromBinary(StackSchema, value)]
      if (!typeUrl.endsWith('/stack.Stack+json')) return []
      const json = JSON.parse(Buffer.from(value).toString('utf8')) as JsonValue
      return [fromJson(StackSchema, json, { ignoreUnknownFields: true })]
    } catch {
      // A trace is a favour: one that is malformed must not hide the record.
      return []
    }
  })
}

function compress(stacks: readonly Stack[]): Stack[] {
  const shown: Stack[] = []
  for (const stack of stacks.toSorted((a, b) => b.frames.length - a.frames.length)) {
    const { frames } = stack
    const common = shown.map(one => ({ one, count: commonEnd(frames, one.frames) }))
    if (common.some(({ one, count }) => count === frames.length && count > 0 && isSameProcess(stack, one)))
      continue
    const longest = Math.max(0, ...common.map(({ count }) => count))
    // One frame of what is left out stays, to show where the traces meet.
    shown.push(longest > 1 ? { ...stack, frames: frames.slice(0, frames.length - (longest - 1)) } : stack)
  }
  return shown
}

/** How many frames both end with. */
function commonEnd(a: readonly Frame[], b: readonly Frame[]): number {
  const most = Math.min(a.length, b.length)
  for (let i = 1; i <= most; i++) {
    const [one, other] = [a.at(-i), b.at(-i)]
    if (one?.Name !== other?.Name || one?.File !== other?.File || one?.Line !== other?.Line) return i - 1
  }
  return most
}

const isSameProcess = (a: Stack, b: Stack): boolean =>
  a.pid === b.pid && a.version === b.version && a.cmdline.join('\0') === b.cmdline.join('\0')
