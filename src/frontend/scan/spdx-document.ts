import { goJson, type JsonValue } from '../../gostd/json.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Package } from './package.ts'
import { licenseExpression } from './spdx-license.ts'

/** What a document says besides the packages. */
export interface DocumentFacts {
  /** Name of what was scanned. */
  readonly name: string
  /** When, `2006-01-02T15:04:05Z`. */
  readonly created: string
  /** Name and version of the scanner: `slipway-0.1.0`. */
  readonly tool: string
}

const root = 'SPDXRef-DocumentRoot'

/**
 * A bill of materials as SPDX 2.3 JSON. The same packages, facts and order give the same bytes.
 * Format: https://spdx.github.io/spdx-spec/v2.3/
 */
export function spdxDocument(packages: readonly Package[], facts: DocumentFacts): JsonValue {
  const { name, created, tool } = facts
  const listed = packages.map(one => ({ ...describe(one), SPDXID: spdxId(one) }))
  const identity = digestOf(goJson([name, created, ...packages.map(one => `${one.purl} ${one.source}`)]))
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${asUuid(identity)}`,
    creationInfo: { creators: ['Organization: Slipway', `Tool: ${tool}`], created },
    packages: [rootPackage(name), ...listed],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root },
      ...listed.map(({ SPDXID }) => ({
        spdxElementId: root,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: SPDXID,
      })),
    ],
  }
}

/**
 * A document as scanners hand it over: a statement about subjects that the exporter fills in.
 * Format: https://github.com/in-toto/attestation/blob/v1.0/spec/v1.0/statement.md
 */
export function spdxStatement(document: JsonValue): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: 'https://spdx.dev/Document',
    subject: [],
    predicate: document,
  }
  return `${goJson(statement, { indent: '  ' })}\n`
}

function rootPackage(name: string): { [key: string]: JsonValue } {
  return {
    name,
    SPDXID: root,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    primaryPackagePurpose: 'CONTAINER',
  }
}

function describe(one: Package): { [key: string]: JsonValue } {
  const license = licenseExpression(one.license)
  return {
    name: one.name,
    versionInfo: one.version,
    supplier: one.supplier || 'NOASSERTION',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    sourceInfo: `acquired package info from ${one.source}`,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license,
    licenseComments:
      license === 'NOASSERTION' && one.license !== '' ? `the package states: ${one.license}` : undefined,
    copyrightText: 'NOASSERTION',
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: one.purl },
    ],
  }
}

/** An id of letters, digits, `.` and `-`, and different for different packages. */
function spdxId(one: Package): string {
  const readable = `${one.type}-${one.name}`.replace(/[^A-Za-z0-9.-]+/g, '-')
  return `SPDXRef-Package-${readable}-${digestOf(`${one.purl}\n${one.source}`).slice(7, 23)}`
}

function asUuid(digest: string): string {
  const hex = digest.slice('sha256:'.length)
  return [0, 8, 12, 16, 20].map((from, i) => hex.slice(from, [8, 12, 16, 20, 32][i])).join('-')
}
