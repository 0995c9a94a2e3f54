//===- Commands.cpp - what happens to a scheduler before a step -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Commands.h"

#include "runtime/engine/Scheduler.h"
#include "runtime/engine/Wire.h"

using namespace m1;

namespace m1 {
template <typename Archive> void fields(Archive &Each, Submitted &S) {
  Each(S.Id, S.Given, S.Arrival);
}
template <typename Archive> void fields(Archive &Each, StepCommands &C) {
  Each(C.New, C.Aborted, C.Stops);
}
template <typename Archive> void fields(Archive &Each, Round &R) {
  Each(R.Given, R.Masks);
}
} // namespace m1

std::string m1::pack(const StepCommands &Given) { return toBytes(Given); }

std::string m1::pack(const StepMasks &Masks) { return toBytes(Masks); }

absl::StatusOr<Round> m1::unpackRound(std::string_view Bytes) {
  return fromBytes<Round>(Bytes);
}

absl::Status m1::apply(Scheduler &Steps, StepCommands Given) {
  for (Submitted &S : Given.New)
    Steps.add(S.Id, std::move(S.Given), std::move(S.OnUpdate), S.Arrival);
  absl::Status Status;
  for (uint64_t Id : Given.Aborted)
    Status.Update(Steps.abort(Id));
  if (Given.Stops)
    Steps.endAll(Finish::Abort);
  return Status;
}

absl::Status m1::runStep(Scheduler &Steps, absl::Status Applied) {
  if (Applied.ok() && !Steps.isIdle())
    Applied = Steps.step();
  if (!Applied.ok())
    Steps.endAll(Finish::Error, Applied);
  return Applied;
}
