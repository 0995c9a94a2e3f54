# shellcheck shell=bash disable=SC2034
#===- common.sh - shared by the scripts -----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-----------------------------------------------------------------------===//

# The repository.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Ends the script with a one-line error.
fail() {
  printf '%s: error: %s\n' "$(basename "$0" .sh)" "$*" >&2
  exit 1
}
