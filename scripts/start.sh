#!/bin/sh
# npm start: runs the service on the embedded store; arguments go to "keybearer serve".
. "$(dirname "$0")/prepare.sh"
umask 077
ulimit -c 0 2>/dev/null || true
exec node --disable-warning=ExperimentalWarning --disable-sigusr1 bin/keybearer.js serve "$@"
