import { goCodeName } from '../../errors/go-code-name.ts'
import { bytesSize } from '../../gostd/byte-units.ts'
import { tabColumns } from '../../gostd/tab-columns.ts'
import type { NamedValue } from './inspect-config.ts'
import type { InspectedBuild } from './inspect-record.ts'
import { shortDuration } from './short-duration.ts'

type Row = readonly [string, string | undefined]

const present = (rows: readonly Row[]): string =>
  tabColumns(
    rows.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[`${name}:`, value]])),
  )

/** What people want to see of a build. */
export interface InspectTextOptions {
  /** The reference was not given, so that it is shown. */
  readonly withRef: boolean
  /** Where in the programs a failure came from, too; otherwise only how to see it. */
  readonly withStack: boolean
}

/** A build as people read it. */
export function inspectText(build: InspectedBuild, options: InspectTextOptions): string {
  return [
    present([
      ['Name', build.Name],
      ['Ref', options.withRef ? build.Ref : undefined],
      ['Context', build.Context],
      ['Dockerfile', build.Dockerfile],
      ['VCS Repository', build.VCSRepository],
      ['VCS Revision', build.VCSRevision],
      ['Target', build.Target],
      ['Platforms', build.Platform?.join(', ')],
      ['Keep Git Dir', build.KeepGitDir ? 'true' : undefined],
    ]),
    '\n',
    table('NAMED CONTEXT', build.NamedContexts),
    progressText(build),
    '\n',
    settingsText(build.Config),
    '\n',
    table('BUILD ARG', build.BuildArgs),
    table('LABEL', build.Labels),
    ...(build.Materials === undefined
      ? []
      : [
          'Materials:\n',
          tabColumns([
            ['URI', 'DIGEST'],
            ...build.Materials.map(one => [one.URI, (one.Digests ?? []).join(', ')]),
          ]),
          '\n',
        ]),
    ...(build.Attachments === undefined
      ? []
      : [
          'Attachments:\n',
          tabColumns([
            ['DIGEST', 'PLATFORM', 'TYPE'],
            ...build.Attachments.map(one => [one.digest, one.platform ?? '', one.type]),
          ]),
          '\n',
        ]),
    errorText(build, options),
  ].join('')
}

function progressText(build: InspectedBuild): string {
  const running = build.Status === 'running' ? ' (running)' : ''
  const error = build.Status === 'failed' ? build.Error : undefined
  const { NumCompletedSteps: done, NumTotalSteps: total, NumCachedSteps: cached } = build
  const share = total === 0 ? 'NaN' : ((cached / total) * 100).toFixed(0)
  return present([
    ['Started', localTime(build.startedMs)],
    ['Duration', shortDuration(build.durationMs) + running],
    ['Error', error && `${goCodeName(error.Code)} ${error.Message}`],
    ['Status', build.Status === 'canceled' ? 'Canceled' : undefined],
    ['Build Steps', `${done}/${total} (${share}% cached)`],
  ])
}

function localTime(ms: number): string {
  const date = new Date(ms)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function settingsText(config: InspectedBuild['Config']): string {
  return present([
    ['Network', config.Network],
    ['Hostname', config.Hostname],
    ['Extra Hosts', config.ExtraHosts?.join(', ')],
    ['Cgroup Parent', config.CgroupParent],
    ['Image Resolve Mode', config.ImageResolveMode],
    ['Multi-Platform', config.MultiPlatform ? 'true' : undefined],
    ['No Cache', config.NoCache ? 'true' : undefined],
    ['No Cache Filter', config.NoCacheFilter?.join(', ')],
    ['Shm Size', config.ShmSize],
    ['Resource Limits', config.Ulimit],
    ['Memory', size(config.Memory)],
    ['Memory Swap', size(config.MemorySwap)],
    ['CPU Shares', config.CPUShares],
    ['CPU Period', config.CPUPeriod],
    ['CPU Quota', config.CPUQuota],
    ['CPUSet CPUs', config.CPUSetCPUs],
    ['CPUSet Mems', config.CPUSetMems],
    ['Cache Mount Namespace', config.CacheMountNS],
    ['Dockerfile Check Config', config.DockerfileCheckConfig],
    ['Source Date Epoch', config.SourceDateEpoch],
    ['Sandbox Hostname', config.SandboxHostname],
    ...(config.RestRaw ?? []).map(({ Name, Value }): Row => [Name, Value]),
  ])
}

/** A number of bytes for people; anything else (`-1`: no limit) as it is. */
const size = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d+$/.test(text) ? bytesSize(BigInt(text)) : text

function table(title: string, values: readonly NamedValue[] | undefined): string {
  if (values === undefined) return ''
  return `${tabColumns([[title, 'VALUE'], ...values.map(({ Name, Value }) => [Name, Value])])}\n`
}

function errorText({ Error: error }: InspectedBuild, { withStack }: InspectTextOptions): string {
  if (error === undefined) return ''
  const sources = error.Sources === undefined ? '' : Buffer.from(error.Sources).toString('utf8')
  const logs =
    error.Logs === undefined
      ? ''
      : `Logs:\n> => ${error.Name}:\n${error.Logs.map(line => `> ${line}\n`).join('')}\n`
  if (error.Stack === undefined) return sources + logs
  const stack = withStack
    ? `\n${Buffer.from(error.Stack).toString('utf8')}\n`
    : 'Enable --debug to see stack traces for error\n'
  return sources + logs + stack
}
