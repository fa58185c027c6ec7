#!/usr/bin/env bash
# Usage: utils/find_python.sh VERSION [VERSION ...]    e.g. utils/find_python.sh 3.11 3.12
# Prints the path of the first Python of the first VERSION that can hold the recipe's
# environment; exits 1 where there is none, with what was tried and refused on stderr.
# It looks in PATH, then where pyenv, uv, conda and people put interpreters; where
# ASR_PYTHON names an interpreter, at that alone.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
shopt -s nullglob

candidates() { # VERSION -> one path a line; some do not exist or do not work
  local v=$1 home prefix
  [ -z "${ASR_PYTHON:-}" ] || { type -P "$ASR_PYTHON" || echo "$ASR_PYTHON"; return; }
  local homes=("${HOME:-/nonexistent}" /root /home/*) prefixes=()
  type -aP "python$v" || true
  for home in "${homes[@]}"; do
    prefixes+=("$home"/.pyenv/versions/"$v"*
      "$home"/.local/share/uv/python/cpython-"$v".*
      "$home"/{mini,ana}conda3{,/envs/*} "$home"/mini{forge,mamba}3{,/envs/*})
  done
  prefixes+=(${PYENV_ROOT:+"$PYENV_ROOT"/versions/"$v"*} ${CONDA_PREFIX:+"$CONDA_PREFIX"}
    /opt/pyenv/versions/"$v"* /opt/*{,/envs/*} /usr/local{,/*} /usr)
  for prefix in "${prefixes[@]}"; do
    printf '%s\n' "$prefix/bin/python$v"
  done
  if command -v uv > /dev/null; then
    UV_PYTHON_DOWNLOADS=never uv python find "$v" 2> /dev/null || true
  fi
}

# A shim of pyenv's may exist and fail; venv and the headers (KenLM is compiled) come in
# Debian packages of their own; k2 loads the shared libpython, which not all builds have.
refusal() { # PATH VERSION -> why it will not do; nothing where it will
  "$1" -I - "$2" 2> /dev/null << 'PYTHON' || echo "does not run"
import ctypes, importlib.util, os, sys, sysconfig

version = "%d.%d" % sys.version_info[:2]
header = os.path.join(sysconfig.get_path("include"), "Python.h")
if version != sys.argv[1]:
    print("is Python", version)
elif not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
    print(f"lacks venv (Debian: python{version}-venv)")
elif not os.path.exists(header):
    print(f"lacks Python.h (Debian: python{version}-dev)")
elif version == "3.10":
    try:
        ctypes.CDLL("libpython3.10.so.1.0")
    except OSError:
        print("has no shared libpython3.10.so, which k2 needs")
PYTHON
}

for version in "$@"; do
  while read -r python; do
    [ -x "$python" ] || [ -n "${ASR_PYTHON:-}" ] || continue
    why=$(refusal "$python" "$version")
    if [ -z "$why" ]; then
      "$python" -c 'import sys; print(sys.executable)'
      exit 0
    fi
    echo "$python $why" >&2
  done < <(candidates "$version" | awk '!seen[$0]++')
done
echo "no usable Python $*" >&2
exit 1
