//===- StateParts.cpp - copies of what a slot or a block holds ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Executor.h"

using namespace m1;

void Executor::findStateParts() {
  SlotParts.What = "slot";
  BlockParts.What = "block";
  for (uint32_t I = 0; I < length(Plan->arenas()); ++I) {
    const plan::Arena &Arena = *Plan->arenas()->Get(I);
    if (Arena.division() == plan::Division::None)
      continue;
    StateParts &States =
        Arena.division() == plan::Division::Slot ? SlotParts : BlockParts;
    const uint64_t PartBytes = Arena.bytes() / Arena.parts();
    States.Arenas.push_back({I, PartBytes});
    States.Count = Arena.parts();
    States.Bytes += PartBytes;
  }
}

absl::Status Executor::StateParts::check(int64_t Part) const {
  if (Part >= 0 && Part < Count)
    return absl::OkStatus();
  return makeError("state of ", What, " ", Part, ": the plan has ", Count, " ",
                   What, "s with states");
}

absl::Status Executor::StateParts::check(int64_t Part, size_t Given) const {
  M1_RETURN_IF_ERROR(check(Part));
  if (Given == Bytes)
    return absl::OkStatus();
  return makeError("state of ", What, " ", Part, ": ", Given,
                   " bytes of memory, expected ", Bytes);
}

absl::Status Executor::read(const StateParts &States, int64_t Part,
                            std::span<std::byte> To) {
  M1_RETURN_IF_ERROR(States.check(Part, To.size()));
  for (const StateParts::Arena &Each : States.Arenas) {
    M1_RETURN_IF_ERROR(TheDevice.copyToHost(
        To.data(), Arenas[Each.Index] + Part * Each.PartBytes, Each.PartBytes));
    To = To.subspan(Each.PartBytes);
  }
  return absl::OkStatus();
}

absl::Status Executor::write(const StateParts &States, int64_t Part,
                             std::span<const std::byte> From) {
  M1_RETURN_IF_ERROR(States.check(Part, From.size()));
  for (const StateParts::Arena &Each : States.Arenas) {
    M1_RETURN_IF_ERROR(
        TheDevice.copyFromHost(Arenas[Each.Index] + Part * Each.PartBytes,
                               From.data(), Each.PartBytes));
    From = From.subspan(Each.PartBytes);
  }
  return absl::OkStatus();
}

absl::Status Executor::copy(const StateParts &States, int64_t From,
                            int64_t To) {
  M1_RETURN_IF_ERROR(States.check(From));
  M1_RETURN_IF_ERROR(States.check(To));
  if (From == To)
    return absl::OkStatus();
  for (const StateParts::Arena &Each : States.Arenas)
    M1_RETURN_IF_ERROR(TheDevice.copy(
        Arenas[Each.Index] + To * Each.PartBytes,
        Arenas[Each.Index] + From * Each.PartBytes, Each.PartBytes));
  return absl::OkStatus();
}

absl::Status Executor::readSlot(int64_t Slot, std::span<std::byte> To) {
  return read(SlotParts, Slot, To);
}
absl::Status Executor::writeSlot(int64_t Slot,
                                 std::span<const std::byte> From) {
  return write(SlotParts, Slot, From);
}
absl::Status Executor::readBlock(int64_t Block, std::span<std::byte> To) {
  return read(BlockParts, Block, To);
}
absl::Status Executor::writeBlock(int64_t Block,
                                  std::span<const std::byte> From) {
  return write(BlockParts, Block, From);
}
absl::Status Executor::copySlot(int64_t From, int64_t To) {
  return copy(SlotParts, From, To);
}
absl::Status Executor::copyBlock(int64_t From, int64_t To) {
  return copy(BlockParts, From, To);
}
