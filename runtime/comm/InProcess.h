//===- InProcess.h - ranks that are threads ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_INPROCESS_H
#define M1C_RUNTIME_COMM_INPROCESS_H

#include "runtime/comm/Transport.h"

#include <memory>
#include <vector>

namespace m1 {

/// The transports of ranks that are threads of this process, by rank. Each is
/// used by one thread at a time. A rank whose transport is destroyed has ended;
/// a call that waits for it is an error.
std::vector<std::unique_ptr<Transport>>
createInProcessRanks(int Count, const TransportOptions &Options = {});

} // namespace m1

#endif // M1C_RUNTIME_COMM_INPROCESS_H
