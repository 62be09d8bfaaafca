import { rootKeyId } from './cache-key.ts'
import type { Backlink, KeyLink, KeyRecord, KeyStore } from './key-store.ts'

const linkText = (link: KeyLink): string => `${link.input}/${link.output}/${link.digest}/${link.selector}`

/** A key store that lives as long as the object. */
export function createMemoryKeyStore(name = 'memory'): KeyStore {
  const links = new Map<string, Map<string, Set<string>>>()
  const records = new Map<string, KeyRecord[]>()
  const back = new Map<string, (KeyLink & Backlink)[]>()
  return {
    name,
    targets: (id, link) => [...(links.get(id)?.get(linkText(link)) ?? [])],
    exists: id => links.has(id) || records.has(id),
    addLink(id, link, target) {
      const byLink = links.get(id) ?? new Map<string, Set<string>>()
      links.set(id, byLink)
      const text = linkText(link)
      const targets = byLink.get(text) ?? new Set<string>()
      byLink.set(text, targets)
      if (targets.has(target)) return
      targets.add(target)
      back.set(target, [
        ...(back.get(target) ?? []),
        { ...link, source: id, record: rootKeyId(link.digest, link.output) },
      ])
    },
    backlinks: id => back.get(id) ?? [],
    records: id => records.get(id) ?? [],
    addRecord(id, record) {
      const others = (records.get(id) ?? []).filter(other => other.saved !== record.saved)
      records.set(id, [...others, record])
    },
    removeRecord(id, saved) {
      const left = (records.get(id) ?? []).filter(record => record.saved !== saved)
      records.set(id, left)
    },
    transaction: work => work(),
  }
}
