import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../scripts/setup/run.ts'

// What others make of a pushed image: programs that Slipway's authors did not write.

/** A platform in an index, as skopeo reads it; attestations are `unknown/unknown`. */
interface Entry {
  readonly digest: string
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

/** Platforms of the images in a pushed index, in its order, attestations left out. */
export async function pushedPlatforms(reference: string): Promise<string[]> {
  return (await pushedImages(reference)).map(({ platform }) => platform)
}

/** Platforms and digests of the images in a pushed index, in its order, attestations left out. */
export async function pushedImages(
  reference: string,
): Promise<{ readonly platform: string; readonly digest: string }[]> {
  const index = JSON.parse(
    await run(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${reference}`]),
  ) as {
    manifests?: Entry[]
  }
  return (index.manifests ?? [])
    .map(({ platform, digest }) => ({
      platform: [platform?.os, platform?.architecture, platform?.variant].filter(Boolean).join('/'),
      digest,
    }))
    .filter(({ platform }) => platform !== 'unknown/unknown')
}

/** Copies every platform with every blob into a scratch folder: skopeo verifies each digest on the way. */
export async function copyWhole(reference: string, dir: string): Promise<void> {
  const flags = ['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', '--quiet']
  await run(['skopeo', ...flags, `docker://${reference}`, `oci:${dir}:copy`])
}

/** Makes a container of the image's platform with buildah, and returns the content of a file in it. */
export async function readByBuildah(
  reference: string,
  platform: string,
  file: string,
  dir: string,
): Promise<string> {
  const policy = join(dir, 'policy.json')
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}')
  const store = ['--root', join(dir, 'bs'), '--runroot', join(dir, 'br'), '--storage-driver', 'vfs']
  const from = ['from', '--quiet', '--signature-policy', policy, '--tls-verify=false', '--platform', platform]
  const container = (await run(['buildah', ...store, ...from, `docker://${reference}`])).trim()
  try {
    const root = (await run(['buildah', ...store, 'mount', container])).trim()
    return await run(['cat', join(root, file)])
  } finally {
    await run(['buildah', ...store, 'rm', container])
  }
}
