#!/bin/sh
# Installs the clients of the matrix, at the versions of the lock files, outside the workspace: the SDKs into clients/node_modules,
# the command-line agents into .tools/agents, the Python SDKs into .tools/venv. What cannot be had is said, and its tests skip.
# About 320 MB, 900 MB and 100 MB. Needs npm, and python3 with venv.
#
#   sh clients/install.sh [sdks] [agents] [python]     default: all three
set -u
cd -- "$(dirname -- "$0")/.." || exit 1

failed=0
say() {
  echo "clients: $*" >&2
  failed=1
}

# A marker beside the packages holds the lock file that they were installed from: nothing is done twice.
install_npm() { # FOLDER LOCK
  cmp -s "$2" "$1/node_modules/.installed-from" && return 0
  (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) &&
    cp "$2" "$1/node_modules/.installed-from"
}

install_sdks() {
  install_npm clients clients/package-lock.json || say 'the SDKs could not be installed'
}

install_agents() {
  mkdir -p .tools/agents
  cp clients/agents/package.json clients/agents/package-lock.json .tools/agents/
  # Claude Code's own script puts its program in place; nothing else may run one.
  install_npm .tools/agents clients/agents/package-lock.json &&
    (cd .tools/agents/node_modules/@anthropic-ai/claude-code && node install.cjs >/dev/null) ||
    say 'the agents could not be installed'
}

install_python() {
  [ -x .tools/venv/bin/python3 ] || /usr/bin/python3 -m venv --system-site-packages .tools/venv ||
    say 'no Python venv'
  cmp -s clients/requirements.txt .tools/venv/installed-from && return 0
  .tools/venv/bin/python3 -m pip install -q --no-cache-dir --no-compile --disable-pip-version-check \
    -r clients/requirements.txt joserfc && cp clients/requirements.txt .tools/venv/installed-from ||
    say 'the Python packages could not be installed'
}

[ $# -gt 0 ] || set -- sdks agents python
for part in "$@"; do
  case $part in
    sdks | agents | python) "install_$part" ;;
    *) say "there is no $part: sdks, agents, python" ;;
  esac
done
exit "$failed"
