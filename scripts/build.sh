#!/bin/sh
# npm run build: compiles what is published into dist/ and client/dist/.
. "$(dirname "$0")/prepare.sh"
rm -rf dist client/dist
tsc -p tsconfig.build.json
tsc -p client/tsconfig.build.json
echo "built dist/ and client/dist/" >&2
