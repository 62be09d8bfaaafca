/** Identifiers of SPDX's list that packages mostly use. https://spdx.org/licenses/ */
const known: ReadonlySet<string> = new Set(
  `0BSD AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-1.0-Perl Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause
  BSD-2-Clause BSD-3-Clause BSD-4-Clause BSL-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0 EPL-2.0 FTL GFDL-1.3-or-later
  GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC LGPL-2.0-only
  LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MPL-1.1 MPL-2.0 MPL-2.0-no-copyleft-exception
  NCSA OFL-1.1 OpenSSL PSF-2.0 Python-2.0 SSPL-1.0 TCL Unicode-3.0 Unlicense UPL-1.0 Vim W3C WTFPL X11 Zlib ZPL-2.1`.split(
    /\s+/,
  ),
)

/** Identifiers of before 2.0 that packages still state. */
const renamed: Readonly<Record<string, string>> = {
  'AGPL-3.0': 'AGPL-3.0-only',
  'GPL-2.0': 'GPL-2.0-only',
  'GPL-2.0+': 'GPL-2.0-or-later',
  'GPL-3.0': 'GPL-3.0-only',
  'GPL-3.0+': 'GPL-3.0-or-later',
  'LGPL-2.1': 'LGPL-2.1-only',
  'LGPL-2.1+': 'LGPL-2.1-or-later',
  'LGPL-3.0': 'LGPL-3.0-only',
}

/**
 * The license that a package states as an SPDX expression; `NOASSERTION` for what is none, or names a license that is not
 * on the list. Grammar: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
 */
export function licenseExpression(stated: string): string {
  const tokens = stated.match(/[()]|[^\s()]+/g) ?? []
  const written: string[] = []
  let open = 0
  let wantsTerm = true
  for (const token of tokens) {
    if (token === '(') {
      if (!wantsTerm) return none
      open++
    } else if (token === ')') {
      if (wantsTerm || --open < 0) return none
    } else if (wantsTerm) {
      const term = renamed[token] ?? token
      if (!known.has(term)) return none
      written.push(term)
      wantsTerm = false
      continue
    } else {
      if (token !== 'AND' && token !== 'OR') return none
      wantsTerm = true
    }
    written.push(token)
  }
  if (wantsTerm || open !== 0) return none
  return written.join(' ').replaceAll('( ', '(').replaceAll(' )', ')')
}

const none = 'NOASSERTION'
