#!/bin/sh
# npm start: runs the service on the embedded store; arguments go to "keybearer serve".
. "$(dirname "$0")/prepare.sh"
. scripts/page.sh
build_page || echo "Keybearer: the web page could not be built; API and command line work without it." >&2
umask 077
ulimit -c 0 2>/dev/null || true
exec node --disable-warning=ExperimentalWarning --disable-sigusr1 bin/keybearer.js serve "$@"
