#!/bin/sh
# npm run bench: measures the rows of the speed table; -- --json prints a list.
. "$(dirname "$0")/prepare.sh"
exec node --disable-warning=ExperimentalWarning bench/run.ts "$@"
