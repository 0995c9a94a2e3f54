//===- Verify.cpp - verifies plans ----------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Verifier.h"

using namespace m1;

absl::Status m1::verifyPlan(const plan::Plan &Plan, const std::string &Name) {
  M1_RETURN_IF_ERROR(verifyObjects(Plan, Name));
  M1_RETURN_IF_ERROR(verifyMesh(Plan, Name));
  return verifyFunctions(Plan, Name);
}
