import { goJson, type JsonValue, sortKeys } from '../gostd/json.ts'
import { nonEmptyList, platformJson, textMapJson } from './descriptor-json.ts'
import type { ContainerConfig, HistoryEntry, ImageConfig } from './image-config.ts'

/**
 * Bytes of an image configuration as BuildKit exports it: one line, keys of the outer object sorted, the inner ones in
 * the order of Go's structs, empty lists of layers and history as null. `extra` adds outer members (the inline cache).
 */
export function marshalImageConfig(
  image: ImageConfig,
  extra: Readonly<Record<string, JsonValue>> = {},
): Uint8Array {
  const { architecture, os, 'os.version': version, 'os.features': features, variant } = image
  const members: Record<string, JsonValue> = {
    architecture,
    author: image.author,
    config: containerConfigJson(image.config),
    created: image.created,
    history: image.history.length === 0 ? null : image.history.map(historyJson),
    os,
    'os.features': nonEmptyList(features),
    'os.version': version,
    rootfs: {
      type: image.rootfs.type,
      diff_ids: image.rootfs.diff_ids.length === 0 ? null : image.rootfs.diff_ids,
    },
    variant,
    ...extra,
  }
  const names = Object.keys(members).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return new TextEncoder().encode(goJson(new Map(names.map(name => [name, members[name]]))))
}

/** The configuration in the order of docker's Go struct, as a frontend hands it to the exporter. */
export function dockerImageJson(image: ImageConfig): JsonValue {
  return { ...outer(image), ...layersJson(image), config: containerConfigJson(image.config) }
}

/**
 * The configuration in the order of OCI's Go struct, without the members that only docker has: what
 * `imagetools inspect --format '{{json .Image}}'` shows.
 */
export function ociImageJson(image: ImageConfig): JsonValue {
  const { Healthcheck: _health, OnBuild: _onBuild, Shell: _shell, ...config } = image.config
  return { ...outer(image), config: containerConfigJson(config), ...layersJson(image) }
}

type JsonMembers = { readonly [key: string]: JsonValue }

function outer(image: ImageConfig): JsonMembers {
  return { created: image.created, author: image.author, ...(platformJson(image) as JsonMembers) }
}

function layersJson(image: ImageConfig): JsonMembers {
  const { rootfs, history } = image
  return {
    rootfs: { type: rootfs.type, diff_ids: rootfs.diff_ids.length === 0 ? null : rootfs.diff_ids },
    history: history.length === 0 ? undefined : history.map(historyJson),
  }
}

/** The container part in the order of Go's struct, empty members left out. */
export function containerConfigJson(config: ContainerConfig): JsonValue {
  const health = config.Healthcheck
  return {
    User: config.User || undefined,
    ExposedPorts: setJson(config.ExposedPorts),
    Env: nonEmptyList(config.Env),
    Entrypoint: nonEmptyList(config.Entrypoint),
    Cmd: nonEmptyList(config.Cmd),
    Volumes: setJson(config.Volumes),
    WorkingDir: config.WorkingDir || undefined,
    Labels: textMapJson(config.Labels),
    StopSignal: config.StopSignal || undefined,
    ArgsEscaped: config.ArgsEscaped || undefined,
    Healthcheck:
      health === undefined
        ? undefined
        : {
            Test: nonEmptyList(health.Test),
            Interval: health.Interval || undefined,
            Timeout: health.Timeout || undefined,
            StartPeriod: health.StartPeriod || undefined,
            StartInterval: health.StartInterval || undefined,
            Retries: health.Retries || undefined,
          },
    OnBuild: nonEmptyList(config.OnBuild),
    Shell: nonEmptyList(config.Shell),
  }
}

function setJson(names: readonly string[] | undefined): JsonValue {
  return names === undefined || names.length === 0
    ? undefined
    : sortKeys(Object.fromEntries(names.map(name => [name, {}])))
}

function historyJson(entry: HistoryEntry): JsonValue {
  return {
    created: entry.created,
    created_by: entry.created_by || undefined,
    author: entry.author || undefined,
    comment: entry.comment || undefined,
    empty_layer: entry.empty_layer || undefined,
  }
}
