#!/bin/sh
# The shell scripts parse everywhere and, where shellcheck is installed, have nothing to say against.
set -eu
cd -- "$(dirname -- "$0")/.."
posix='get_relayapi.sh scripts/test.sh scripts/check-shell.sh'
for script in $posix; do
  sh -n "$script"
  if command -v dash >/dev/null 2>&1; then dash -n "$script"; fi
done
bash -n .ci/run
if command -v shellcheck >/dev/null 2>&1; then
  # shellcheck disable=SC2086 # a list on purpose
  shellcheck $posix .ci/run
  echo 'shell scripts parsed, and read by shellcheck'
else
  echo 'shell scripts parsed; shellcheck is not here'
fi
