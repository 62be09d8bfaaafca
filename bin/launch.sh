# Docker asks its plugins with every command who they are: that answer was written down and needs no Node.
if [ "${1-}" = docker-cli-plugin-metadata ] && [ -f "$root/dist/plugin-metadata.json" ]; then
  exec cat -- "$root/dist/plugin-metadata.json"
fi
# Read by the launchers with $root set: puts the Node to run into $node. The remembered answer of find-node.sh is taken
# while it is ours, its node is there, and the host's node is the same as then: that costs no process.
node=${SLIPWAY_NODE:-}
if [ -z "$node" ]; then
  memo=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/slipway/node-path
  if [ -f "$memo" ] && [ -O "$memo" ]; then
    { IFS= read -r then && IFS= read -r node; } <"$memo" || node=
    now=$(command -v node || true)
    if [ "$then" != "$now" ] || [ ! -x "$node" ] || { [ -n "$now" ] && [ "$now" -nt "$memo" ]; }; then node=; fi
  fi
fi
if [ -z "$node" ]; then
  want=
  [ ! -f "$root/.node-version" ] || IFS= read -r want <"$root/.node-version" || true
  node=$(sh "$root/bin/find-node.sh" "$root" "$want")
fi
# Many threads take and give back large buffers: with one arena of memory each, glibc would keep far more than is in use.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
