import { goJson, type JsonValue } from '../gostd/json.ts'
import { executeTemplate, type TemplateFunctions } from '../gostd/template/execute.ts'
import { parseTemplate } from '../gostd/template/parse.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { descriptorJson, platformJson, textMapJson } from '../oci/descriptor-json.ts'
import type { ContainerConfig, HistoryEntry, ImageConfig } from '../oci/image-config.ts'
import { ociImageJson } from '../oci/image-config-json.ts'
import type { Platform } from '../oci/platform.ts'
import type { Attestations } from './attestation.ts'
import { goAny, goMap, goStruct, toJson } from './go-value.ts'
import type { ImageTools } from './image-tools.ts'
import { type Inspected, inspectText } from './inspect.ts'
import { type LoadedPlatform, loadImage } from './load-image.ts'

const functions: TemplateFunctions = {
  json: value => goJson(toJson(value), { indent: '  ' }),
}

/**
 * What `imagetools inspect --format` prints: a Go template over Name, Manifest, Image, SBOM and Provenance, the last
 * three by platform where there are several. `{{.Manifest}}` alone is the plain text. Throws Go's template errors.
 */
export async function formatInspected(
  inspected: Inspected,
  format: string,
  tools: ImageTools,
): Promise<string> {
  const template = parseTemplate(format, Object.keys(functions))
  if (/^\{\{-?\s*\.Manifest\s*-?\}\}$/.test(format.trim())) return inspectText(inspected)
  const attestations = /SBOM|Provenance/.test(format)
  return executeTemplate(
    template,
    inspectData(inspected, await loadImage(inspected, tools, { attestations })),
    functions,
  )
}

/** The value that templates are run over. */
export function inspectData(inspected: Inspected, platforms: readonly LoadedPlatform[]): unknown {
  const { name } = inspected
  const manifest = manifestValue(inspected)
  const several = platforms.length > 1
  const one = platforms[0]
  const byPlatform = (value: (p: LoadedPlatform) => unknown): ReadonlyMap<string, unknown> =>
    goMap(
      platforms.flatMap(p => {
        const found = value(p)
        return found === undefined ? [] : [[p.platform, found] as const]
      }),
    )
  const image = several
    ? byPlatform(p => imageValue(p.config))
    : one === undefined
      ? null
      : imageValue(one.config)
  const sbom = (p: LoadedPlatform): unknown => sbomValue(p.attestations)
  const provenance = (p: LoadedPlatform): unknown => provenanceValue(p.attestations)
  return goStruct(
    several ? 'imagetools.tplInputs' : 'imagetools.tplInput',
    { Name: name, Manifest: manifest, Image: image },
    () => ({
      name: name === '' ? undefined : name,
      manifest: toJson(manifest),
      image: image === null ? undefined : toJson(image),
    }),
    {
      SBOM: () => (several ? byPlatform(sbom) : ((one && sbom(one)) ?? sbomStub([]))),
      Provenance: () =>
        several ? byPlatform(provenance) : ((one && provenance(one)) ?? provenanceStub(null)),
    },
  )
}

function sbomValue({ sboms }: Attestations): unknown {
  return sboms.length === 0 ? undefined : sbomStub(sboms)
}

function sbomStub([first, ...others]: readonly unknown[]): unknown {
  const fields = { SPDX: goAny(first ?? null), AdditionalSPDXs: others.map(goAny) }
  return goStruct('imagetools.sbomStub', fields, () => ({
    SPDX: fields.SPDX === undefined ? undefined : toJson(fields.SPDX),
    AdditionalSPDXs: others.length === 0 ? undefined : toJson(fields.AdditionalSPDXs),
  }))
}

function provenanceValue({ provenance }: Attestations): unknown {
  return provenance === undefined ? undefined : provenanceStub(provenance)
}

function provenanceStub(predicate: unknown): unknown {
  const SLSA = goAny(predicate)
  return goStruct('imagetools.provenanceStub', { SLSA }, () => ({
    SLSA: SLSA === undefined ? undefined : toJson(SLSA),
  }))
}

/** The type that Go's errors name for a value in a field of type `any`. */
const held = 'interface {}'

