import { formatDuration } from '../../gostd/duration.ts'
import { quote } from '../../gostd/quote.ts'
import type { ContainerConfig } from '../../oci/image-config.ts'
import { invalid } from '../instructions/argument-error.ts'
import type { CommandInstruction } from '../instructions/command.ts'
import type { Healthcheck, HealthcheckInstruction } from '../instructions/healthcheck.ts'
import type { OnbuildInstruction } from '../instructions/onbuild.ts'
import type { InstructionBase } from '../instructions/instruction.ts'
import type { ListInstruction, TextInstruction } from '../instructions/text.ts'
import { rules } from '../linter/rules.ts'
import type { DispatchContext } from './context.ts'
import { addHistory } from './history.ts'
import { checkSignal } from './signal.ts'
import type { StageBuild } from './stage-build.ts'

/** Applies CMD, ENTRYPOINT or SHELL. */
export function dispatchCommand(
  build: StageBuild,
  instruction: CommandInstruction,
  context: DispatchContext,
): void {
  if (instruction.kind === 'shell') {
    configure(build, { Shell: instruction.words })
    return addHistory(build, context, `SHELL [${instruction.words.join(' ')}]`)
  }
  const hadCommand = build.seen.has('cmd')
  lintRepeated(build, instruction.kind, instruction, context)
  if (instruction.inShell && (build.image.config.Shell ?? []).length === 0) {
    context.linter.report(rules.jsonArgsRecommended, instruction.ranges, instruction.keyword)
  }
  const words = instruction.inShell ? inShell(build, instruction.words) : instruction.words
  if (instruction.kind === 'cmd') configure(build, { Cmd: words, ArgsEscaped: true })
  else {
    configure(build, { Entrypoint: words })
    if (!hadCommand) {
      const { Cmd: _, ...config } = build.image.config
      build.image = { ...build.image, config }
    }
  }
  addHistory(build, context, `${instruction.kind.toUpperCase()} [${words.map(quote).join(' ')}]`)
}

/** The words with the image's shell in front. */
export function inShell(build: StageBuild, words: readonly string[]): string[] {
  const { Shell = [] } = build.image.config
  const standard = build.image.os === 'windows' ? ['cmd', '/S', '/C'] : ['/bin/sh', '-c']
  return [...(Shell.length > 0 ? Shell : standard), words.join(' ')]
}

/** Applies HEALTHCHECK. */
export function dispatchHealthcheck(
  build: StageBuild,
  instruction: HealthcheckInstruction,
  context: DispatchContext,
): void {
  const { check } = instruction
  lintRepeated(build, 'healthcheck', instruction, context)
  configure(build, {
    Healthcheck: {
      Test: check.test,
      ...filled('Interval', Number(check.interval)),
      ...filled('Timeout', Number(check.timeout)),
      ...filled('StartPeriod', Number(check.startPeriod)),
      ...filled('StartInterval', Number(check.startInterval)),
      ...filled('Retries', check.retries),
    },
  })
  addHistory(build, context, `HEALTHCHECK ${healthcheckText(check)}`)
}

/** Applies MAINTAINER, STOPSIGNAL or USER. Throws `invalid-argument` for a signal that does not exist. */
export function dispatchText(
  build: StageBuild,
  instruction: TextInstruction,
  context: DispatchContext,
): void {
  const { kind, text } = instruction
  if (kind === 'maintainer') build.image = { ...build.image, author: text }
  else if (kind === 'user') {
    build.state = { ...build.state, user: text }
    configure(build, { User: text })
  } else {
    checkSignal(text)
    configure(build, { StopSignal: text })
  }
  addHistory(build, context, `${kind.toUpperCase()} ${text}`)
}

/** Applies VOLUME. Throws `invalid-argument` for an empty name. */
export function dispatchVolume(
  build: StageBuild,
  instruction: ListInstruction,
  context: DispatchContext,
): void {
  const { items } = instruction
  if (items.includes('')) throw invalid('VOLUME specified can not be an empty string')
  configure(build, { Volumes: [...new Set([...(build.image.config.Volumes ?? []), ...items])] })
  addHistory(build, context, `VOLUME [${items.join(' ')}]`)
}

/** Applies ONBUILD: the trigger is kept for the images that build on this one. */
export function dispatchOnbuild(build: StageBuild, instruction: OnbuildInstruction): void {
  configure(build, { OnBuild: [...(build.image.config.OnBuild ?? []), instruction.trigger] })
}

function configure(build: StageBuild, changes: ContainerConfig): void {
  build.image = { ...build.image, config: { ...build.image.config, ...changes } }
}

function lintRepeated(
  build: StageBuild,
  kind: string,
  { keyword, ranges }: InstructionBase,
  context: DispatchContext,
): void {
  const earlier = build.seen.get(kind)
  if (earlier !== undefined) context.linter.report(rules.multipleInstructionsDisallowed, earlier, keyword)
  build.seen.set(kind, ranges)
}

function filled<K extends string>(key: K, value: number): { [P in K]?: number } {
  return (value === 0 ? {} : { [key]: value }) as { [P in K]?: number }
}

function healthcheckText(check: Healthcheck): string {
  const { test, interval, timeout, startPeriod, startInterval, retries } = check
  const times = Object.entries({
    Interval: interval,
    Timeout: timeout,
    StartPeriod: startPeriod,
    StartInterval: startInterval,
  })
  const fields = times.map(([name, duration]) => `${name}:${formatDuration(duration)}`)
  return `{Test:[${test.join(' ')}] ${fields.join(' ')} Retries:${retries}}`
}
