#!/bin/sh
# npm run -s keybearer -- ...: the command line from a clone.
root=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -x "$root/node_modules/.bin/node" ]; then
  ( . "$root/scripts/prepare.sh" )
fi
cd "${INIT_CWD:-$PWD}" || exit 1
exec "$root/node_modules/.bin/node" --disable-warning=ExperimentalWarning "$root/bin/keybearer.js" "$@"
