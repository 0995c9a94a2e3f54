//===- MockDriver.cpp - a mock GPU driver ---------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/device/gpu/MockDriver.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>

using namespace m1;
using namespace m1::test;
using gpu::Address;

size_t MockDriver::Control::count(std::string_view Prefix) const {
  return std::count_if(Log.begin(), Log.end(), [&](const std::string &Entry) {
    return Entry.starts_with(Prefix);
  });
}

absl::Status MockDriver::start(std::string Entry, Work What) {
  C.Log.push_back((IsRecording ? "record " : "") + std::move(Entry));
  if (IsRecording) {
    Open.push_back(std::move(What));
  } else {
    Queue.push_back(std::move(What));
    ++Started;
  }
  return absl::OkStatus();
}

absl::Status MockDriver::finish(uint64_t Until) {
  while (Finished < Until) {
    Work Next = std::move(Queue.front());
    Queue.pop_front();
    ++Finished;
    M1_RETURN_IF_ERROR(Next());
  }
  return absl::OkStatus();
}

absl::StatusOr<Address> MockDriver::allocate(uint64_t Bytes, Contents What) {
  bool IsZero = What == Contents::Zero;
  C.Log.push_back(concat("allocate ", Bytes, IsZero ? " zero" : " undefined"));
  if (C.AllocationsLeft == 0)
    return makeError("out of memory for ", Bytes, " bytes");
  --C.AllocationsLeft;
  auto Data = std::make_unique<std::byte[]>(Bytes + 256);
  std::memset(Data.get(), IsZero ? 0 : 0xA5, Bytes + 256);
  Address At = (reinterpret_cast<Address>(Data.get()) + 255) / 256 * 256;
  Memory[At] = std::move(Data);
  ++C.LiveAllocations;
  return At;
}
absl::Status MockDriver::release(Address At) {
  C.Log.push_back("release");
  if (Memory.count(At) == 0)
    return makeError("release of what was not allocated");
  absl::Status Status = finish(Started);
  Memory.erase(At);
  --C.LiveAllocations;
  return Status;
}
absl::StatusOr<void *> MockDriver::allocateHost(uint64_t Bytes) {
  ++C.LiveAllocations;
  return ::operator new(Bytes);
}
void MockDriver::releaseHost(void *At) {
  --C.LiveAllocations;
  ::operator delete(At);
}

absl::Status MockDriver::copyIn(Address To, const void *From, uint64_t Bytes) {
  return start(concat("copyIn ", Bytes), [=] {
    std::memcpy(reinterpret_cast<void *>(To), From, Bytes);
    return absl::OkStatus();
  });
}
absl::Status MockDriver::copyOut(void *To, Address From, uint64_t Bytes) {
  return start(concat("copyOut ", Bytes), [=] {
    std::memcpy(To, reinterpret_cast<void *>(From), Bytes);
    return absl::OkStatus();
  });
}
absl::Status MockDriver::copy(Address To, Address From, uint64_t Bytes) {
  if (std::max(To, From) - std::min(To, From) < Bytes)
    return makeError("copy between ranges that overlap");
  return start(concat("copy ", Bytes), [=] {
    std::memcpy(reinterpret_cast<void *>(To), reinterpret_cast<void *>(From),
                Bytes);
    return absl::OkStatus();
  });
}

absl::Status MockDriver::mark(unsigned Mark) {
  Marks[Mark] = Started;
  return absl::OkStatus();
}
absl::Status MockDriver::waitFor(unsigned Mark) { return finish(Marks[Mark]); }

absl::StatusOr<uint32_t> MockDriver::loadModule(std::string_view Ptx) {
  C.Log.push_back(concat("load ", Ptx));
  if (!C.Refusal.empty())
    return makeError(C.Refusal);
  return 0;
}
absl::StatusOr<uint32_t>
MockDriver::findKernel(uint32_t, const std::string &Name, uint32_t) {
  void *Library = ::dlopen(M1_TEST_KERNELS, RTLD_NOW | RTLD_LOCAL);
  auto Kernel = reinterpret_cast<HostKernel>(::dlsym(Library, Name.c_str()));
  if (!Kernel)
    return makeError("the image has no kernel '", Name, "'");
  Kernels.push_back(Kernel);
  Names.push_back(Name);
  return Kernels.size() - 1;
}

absl::Status MockDriver::launch(uint32_t Number, const gpu::LaunchShape &Shape,
                                std::span<const uint64_t> Args,
                                std::span<const ArgumentExtent>) {
  if (!C.LaunchRefusal.empty())
    return makeError(std::exchange(C.LaunchRefusal, ""));
  HostKernel Kernel = Kernels[Number];
  auto [X, Y, Z] = Shape.Grid;
  return start(concat("launch ", Names[Number], " ", X, "x", Y, "x", Z, " of ",
                      Shape.Threads, ", ", Shape.SharedBytes),
               [this, Kernel, Grid = Shape.Grid,
                Values = std::vector<uint64_t>(Args.begin(), Args.end())] {
                 if (!C.Fault.empty())
                   return makeError(std::exchange(C.Fault, ""));
                 alignas(64) std::byte Scratch[64];
                 int64_t Cell[3];
                 for (Cell[2] = 0; Cell[2] < Grid[2]; ++Cell[2])
                   for (Cell[1] = 0; Cell[1] < Grid[1]; ++Cell[1])
                     for (Cell[0] = 0; Cell[0] < Grid[0]; ++Cell[0])
                       Kernel(Values.data(), Cell, Scratch);
                 return absl::OkStatus();
               });
}
absl::Status MockDriver::synchronize() {
  C.Log.push_back("synchronize");
  return finish(Started);
}

absl::Status MockDriver::beginRecording() {
  IsRecording = true;
  Open.clear();
  return absl::OkStatus();
}
absl::StatusOr<uint32_t> MockDriver::endRecording() {
  IsRecording = false;
  Recordings[NextRecording] = std::move(Open);
  ++C.LiveRecordings;
  return NextRecording++;
}
absl::Status MockDriver::replay(uint32_t Recording) {
  C.Log.push_back(concat("replay ", Recording));
  for (const Work &What : Recordings.at(Recording)) {
    Queue.push_back(What);
    ++Started;
  }
  return absl::OkStatus();
}
absl::Status MockDriver::forget(uint32_t Recording) {
  if (Recordings.erase(Recording) != 1)
    return makeError("no recording ", Recording);
  --C.LiveRecordings;
  return absl::OkStatus();
}
