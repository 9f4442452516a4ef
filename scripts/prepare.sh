# Sourced by the other scripts: goes to the project's folder and installs the npm packages if they are missing or old.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

packages_are_there() {
  [ -f node_modules/.keybearer-lock ] && cmp -s package-lock.json node_modules/.keybearer-lock && node_is_new
}

node_is_new() {
  [ -x node_modules/.bin/node ] && [ "$(node_modules/.bin/node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -ge 24 ]
}

if ! packages_are_there; then
  echo "Keybearer: installing npm packages (once, less than a minute) ..." >&2
  npm ci --no-audit --no-fund --loglevel=error --no-update-notifier >&2
  # Some npm versions leave install scripts out; the Node that the project brings needs its own.
  node_is_new || npm rebuild --foreground-scripts --loglevel=error node >&2 || true
  if ! node_is_new; then
    echo "Keybearer: Node 24 could not be installed from the npm registry. Run: npm rebuild node" >&2
    exit 1
  fi
  cp package-lock.json node_modules/.keybearer-lock
fi

run_node() {
  node --disable-warning=ExperimentalWarning "$@"
}

# For "become_node FILE ... &": what stands in the background is Node itself, so that a signal reaches it and not a shell before it.
become_node() {
  exec node --disable-warning=ExperimentalWarning "$@"
}

# Tests start Node again and again: what it makes of the sources is kept for the next time.
keep_compiled() {
  export NODE_COMPILE_CACHE="$PWD/node_modules/.cache/keybearer-compiled"
}
