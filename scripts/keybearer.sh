#!/bin/sh
# The command line from a clone: npm run -s keybearer -- ..., or bin/keybearer, which may be linked from a folder on the PATH.
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
if [ ! -x "$root/node_modules/.bin/node" ]; then
  ( . "$root/scripts/prepare.sh" )
fi
# npm changes the folder; files are named from where the command was given.
if [ "${npm_lifecycle_event:-}" = keybearer ]; then cd "${INIT_CWD:-$PWD}" || exit 1; fi
# A link of the name sendmail stands in for /usr/sbin/sendmail.
case ${0##*/} in sendmail) set -- sendmail "$@" ;; esac
exec "$root/node_modules/.bin/node" --disable-warning=ExperimentalWarning "$root/bin/keybearer.js" "$@"
