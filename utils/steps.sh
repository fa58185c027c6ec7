# shellcheck shell=bash disable=SC2154
# Sourced by install.sh: long commands with a line every few seconds and a log, a lock,
# and Debian packages. Uses $log.

die() {
  echo "error: $1" >&2
  exit 1
}

# Starts a program in a process group of its own, which an interrupted install ends whole;
# its output goes to the log. Programs only: in a function that runs where its exit code is
# asked for, "set -e" is off, and every failure but that of its last command would be lost.
launch() { # LOG PROGRAM [ARGUMENT ...]: sets $launched, for await
  local to=$1
  shift
  [ "$(type -t "$1")" != function ] || die "launch $1: a function would hide its failures"
  echo "== $*" >> "$to"
  set -m
  "$@" >> "$to" 2>&1 < /dev/null &
  launched=$!
  set +m
  running+=("$launched")
}

await() { # WHAT LOG PROCESS: says every five seconds what it is at; returns its exit code
  local what=$1 started=$SECONDS said=$SECONDS
  while kill -0 "$3" 2> /dev/null; do
    sleep 0.1
    if [ $((SECONDS - said)) -ge 5 ]; then
      said=$SECONDS
      echo "  [$((SECONDS - started)) s] $what: $(last_line "$2")"
    fi
  done
  wait "$3"
}

attempt() { # WHAT PROGRAM [ARGUMENT ...]
  launch "$log" "${@:2}"
  await "$1" "$log" "$launched"
}

step() { # like attempt, but a failure ends the install
  if attempt "$@"; then return; fi
  {
    echo "error: $1 failed; the end of $log:"
    grep -v '^WARNING: Location' "$log" | tail -n 12 | cut -c1-300 | sed 's/^/  /'
    echo "mend what it names (network? disk space?), then run the same command again"
  } >&2
  exit 1
}

last_line() { # LOG
  tail -c 2000 "$1" | grep -Ev '^(WARNING|== | *$| *(Attempting|Found existing|Uninstalling|Successfully unin))' | tail -n 1 | sed 's/^ *//' | cut -c1-60
}

running=()
stop_running() {
  local process
  for process in "${running[@]}"; do
    kill -- "-$process" 2> /dev/null || true
  done
}
trap stop_running EXIT
trap 'echo "interrupted; the same command begins the install anew" >&2; exit 130' INT
trap 'exit 143' TERM HUP

# The lock is held until the last process of the install has ended, also where the
# script itself was killed.
take_lock() { # FILE
  exec 9> "$1"
  until flock -w 5 9; do
    echo "  [$SECONDS s] waiting for another install that holds $1"
  done
}

# Installs Debian packages where this user may; $no_packages says why it did not help.
no_packages=
get_packages() { # PACKAGE ...
  if [ "$(id -u)" != 0 ]; then
    no_packages="only root can install"
  elif ! command -v apt-get > /dev/null; then
    no_packages="cannot be installed here (no apt-get)"
  elif attempt "installing $*" apt-get install -y --no-install-recommends "$@" ||
    { attempt "reading the package lists" apt-get update &&
      attempt "installing $*" apt-get install -y --no-install-recommends "$@"; }; then
    no_packages="are installed and were not found by it (see $log)"
    return 0
  else
    no_packages="could not be installed (see $log)"
  fi
  return 1
}

need_packages() { # WHY PROGRAM ...: programs that are packages of the same name
  local why=$1 program missing=()
  shift
  for program in "$@"; do
    command -v "$program" > /dev/null || missing+=("$program")
  done
  [ ${#missing[@]} = 0 ] || get_packages "${missing[@]}" ||
    die "$why, and that needs the Debian packages ${missing[*]}, which $no_packages"
}
