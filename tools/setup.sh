#!/usr/bin/env bash
#===- setup.sh - from a fresh Debian 12 to a built tree -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-----------------------------------------------------------------------===//
#
# Installs missing packages, makes .venv for the tests, configures and builds;
# then the Python package and its command m1 are in .venv too.
# Each step is skipped if it is done already.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'USAGE'
usage: tools/setup.sh [--runtime-only] [--sanitize LIST] [--no-build] [--build-dir DIR]

  --runtime-only   only the runtime and m1run: no LLVM package, compiled with g++
  --sanitize LIST  with sanitizers, as for -fsanitize=: address,undefined or thread
  --no-build       install and configure, but do not build
  --build-dir DIR  where to build (default: build, or build-runtime with --runtime-only; -sanitize is appended with
                   --sanitize)

Installing packages needs root or sudo. CMAKE_BUILD_PARALLEL_LEVEL limits the number of parallel compilations.
USAGE
}

say() { printf 'setup: %s\n' "$*"; }

runtimeOnly=0
runBuild=1
buildDir=
sanitize=
while (($#)); do
  case $1 in
  --runtime-only) runtimeOnly=1 ;;
  --no-build) runBuild=0 ;;
  --sanitize)
    [[ $# -ge 2 && -n $2 ]] || fail "--sanitize needs a list of sanitizers, such as address,undefined"
    sanitize=$2
    shift
    ;;
  --sanitize=*) sanitize=${1#*=} ;;
  --build-dir)
    [[ $# -ge 2 && -n $2 ]] || fail "--build-dir needs a directory"
    buildDir=$2
    shift
    ;;
  --build-dir=*) buildDir=${1#*=} ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) fail "unknown option '$1' (--help lists the options)" ;;
  esac
  shift
done

if [[ -z $buildDir ]]; then
  buildDir=$root/build
  ((runtimeOnly)) && buildDir=$root/build-runtime
  [[ -z $sanitize ]] || buildDir+=-sanitize
fi
venv=$root/.venv

# ca-certificates: Debian's pip trusts the system's certificates only.
packages=(
  ca-certificates ccache cmake flatbuffers-compiler libabsl-dev libcli11-dev libflatbuffers-dev libgmock-dev libgtest-dev
  libopenmpi-dev libssl-dev libxxhash-dev ninja-build nlohmann-json3-dev openmpi-bin python3 python3-dev python3-venv
)
if ((runtimeOnly)); then
  packages+=(g++ gcc)
  # Warnings are errors only with clang, the project's compiler: g++ has false positives.
  werror=OFF
  cc=/usr/bin/gcc
  cxx=/usr/bin/g++
else
  packages+=(
    clang-19 clang-format-19 clang-tidy-19 liblld-19-dev libmlir-19-dev librandom123-dev lld-19 llvm-19-dev llvm-19-tools
    mlir-19-tools
  )
  # The sanitizers' libraries, which g++ includes.
  [[ -z $sanitize ]] || packages+=(libclang-rt-19-dev)
  werror=ON
  cc=/usr/bin/clang-19
  cxx=/usr/bin/clang++-19
fi

isInstalled() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

installPackages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "no apt-get here: this script is for Debian 12. Elsewhere, install the equivalents of: ${packages[*]}"
  fi
  local missing=() package
  for package in "${packages[@]}"; do
    isInstalled "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "packages: all ${#packages[@]} are installed"
    return
  fi

  local sudo=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "not root and no sudo; as root, run: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "packages: installing ${missing[*]}"

  # A failed update is not fatal: existing lists and caches may suffice. Another apt may hold the lists for a while, and
  # apt waits only for the package database.
  local try
  for try in 1 2 3; do
    "${sudo[@]}" apt-get update -qq && break
    if ((try == 3)); then
      say "packages: apt-get update failed; trying with the existing package lists"
    else
      sleep 10
    fi
  done
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "${missing[@]}" >"$aptLog" 2>&1 || {
    tail -n 20 "$aptLog" >&2
    fail "apt-get could not install: ${missing[*]}
  The end of its output is above. Common reasons: no network or no package mirror (apt-get update shows it), another apt
  held the lock for 5 minutes (run this again), or a release other than Debian 12 (bookworm), which has no LLVM 19."
  }
  say "packages: installed ${#missing[@]}"
}

# True if .venv holds exactly the versions in test/requirements.txt.
venvIsCurrent() {
  [[ -x $venv/bin/python ]] && "$venv/bin/python" - "$root/test/requirements.txt" 2>/dev/null <<'PYTHON'
import sys
from importlib.metadata import PackageNotFoundError, version

try:
    for line in open(sys.argv[1]):
        name, _, pinned = line.partition("#")[0].strip().partition("==")
        if name and version(name) != pinned:
            sys.exit(1)
except PackageNotFoundError:
    sys.exit(1)
PYTHON
}

makeVenv() {
  if venvIsCurrent; then
    say "python: .venv matches test/requirements.txt"
    return
  fi
  say "python: making .venv with test/requirements.txt"
  # By full path: another python3 in PATH may lack venv or be too old for the pinned versions.
  /usr/bin/python3 -m venv --clear "$venv" || fail "python3 -m venv failed (is python3-venv installed?)"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$root/test/requirements.txt" ||
    fail "pip could not install test/requirements.txt into .venv (reason above; it needs a Python package index, or set
  PIP_NO_INDEX=1 and PIP_FIND_LINKS to a folder with the wheels)"
}

# The emulated CPU with AVX-512. There are wheels for some versions of Python on x86-64; without it, tests that need it
# are unsupported. Its declared dependencies are only needed to build it.
installBochs() {
  local package=bochscpu-python==0.4.0
  if "$venv/bin/python" -m pip show --quiet --disable-pip-version-check "${package%%=*}" 2>/dev/null; then
    say "python: .venv has $package"
  elif "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: "$package" 2>/dev/null; then
    say "python: installed $package"
  else
    say "python: no $package for this machine; tests that need it (REQUIRES: bochs) are unsupported"
  fi
}

# The Python package is imported from the build folder: an edit needs no installation. .venv keeps the package of the
# whole build if the runtime alone is built later.
linkPackage() {
  local site
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  [[ -d $buildDir/python/m1c ]] || return 0
  ((!runtimeOnly)) || [[ ! -e $site/m1c.pth ]] || return 0
  (cd "$buildDir/python" && pwd -P) >"$site/m1c.pth"
  cat >"$venv/bin/m1.new" <<PYTHON
#!$venv/bin/python
import sys

from m1c.cli import main

sys.exit(main())
PYTHON
  chmod +x "$venv/bin/m1.new"
  mv "$venv/bin/m1.new" "$venv/bin/m1"
}

configureAndBuild() {
  local compiler=ON options=()
  ((runtimeOnly)) && compiler=OFF
  # Without --sanitize, a build folder keeps its configuration.
  [[ -z $sanitize ]] || options+=("-DM1C_SANITIZE=$sanitize")
  say "configure: $buildDir"
  cmake -G Ninja -S "$root" -B "$buildDir" --log-level=NOTICE \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
    -DM1C_COMPILER="$compiler" -DM1C_WERROR="$werror" -DPython3_EXECUTABLE="$venv/bin/python" \
    ${options[@]+"${options[@]}"}
  if ((runBuild)); then
    say "build: $buildDir"
    cmake --build "$buildDir"
    linkPackage
    say "done: programs are in $buildDir/bin"
  else
    say "done: cmake --build $buildDir builds"
  fi
}

aptLog=$(mktemp)
trap 'rm -f "$aptLog"' EXIT
installPackages
makeVenv
((runtimeOnly)) || installBochs
configureAndBuild