function manifestValue({ descriptor, index }: Inspected): unknown {
  const { mediaType, digest, size } = descriptor
  if (index === undefined) return descriptorValue({ mediaType, digest, size }, held)
  const manifests = index.manifests.map(d => descriptorValue(d))
  const fields = {
    SchemaVersion: index.schemaVersion,
    MediaType: index.mediaType ?? '',
    Digest: digest,
    Size: size,
    Manifests: manifests,
    Annotations: textMap(index.annotations),
  }
  return goStruct(held, fields, () => ({
    schemaVersion: index.schemaVersion,
    mediaType: index.mediaType,
    digest,
    size,
    manifests: manifests.map(toJson),
    annotations: textMapJson(index.annotations),
  }))
}

function descriptorValue(descriptor: Descriptor, type = 'v1.Descriptor'): unknown {
  const { mediaType, digest, size, urls = [], annotations, data, platform, artifactType = '' } = descriptor
  const fields = {
    MediaType: mediaType,
    Digest: digest,
    Size: size,
    URLs: urls,
    Annotations: textMap(annotations),
    Data: data === undefined ? [] : Buffer.from(data, 'base64'),
    Platform: platform === undefined ? null : platformValue(platform),
    ArtifactType: artifactType,
  }
  return goStruct(type, fields, () => descriptorJson(descriptor))
}

function platformFields(platform: Platform): Readonly<Record<string, unknown>> {
  return {
    Architecture: platform.architecture,
    OS: platform.os,
    OSVersion: platform['os.version'] ?? '',
    OSFeatures: platform['os.features'] ?? [],
    Variant: platform.variant ?? '',
  }
}

function platformValue(platform: Platform): unknown {
  return goStruct('v1.Platform', platformFields(platform), () => platformJson(platform))
}

function imageValue(image: ImageConfig): unknown {
  const whole = ociImageJson(image) as Readonly<Record<string, JsonValue>>
  const part = (name: string) => (): JsonValue => whole[name]
  const fields = {
    Created: timeValue(image.created),
    Author: image.author ?? '',
    Platform: platformValue(image),
    Config: goStruct('v1.ImageConfig', configFields(image.config), part('config')),
    RootFS: goStruct(
      'v1.RootFS',
      { Type: image.rootfs.type, DiffIDs: image.rootfs.diff_ids },
      part('rootfs'),
    ),
    History: image.history.map((entry, i) =>
      historyValue(entry, (whole['history'] as readonly JsonValue[])[i]),
    ),
  }
  return goStruct('*v1.Image', fields, () => whole, platformFields(image))
}

function configFields(config: ContainerConfig): Readonly<Record<string, unknown>> {
  const set = (names: readonly string[] = []): unknown =>
    goMap(names.map(name => [name, goStruct('struct {}', {}, () => ({}))]))
  return {
    User: config.User ?? '',
    ExposedPorts: set(config.ExposedPorts),
    Env: config.Env ?? [],
    Entrypoint: config.Entrypoint ?? [],
    Cmd: config.Cmd ?? [],
    Volumes: set(config.Volumes),
    WorkingDir: config.WorkingDir ?? '',
    Labels: textMap(config.Labels),
    StopSignal: config.StopSignal ?? '',
    ArgsEscaped: config.ArgsEscaped ?? false,
  }
}

function historyValue(entry: HistoryEntry, json: JsonValue): unknown {
  const fields = {
    Created: timeValue(entry.created),
    CreatedBy: entry.created_by ?? '',
    Author: entry.author ?? '',
    Comment: entry.comment ?? '',
    EmptyLayer: entry.empty_layer ?? false,
  }
  return goStruct('v1.History', fields, () => json)
}

/** A pointer to a time: prints as Go's `time.Time` does, and marshals as RFC 3339. */
function timeValue(text: string | undefined): unknown {
  if (text === undefined) return null
  const zone = text.endsWith('Z') ? '+0000 UTC' : text.slice(-6).replace(':', '').replace(/^.*$/, '$& $&')
  const shown = `${text.replace('T', ' ').replace(/(Z|[+-]\d\d:\d\d)$/, '')} ${zone}`
  return goStruct('time.Time', { toString: () => shown }, () => text)
}

function textMap(map: Readonly<Record<string, string>> | undefined): ReadonlyMap<string, string> {
  return goMap(Object.entries(map ?? {}))
}
