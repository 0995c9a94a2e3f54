#!/usr/bin/env bash
#===- test.sh - builds and runs every test --------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-----------------------------------------------------------------------===//
#
# Runs the unit tests (ctest) and the lit tests. The last line sums up both:
# "N passed, N failed", and ", N skipped" if there are any.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'USAGE'
usage: tools/test.sh [--unit | --lit] [--no-setup] [--runtime-only] [--build-dir DIR] [TEST...] [-- LIT-OPTION...]

  --unit           only the unit tests
  --lit            only the lit tests
  --no-setup       do not run tools/setup.sh first: test the existing build
  --runtime-only   only the runtime, without LLVM: its unit tests
  --build-dir DIR  as for tools/setup.sh
  TEST             run only this lit test or folder of lit tests, such as test/dialects/M1
  -- LIT-OPTION    options for lit, such as -v or --filter REGEX
USAGE
}

unit=1
lit=1
setup=1
buildDir=
setupArguments=()
tests=()
litArguments=()
while (($#)); do
  case $1 in
  --unit) lit=0 ;;
  --lit) unit=0 ;;
  --no-setup) setup=0 ;;
  --runtime-only)
    # Every lit test runs a tool of the compiler.
    lit=0
    setupArguments+=(--runtime-only)
    : "${buildDir:=$root/build-runtime}"
    ;;
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
  --)
    shift
    litArguments=("$@")
    break
    ;;
  -*) fail "unknown option '$1' (--help lists the options; options for lit go after --)" ;;
  *) tests+=("$1") ;;
  esac
  shift
done
: "${buildDir:=$root/build}"
((${#tests[@]} == 0)) || unit=0
((unit || lit)) || fail "--unit and --runtime-only run no lit test, but --lit or a lit test was asked for"

((!setup)) || "$root/tools/setup.sh" --build-dir "$buildDir" ${setupArguments[@]+"${setupArguments[@]}"}
[[ -f $buildDir/CMakeCache.txt ]] || fail "$buildDir is not configured; run tools/setup.sh"
buildDir=$(cd "$buildDir" && pwd -P)
python=$root/.venv/bin/python
[[ -x $python ]] || fail "$root/.venv is missing; run tools/setup.sh"

# lit finds the suite's configuration in the build folder, and the tests' sources through it.
litPaths=()
for test in ${tests[@]+"${tests[@]}"}; do
  path=$(realpath -e -- "$test" 2>/dev/null) || fail "$test: no such test"
  [[ $path/ == "$root/test/"* ]] || fail "$test: lit tests are under $root/test"
  litPaths+=("$buildDir/test${path#"$root/test"}")
done
((${#litPaths[@]})) || litPaths=("$buildDir/test")

unitResults=$buildDir/unit-tests.xml
litResults=$buildDir/lit-tests.json
rm -f "$unitResults" "$litResults"
failed=0
results=()
if ((unit)); then
  results+=("$unitResults")
  ctest --test-dir "$buildDir" --output-on-failure --no-tests=error --timeout 900 -j "$(nproc)" \
    --output-junit "$unitResults" || failed=1
fi
if ((lit)); then
  results+=("$litResults")
  "$python" "$root/.venv/bin/lit" -s -v --output "$litResults" ${litArguments[@]+"${litArguments[@]}"} "${litPaths[@]}" || failed=1
fi
"$python" "$root/test/summarize.py" "${results[@]}" || failed=1
exit "$failed"
