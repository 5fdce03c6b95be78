#!/bin/sh
# Sets RelayAPI up and starts it: brings Node and pnpm if needed, installs, builds, runs.
# Not a system installer: everything it brings stays in .tools/ and node_modules/ of this checkout.
#
#   ./get_relayapi.sh                 set up, build, start the relay in demo mode
#   ./get_relayapi.sh build           set up and build only
#   ./get_relayapi.sh exec CMD...     run a tool of the workspace with the right Node
#   ./get_relayapi.sh install [DIR]   link relayapi-server and relayapi into DIR (default ~/.local/bin)
#
# Downloaded alone, it takes the project from $RELAYAPI_REPO (a git URL, a folder or a .tar.gz) into ./relayapi.
# Nothing runs before the last line, so a download cut short does nothing (safe under curl | sh).

relayapi_say() { printf 'get_relayapi: %s\n' "$*" >&2; }

relayapi_die() {
  relayapi_say "$1"
  exit "${2:-1}"
}

relayapi_usage() {
  printf '%s\n' \
    'usage: get_relayapi.sh                set up, build and start the relay (demo mode)' \
    '       get_relayapi.sh build          set up and build only' \
    '       get_relayapi.sh exec CMD...    run a tool of the workspace with the right Node' \
    '       get_relayapi.sh install [DIR]  link relayapi-server and relayapi into DIR (~/.local/bin)'
}

# True when the folder $1 is a checkout of this project.
relayapi_is_checkout() { [ -f "$1/pnpm-workspace.yaml" ] && [ -f "$1/packages/server/package.json" ]; }

# Prints the folder this script lies in, links followed; fails when it came through a pipe.
relayapi_script_dir() {
  self=$0
  [ -f "$self" ] || return 1
  while [ -L "$self" ]; do
    link=$(readlink "$self") || return 1
    case $link in
      /*) self=$link ;;
      *) self=$(dirname -- "$self")/$link ;;
    esac
  done
  (CDPATH='' cd -- "$(dirname -- "$self")" && pwd)
}

# Downloads the URL $1 to the file $2.
relayapi_download() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL -o "$2" -- "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" -- "$1"
  else
    relayapi_die 'neither curl nor wget is here to download RELAYAPI_REPO; install one of them'
  fi
}

# Unpacks the archive $RELAYAPI_REPO into the folder $1.
relayapi_unpack() {
  archive=$RELAYAPI_REPO
  case $RELAYAPI_REPO in
    http://* | https://*)
      archive=$1.tar.gz
      relayapi_download "$RELAYAPI_REPO" "$archive" || relayapi_die "could not download $RELAYAPI_REPO"
      ;;
  esac
  [ -f "$archive" ] || relayapi_die "RELAYAPI_REPO names no file: $archive"
  mkdir "$1"
  gzip -dc -- "$archive" 2>/dev/null | (cd "$1" && tar -xf - 2>/dev/null) ||
    relayapi_die "RELAYAPI_REPO is no readable .tar.gz: $archive"
  [ "$archive" = "$RELAYAPI_REPO" ] || rm -f "$archive"
  # An archive of a repository has one folder at its top; take what is inside it.
  if ! relayapi_is_checkout "$1"; then
    for top in "$1"/*/; do
      relayapi_is_checkout "$top" || continue
      mv "$top" "$1.top"
      rm -rf "$1"
      mv "$1.top" "$1"
      break
    done
  fi
}

relayapi_clone() {
  command -v git >/dev/null 2>&1 || relayapi_die 'git is not here to clone RELAYAPI_REPO; install git, or set RELAYAPI_REPO to a .tar.gz'
  GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}" \
    git clone -q -- "$RELAYAPI_REPO" "$1" </dev/null || relayapi_die "git could not clone RELAYAPI_REPO=$RELAYAPI_REPO"
}

