#!/usr/bin/env bash
#===- gpu-check.sh - packs a check for a machine with a GPU ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-----------------------------------------------------------------------===//
#
# Packs the runtime, compiled plans and expected results into one directory. Its
# program gpu-check runs on a machine with a GPU and without this repository (or
# here, on the emulated GPU).

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'USAGE'
usage: tools/gpu-check.sh pack DIR [--arch ARCH] [--only PATTERN]... [--max-size MIB] [--build-dir DIR]

Packs everything into DIR that DIR/gpu-check needs to check this build on a machine with an NVIDIA GPU: m1run, plans for
the GPU, inputs, and the reference interpreter's results in double precision. The machine needs the NVIDIA driver and
python3 with numpy. DIR is created, or replaced if it is an older pack.

  --arch ARCH      GPU to compile for, as in m1c --target cuda:ARCH (default: sm_80, which newer GPUs also run)
  --only PATTERN   only the cases whose names contain PATTERN (* and ? as in file names); may be given several times
  --max-size MIB   fail if the pack is larger (default: 60)
  --build-dir DIR  the build to pack (default: build)

The environment variable PYTHON selects the Python to use (default: .venv/bin/python). Then, on the other machine:

  DIR/gpu-check                  everything on the first GPU: correctness, invariance, speed
  DIR/gpu-check --help           all options
USAGE
}

command=
buildDir=$root/build
arguments=()
while (($#)); do
  case $1 in
  --build-dir)
    [[ $# -ge 2 && -n $2 ]] || fail "--build-dir needs a directory"
    buildDir=$2
    shift
    ;;
  --build-dir=*) buildDir=${1#*=} ;;
  --arch | --only | --max-size)
    [[ $# -ge 2 && -n $2 ]] || fail "$1 needs a value"
    arguments+=("$1=$2")
    shift
    ;;
  --arch=* | --only=* | --max-size=*) arguments+=("$1") ;;
  -h | --help)
    usage
    exit 0
    ;;
  -*) fail "unknown option '$1' (--help lists the options)" ;;
  *)
    if [[ -z $command ]]; then
      [[ $1 == pack ]] || fail "unknown command '$1', expected pack (--help says more)"
      command=$1
    else
      arguments+=("$1")
    fi
    ;;
  esac
  shift
done
[[ -n $command ]] || fail "no command, expected pack (--help says more)"

python=${PYTHON:-$root/.venv/bin/python}
[[ -x $python ]] || fail "$python is missing; run tools/setup.sh, or set PYTHON"
for tool in m1c m1run m1-interpret; do
  [[ -x $buildDir/bin/$tool ]] || fail "$buildDir/bin/$tool is missing; run tools/setup.sh"
done
PATH=$(cd "$buildDir/bin" && pwd -P):$PATH exec "$python" "$root/tools/gpu-check/pack.py" ${arguments[@]+"${arguments[@]}"}
