#!/bin/sh
# Runs a TypeScript file of this repository with the Node it is developed on: the host's own when it is recent
# enough, else the pinned release from the npm registry (no install script needed). Installs the locked
# dependencies first when they are missing or the lock file is newer.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
want=$(cat "$root/.node-version")
if [ ! -f "$root/node_modules/.package-lock.json" ] || [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
  command -v npm >/dev/null 2>&1 || { echo "slipway: npm is needed to install the dependencies (Debian: apt-get install npm)" >&2; exit 1; }
  echo "slipway: installing the locked npm dependencies" >&2
  (cd "$root" && npm ci --no-progress --loglevel=error >&2 && touch node_modules/.package-lock.json)
fi
node=$(sh "$root/scripts/find-node.sh" "$root" "$want")
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/slipway/compile}"
exec "$node" --disable-warning=ExperimentalWarning "$@"
