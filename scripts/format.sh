#!/bin/sh
# npm run format: formats every source file.
. "$(dirname "$0")/prepare.sh"
oxfmt . >&2
