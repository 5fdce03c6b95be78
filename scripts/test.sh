#!/bin/sh
# npm test: sets up as get_relayapi.sh does, then checks and tests everything. Works on any Node that has npm.
set -eu
cd -- "$(dirname -- "$0")/.."
sh ./get_relayapi.sh build
exec sh ./get_relayapi.sh exec node scripts/test.ts "$@"
