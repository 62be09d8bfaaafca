import { isIP } from 'node:net'
import { wrapError } from '../../errors/slipway-error.ts'
import { quote } from '../../gostd/quote.ts'
import { invalid } from '../instructions/argument-error.ts'
import type { ListInstruction } from '../instructions/text.ts'
import { rules } from '../linter/rules.ts'
import type { DispatchContext } from './context.ts'
import { addHistory } from './history.ts'
import type { StageBuild } from './stage-build.ts'

/** Applies EXPOSE. Throws `invalid-argument`. */
export function dispatchExpose(
  build: StageBuild,
  instruction: ListInstruction,
  context: DispatchContext,
): void {
  const words = instruction.items.flatMap(item => context.lexer.words(item, build.state.env))
  const ports = words.flatMap(word => expandPort(word, instruction, context))
  const { config } = build.image
  const ExposedPorts = [...new Set([...(config.ExposedPorts ?? []), ...ports])]
  build.image = { ...build.image, config: { ...config, ExposedPorts } }
  addHistory(build, context, `EXPOSE [${ports.join(' ')}]`)
}

/** The ports that one word stands for, as `80/tcp`: `port[-port][/proto]`, also with a host part that means nothing. */
function expandPort(word: string, instruction: ListInstruction, context: DispatchContext): string[] {
  const { ip, hostPort, rest } = splitParts(word)
  const { protocol, ports } = splitProtocol(rest, word)
  if (protocol !== protocol.toLowerCase())
    context.linter.report(rules.exposeProtoCasing, instruction.ranges, word)
  if (ip !== '' || hostPort !== '') context.linter.report(rules.exposeInvalidFormat, instruction.ranges, word)
  checkIp(ip)
  const [start, end] = readRange(ports, 'containerPort')
  if (hostPort !== '') {
    const [hostStart, hostEnd] = readRange(hostPort, 'hostPort')
    if (end - start !== hostEnd - hostStart && end !== start) {
      throw invalid(`invalid ranges specified for container and host Ports: ${ports} and ${hostPort}`)
    }
  }
  return Array.from({ length: end - start + 1 }, (_, i) => `${start + i}/${protocol.toLowerCase()}`)
}

function splitParts(word: string): { ip: string; hostPort: string; rest: string } {
  const parts = word.split(':')
  const rest = parts.pop() as string
  return { rest, hostPort: parts.pop() ?? '', ip: parts.join(':') }
}

function splitProtocol(text: string, word: string): { protocol: string; ports: string } {
  const at = text.indexOf('/')
  const ports = at < 0 ? text : text.slice(0, at)
  const protocol = at < 0 ? '' : text.slice(at + 1)
  const problem = (message: string) => wrapError(`invalid port: ${quote(word)}`, invalid(message))
  if (ports === '') throw problem('no port specified')
  if (!['', 'tcp', 'udp', 'sctp'].includes(protocol.toLowerCase()))
    throw problem(`invalid proto: ${protocol}`)
  return { protocol: protocol === '' ? 'tcp' : protocol, ports }
}

function checkIp(text: string): void {
  if (text === '') return
  const inner = /^\[([^\]]*)\]$/.exec(text)?.[1]
  if (text.startsWith('[') && inner === undefined) {
    throw invalid(`invalid IP address ${text}: address ${text}:: missing ']' in address`)
  }
  const ip = inner ?? text
  if (ip !== '' && (isIP(ip) === 0 || ip.includes('%'))) throw invalid(`invalid IP address: ${ip}`)
}

function readRange(text: string, what: string): [start: number, end: number] {
  const [start = '', end = start] = text.split(/-(.*)/s)
  const first = readPort(start)
  const last = readPort(end)
  if (first === undefined || last === undefined || last < first) throw invalid(`invalid ${what}: ${text}`)
  return [first, last]
}

function readPort(text: string): number | undefined {
  const port = /^[+-]?[0-9]+$/.test(text) ? Number(text) : -1
  return port >= 0 && port <= 65535 ? port : undefined
}
