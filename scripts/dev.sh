#!/bin/sh
# npm run dev: runs the service and starts it again when a source file changes.
. "$(dirname "$0")/prepare.sh"
umask 077
exec node --disable-warning=ExperimentalWarning --watch-path=src --watch-path=providers bin/keybearer.js serve "$@"
