#!/usr/bin/env bash
#===- fuzz.sh - fuzzes what reads files -----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-----------------------------------------------------------------------===//
#
# Builds the targets of test/fuzz with libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer, and runs them one after the other.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'USAGE'
usage: tools/fuzz.sh [--seconds N] [--runtime-only] [--no-build] [--build-dir DIR] [TARGET...] [-- OPTION...]

  --seconds N      how long to run each target (default: 60)
  --runtime-only   without targets that need LLVM: all but config
  --no-build       use the build that exists
  --build-dir DIR  where to build (default: build-fuzz, or build-runtime-fuzz with --runtime-only)
  TARGET           config, index, npy, plan, ptx or safetensors (default: all)
  -- OPTION        options for libFuzzer, such as -fork=4

Inputs that were found to reach new code are kept in DIR/corpus/TARGET, and the next run starts with them. An input that
crashes, takes more than 10 seconds or more than 2 GiB ends the run of its target: it is made smaller and stored in
test/fuzz/crashes/TARGET, where tools/test.sh runs it from then on, and the command that repeats it is printed. The exit
code is then 1.
USAGE
}

seconds=60
build=1
buildDir=
runtimeOnly=0
targets=()
options=()
while (($#)); do
  case $1 in
  --seconds | --build-dir)
    [[ $# -ge 2 && -n $2 ]] || fail "$1 needs a value"
    if [[ $1 == --seconds ]]; then seconds=$2; else buildDir=$2; fi
    shift
    ;;
  --seconds=*) seconds=${1#*=} ;;
  --build-dir=*) buildDir=${1#*=} ;;
  --runtime-only) runtimeOnly=1 ;;
  --no-build) build=0 ;;
  -h | --help)
    usage
    exit 0
    ;;
  --)
    shift
    options=("$@")
    break
    ;;
  -*) fail "unknown option '$1' (--help lists the options; options for libFuzzer go after --)" ;;
  *) targets+=("$1") ;;
  esac
  shift
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "--seconds $seconds: expected a positive number"
known=(config index npy plan ptx safetensors)
if ((runtimeOnly)); then
  known=("${known[@]:1}")
fi
((${#targets[@]})) || targets=("${known[@]}")
for target in "${targets[@]}"; do
  [[ " ${known[*]} " == *" $target "* ]] || fail "unknown target '$target', expected one of ${known[*]}"
done
if [[ -z $buildDir ]]; then
  buildDir=$root/build-fuzz
  ((!runtimeOnly)) || buildDir=$root/build-runtime-fuzz
fi

if ((build)); then
  compiler=ON
  ((!runtimeOnly)) || compiler=OFF
  [[ -f /usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-x86_64.a ]] ||
    fail "libFuzzer is missing; install clang-19 and libclang-rt-19-dev"
  # Little optimisation, so that a report names the line; the code is fast enough.
  cmake -G Ninja -S "$root" -B "$buildDir" --log-level=NOTICE -DM1C_FUZZ=ON -DM1C_SANITIZE=address,undefined \
    -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -gline-tables-only" -DM1C_COMPILER=$compiler \
    -DCMAKE_C_COMPILER=/usr/bin/clang-19 -DCMAKE_CXX_COMPILER=/usr/bin/clang++-19
  cmake --build "$buildDir" -t "${targets[@]/#/m1-fuzz-}" "${targets[@]/#/m1-replay-}"
fi

# Targets write their files here; memory is faster than a disk.
work=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo /tmp)")
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work
# LLVM's headers poison memory that LLVM's libraries, which are not instrumented, use.
export ASAN_OPTIONS=allow_user_poisoning=0:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
limits=(-timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024)

# Makes a crash smaller, in at most two minutes, and stores it.
store() {
  local target=$1 found=$2 smaller=$work/smaller kind stored
  kind=$(basename "$found" | cut -d- -f1)
  cp "$found" "$smaller"
  if [[ $kind == crash ]]; then # libFuzzer makes no others smaller
    timeout 120 "$buildDir/bin/m1-fuzz-$target" -minimize_crash=1 -max_total_time=20 "${limits[@]}" \
      -exact_artifact_path="$smaller" "$found" >"$work/minimize.log" 2>&1 || true
  fi
  stored=$root/test/fuzz/crashes/$target/$kind-$(sha1sum "$smaller" | cut -c1-12)
  mkdir -p "$(dirname "$stored")"
  cp "$smaller" "$stored"
  printf 'fuzz: %s: %s, %d bytes; repeat it with\n  %s %s\n' "$target" "${stored#"$root/"}" "$(stat -c %s "$stored")" \
    "$buildDir/bin/m1-replay-$target" "${stored#"$root/"}"
}

failed=0
for target in "${targets[@]}"; do
  corpus=$buildDir/corpus/$target
  artifacts=$work/artifacts-$target/
  log=$buildDir/fuzz-$target.log
  mkdir -p "$corpus" "$artifacts"
  seeds=()
  for folder in "$root/test/fuzz/corpus/$target" "$root/test/fuzz/crashes/$target"; do
    [[ ! -d $folder ]] || seeds+=("$folder")
  done
  dictionary=()
  [[ ! -f $root/test/fuzz/dictionaries/$target.dict ]] ||
    dictionary=("-dict=$root/test/fuzz/dictionaries/$target.dict")
  status=0
  "$buildDir/bin/m1-fuzz-$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$artifacts" \
    "${limits[@]}" ${dictionary[@]+"${dictionary[@]}"} ${options[@]+"${options[@]}"} "$corpus" \
    ${seeds[@]+"${seeds[@]}"} >"$log" 2>&1 || status=$?
  executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
  printf 'fuzz: %s: %s inputs, %s edges covered\n' "$target" "${executed:-?}" "${covered:-?}"
  for found in "$artifacts"*; do
    [[ -f $found ]] || continue
    failed=1
    store "$target" "$found"
  done
  if ((status)); then
    failed=1
    printf 'fuzz: %s: ended with exit code %d; %s has the report\n' "$target" "$status" "$log"
  fi
done
exit "$failed"
