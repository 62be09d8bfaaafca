/** Builds of Windows Server 2022 and 2025: from 2022 on a host runs images of its own and the previous release. */
const ltsc2022 = 20348
const ltsc2025 = 26100

interface Version {
  readonly major: number
  readonly minor: number
  readonly build: number
}

function parse(text: string): Version | undefined {
  const found = /^(\d{1,3})\.(\d{1,3})\.(\d{1,5})(?:\.|$)/.exec(text)
  if (found === null) return undefined
  const [major, minor, build] = [Number(found[1]), Number(found[2]), Number(found[3])]
  return major > 255 || minor > 255 || build > 65535 ? undefined : { major, minor, build }
}

/**
 * Whether a Windows host of version `host` (`10.0.20348.1`) can run an image made for version `image`; unknown versions
 * match. Source: github.com/containerd/platforms platform_windows_compat.go at v1.0.0-rc.4.
 */
export function windowsVersionMatches(host: string, image: string): boolean {
  const mine = parse(host)
  if (mine === undefined || image === '') return true
  const theirs = parse(image) ?? { major: 0, minor: 0, build: 0 }
  if (mine.major !== theirs.major || mine.minor !== theirs.minor) return false
  if (mine.build < ltsc2022) return mine.build === theirs.build
  const oldest = mine.build > ltsc2025 ? ltsc2025 : ltsc2022
  return oldest <= theirs.build && theirs.build <= mine.build
}
