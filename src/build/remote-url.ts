/** An http or https URL. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text)
}

/**
 * A context that the daemon fetches: http(s), or git in one of its spellings. Rules:
 * https://github.com/docker/buildx/blob/v0.36.1/util/urlutil/urlutil.go
 */
export function isRemoteUrl(text: string): boolean {
  return isHttpUrl(text) || isGitUrl(text)
}

/** `git://`, `ssh://`, `git@host:path`, `github.com/…`, or http(s) that ends in `.git`. */
export function isGitUrl(text: string): boolean {
  if (/^(git|ssh):\/\//i.test(text) || /^github\.com\//.test(text)) return true
  if (/^[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:/.test(text)) return true
  return isHttpUrl(text) && /\.git([#?].*)?$/.test(text)
}