# Brings the project into ./relayapi and goes on with the script there. An interrupted fetch leaves nothing behind.
relayapi_fetch() {
  target=$PWD/relayapi
  if ! relayapi_is_checkout "$target"; then
    [ -n "${RELAYAPI_REPO:-}" ] ||
      relayapi_die 'no checkout beside this script: set RELAYAPI_REPO to a git URL, a folder or a .tar.gz of RelayAPI'
    [ ! -e "$target" ] || relayapi_die "$target is in the way and is no checkout of RelayAPI; move it"
    part=$target.part.$$
    trap 'rm -rf "$part" "$part.tar.gz" "$part.top"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    relayapi_say "bringing RelayAPI from $RELAYAPI_REPO into $target"
    case $RELAYAPI_REPO in
      *.tar.gz | *.tgz) relayapi_unpack "$part" ;;
      *) relayapi_clone "$part" ;;
    esac
    relayapi_is_checkout "$part" || relayapi_die "RELAYAPI_REPO holds no RelayAPI: $RELAYAPI_REPO"
    mv "$part" "$target"
    trap - EXIT INT TERM
  fi
  exec sh "$target/get_relayapi.sh" "$@"
}

# Prints the major version of the node that PATH finds, 0 without one.
relayapi_node_major() {
  major=$(node -v 2>/dev/null) || major=v0
  major=${major#v}
  major=${major%%.*}
  case $major in
    '' | *[!0-9]*) major=0 ;;
  esac
  printf '%s' "$major"
}

# Runs "$@" with every cache, store and state folder of npm and pnpm inside .tools, its output in the log.
relayapi_quietly() {
  env XDG_CACHE_HOME="$tools/cache" XDG_DATA_HOME="$tools/data" XDG_STATE_HOME="$tools/state" \
    npm_config_cache="$tools/npm" NPM_CONFIG_CACHE="$tools/npm" CI=true \
    "$@" </dev/null >"$tools/log" 2>&1
}

# The line of the log that says most, for an error of one line.
relayapi_log_line() {
  line=$(grep -iE 'ERR|error|ENOTFOUND|ECONN' "$tools/log" | grep -v 'complete log' | tail -n 1)
  printf '%s' "${line:-$(tail -n 1 "$tools/log")}"
}

# Puts a Node >= 24 and pnpm 12 first on PATH; brings what is missing from the npm registry.
relayapi_bring_tools() {
  PATH=$tools/node_modules/.bin:$PATH
  export PATH
  want=''
  [ "$(relayapi_node_major)" -ge 24 ] || want='node@26'
  case $("$tools/node_modules/.bin/pnpm" --version 2>/dev/null) in
    12.*) ;;
    *) want=${want:-pnpm@12} ;;
  esac
  [ -n "$want" ] || return 0
  # npm prunes what a call does not name: name both whenever Node comes or came from here
  if [ "$want" = 'node@26' ] || [ -e "$tools/node_modules/node" ]; then want='node@26 pnpm@12'; fi
  command -v npm >/dev/null 2>&1 || relayapi_die 'npm is not here; install Node.js (any version with npm) and run this again'
  mkdir -p "$tools"
  relayapi_say "bringing $want into .tools (once)"
  # with --prefix npm would look below it for the machine-wide settings (certificates, registry): name the real ones
  settings=$(npm config get globalconfig --cache "$tools/npm" --no-update-notifier 2>/dev/null) || settings=''
  # shellcheck disable=SC2086 # two words on purpose
  relayapi_quietly npm install --prefix "$tools" ${settings:+--globalconfig="$settings"} --no-save --global=false --ignore-scripts=false --no-audit --no-fund \
    --no-update-notifier --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 --cache "$tools/npm" $want ||
    relayapi_die "npm could not bring $want (is the registry reachable?): $(relayapi_log_line)"
  hash -r
  [ "$(relayapi_node_major)" -ge 24 ] ||
    relayapi_die 'the Node from npm does not run on this machine; install Node.js 24 or newer and run this again'
  pnpm --version >/dev/null 2>&1 || relayapi_die 'the pnpm from npm does not run on this machine; see https://pnpm.io/installation'
}

