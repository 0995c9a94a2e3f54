//===- CountingTransport.cpp - counts what ranks exchange -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/ranks/CountingTransport.h"

#include "runtime/plan/Mesh.h"

#include <algorithm>

using namespace m1;
using namespace m1::test;

absl::Status CountingTransport::add(plan::CollectiveKind Kind,
                                    std::span<const int> Group,
                                    uint64_t Bytes) {
  for (uint32_t Axis = 0; Axis < length(Plan.mesh()); ++Axis) {
    if (!std::ranges::equal(Group, groupOf(Plan, rank(), Axis)))
      continue;
    Traffic &Of = Count[{Kind, Axis}];
    ++Of.Exchanges;
    for (int Other : Group)
      if (Other != rank()) {
        ++Of.Messages;
        Of.Bytes += Bytes;
      }
    return absl::OkStatus();
  }
  return makeError("an exchange of ranks that are no axis of the mesh");
}

absl::Status CountingTransport::allGather(std::span<const int> Group,
                                          const std::byte *Source,
                                          std::byte *Destination,
                                          uint64_t Bytes) {
  M1_RETURN_IF_ERROR(add(plan::CollectiveKind::AllGather, Group, Bytes));
  return Inner->allGather(Group, Source, Destination, Bytes);
}

absl::Status CountingTransport::allToAll(std::span<const int> Group,
                                         const std::byte *Source,
                                         std::byte *Destination,
                                         uint64_t Bytes) {
  M1_RETURN_IF_ERROR(add(plan::CollectiveKind::AllToAll, Group, Bytes));
  return Inner->allToAll(Group, Source, Destination, Bytes);
}
