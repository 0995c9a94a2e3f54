//===- LoadNccl.h - finds NCCL ----------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_NCCL_LOADNCCL_H
#define M1C_RUNTIME_COMM_NCCL_LOADNCCL_H

#include "runtime/comm/nccl/NcclApi.h"
#include "runtime/support/Error.h"

#include <string>

namespace m1::nccl {

/// Loads NCCL. Errors: there is none, or it is older than 2.14.
absl::StatusOr<Api> loadNccl(const std::string &Library = "libnccl.so.2");

} // namespace m1::nccl

#endif // M1C_RUNTIME_COMM_NCCL_LOADNCCL_H
