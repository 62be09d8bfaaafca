import { invalid } from './attribute-csv.ts'

/** Reads `host:ip` or `host=ip` of `--add-host` (IPv6 with or without brackets, `host-gateway`) as `host=ip`. */
export function parseExtraHost(text: string): string {
  const at = text.search(/[=:]/)
  const host = text.slice(0, at)
  const given = text.slice(at + 1)
  if (at < 1) throw invalid(`bad format for add-host: ${JSON.stringify(text)}`)
  const ip = given.startsWith('[') && given.endsWith(']') ? given.slice(1, -1) : given
  if (ip !== 'host-gateway' && !isAddress(ip))
    throw invalid(`invalid IP address in add-host: ${JSON.stringify(given)}`)
  return `${host}=${ip}`
}

function isAddress(ip: string): boolean {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(ip))
    return ip.split('.').every(p => Number(p) < 256 && !/^0\d/.test(p))
  return /^[0-9a-fA-F:.]+$/.test(ip) && ip.includes(':') && URL.canParse(`http://[${ip}]/`)
}