# One checksum over names and contents of everything that an install (or, with "build", a build) depends on.
relayapi_fingerprint() {
  {
    node -v
    cksum package.json pnpm-lock.yaml pnpm-workspace.yaml packages/*/package.json
    if [ "$1" = build ]; then
      find tsconfig.base.json packages -name node_modules -prune -o -name dist -prune -o -name test -prune -o -name vectors -prune \
        -o -type f ! -name '*.test.ts' ! -name '*.md' ! -name '*.rai' -exec cksum {} + | LC_ALL=C sort
    fi
  } | cksum
}

relayapi_is_stamped() { [ -f "$tools/stamp-$1" ] && [ "$(cat "$tools/stamp-$1")" = "$2" ]; }

relayapi_is_built() {
  for package in packages/*/; do
    [ -f "${package}dist/index.js" ] || return 1
  done
}

relayapi_set_up() {
  relayapi_bring_tools
  pnpm_config_store_dir=$tools/store
  pnpm_config_cache_dir=$tools/cache/pnpm
  pnpm_config_state_dir=$tools/state/pnpm
  export pnpm_config_store_dir pnpm_config_cache_dir pnpm_config_state_dir

  print=$(relayapi_fingerprint install)
  if [ ! -d node_modules ] || ! relayapi_is_stamped install "$print"; then
    relayapi_say 'installing dependencies'
    relayapi_quietly pnpm install --frozen-lockfile --prefer-offline ||
      relayapi_die "pnpm could not install the dependencies (is the registry reachable?): $(relayapi_log_line)"
    printf '%s\n' "$print" >"$tools/stamp-install"
  fi

  print=$(relayapi_fingerprint build)
  if ! relayapi_is_built || ! relayapi_is_stamped build "$print"; then
    relayapi_say 'building'
    relayapi_quietly pnpm run build || {
      tail -n 30 "$tools/log" >&2
      relayapi_die "the build failed (whole log: $tools/log)"
    }
    printf '%s\n' "$print" >"$tools/stamp-build"
  fi
  relayapi_write_launchers
}

# Small programs that start the built commands with the Node chosen here, from any folder.
relayapi_write_launchers() {
  mkdir -p "$tools/bin"
  for pair in relayapi-server:server relayapi:cli; do
    launcher=$tools/bin/${pair%%:*}
    # quoted for sh, so that a checkout may lie under any name
    quoted=$(printf '%s' "$root" | sed "s/'/'\\\\''/g")
    text="#!/bin/sh
PATH='$quoted/.tools/node_modules/.bin':\$PATH exec node '$quoted/packages/${pair##*:}/dist/main.js' \"\$@\""
    if [ ! -f "$launcher" ] || [ "$(cat "$launcher")" != "$text" ]; then
      printf '%s\n' "$text" >"$launcher"
      chmod 755 "$launcher"
    fi
  done
}

# Links the two commands into the folder $1.
relayapi_install() {
  mkdir -p -- "$1" 2>/dev/null || relayapi_die "cannot make the folder $1"
  [ -w "$1" ] || relayapi_die "cannot write into $1"
  for name in relayapi-server relayapi; do
    if [ -e "$1/$name" ] && [ ! -L "$1/$name" ]; then
      relayapi_die "$1/$name is in the way and is no link; move it"
    fi
  done
  for name in relayapi-server relayapi; do
    ln -sf "$tools/bin/$name" "$1/$name" || relayapi_die "cannot link $1/$name"
  done
  relayapi_say "linked relayapi-server and relayapi into $1"
  case :$PATH: in
    *:"$1":*) ;;
    *) relayapi_say "$1 is not on PATH" ;;
  esac
}

relayapi_main() {
  set -eu
  action=${1:-start}
  [ $# -eq 0 ] || shift
  case $action in
    start | build) [ $# -eq 0 ] || { relayapi_usage >&2; exit 2; } ;;
    exec) [ $# -gt 0 ] || { relayapi_usage >&2; exit 2; } ;;
    install) [ $# -le 1 ] || { relayapi_usage >&2; exit 2; } ;;
    help | -h | --help) relayapi_usage; exit 0 ;;
    *) relayapi_usage >&2; exit 2 ;;
  esac

  caller=$PWD
  if root=$(relayapi_script_dir) && relayapi_is_checkout "$root"; then :
  elif relayapi_is_checkout "$PWD"; then root=$PWD
  else relayapi_fetch "$action" "$@"; fi
  tools=$root/.tools

  cd -- "$root"
  relayapi_set_up

  case $action in
    start) exec node packages/server/dist/main.js -rai default.rai -config config.json -demo ;;
    build) relayapi_say 'built' ;;
    exec)
      cd -- "$caller"
      PATH=$tools/bin:$tools/node_modules/.bin:$root/node_modules/.bin:$PATH
      export PATH
      command -v -- "$1" >/dev/null 2>&1 || relayapi_die "no such command: $1" 127
      exec "$@"
      ;;
    install)
      folder=${1:-${HOME:?set HOME or name a folder}/.local/bin}
      case $folder in
        /*) ;;
        *) folder=$caller/$folder ;;
      esac
      relayapi_install "$folder"
      ;;
  esac
}

relayapi_main "$@"
