//===- BoundsDevice.cpp - a device that only checks accesses --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/BoundsDevice.h"

#include <algorithm>

#include "test/fuzz/Target.h"

using namespace m1;
using namespace m1::fuzz;

absl::Status BoundsDevice::loadKernels(const LoadedPlan &Loaded) {
  Plan = &Loaded;
  return absl::OkStatus();
}

Device::Address BoundsDevice::add(uint64_t Bytes, bool Writable) {
  Address At = Next;
  Objects[At] = {Bytes, Writable};
  // A gap, so that a byte after an object is in none.
  Next = (At + Bytes + 64) / 64 * 64 + 64;
  require(Next > At, "the objects of a plan fit an address space");
  return At;
}

absl::Status BoundsDevice::remove(Address At) {
  require(Objects.erase(At) == 1, "only what was made is released, once");
  return absl::OkStatus();
}

absl::StatusOr<Device::Address>
BoundsDevice::allocate(const plan::Arena &Arena) {
  return add(Arena.bytes(), /*Writable=*/true);
}

absl::StatusOr<Device::Address> BoundsDevice::load(const void *,
                                                   uint64_t Bytes) {
  return add(Bytes, /*Writable=*/false);
}

absl::StatusOr<Device::Address> BoundsDevice::map(void *, uint64_t Bytes,
                                                  HostAccess Access) {
  return add(Bytes, Access != HostAccess::Read);
}

void BoundsDevice::access(Address At, uint64_t Bytes, bool Write) const {
  if (Bytes == 0)
    return;
  auto After = Objects.upper_bound(At);
  require(After != Objects.begin(), "an access begins inside an object");
  const auto &[Begin, Found] = *std::prev(After);
  require(At - Begin <= Found.Bytes && Bytes <= Found.Bytes - (At - Begin),
          "an access stays inside one object");
  require(Found.Writable || !Write, "nothing writes to a read-only object");
}

absl::Status BoundsDevice::launch(uint32_t Kernel,
                                  std::span<const uint64_t> Args,
                                  std::span<const ArgumentExtent> Extents,
                                  const std::array<int64_t, 3> &,
                                  std::string_view) {
  require(Kernel < length((*Plan)->kernels()), "a launch's kernel exists");
  require(Args.size() == (*Plan)->kernels()->Get(Kernel)->argument_count() &&
              Args.size() == Extents.size(),
          "a launch has the arguments of its kernel");
  for (size_t I = 0; I < Args.size(); ++I)
    if (Extents[I].Allowed != ArgumentExtent::Access::Scalar)
      access(Args[I], Extents[I].Bytes,
             Extents[I].Allowed == ArgumentExtent::Access::ReadWrite);
  return absl::OkStatus();
}

absl::Status BoundsDevice::copyToHost(void *To, Address From, uint64_t Bytes) {
  access(From, Bytes, /*Write=*/false);
  std::fill_n(static_cast<char *>(To), Bytes, 0);
  return absl::OkStatus();
}

absl::Status BoundsDevice::copyFromHost(Address To, const void *,
                                        uint64_t Bytes) {
  access(To, Bytes, /*Write=*/true);
  return absl::OkStatus();
}

absl::Status BoundsDevice::copy(Address To, Address From, uint64_t Bytes) {
  access(To, Bytes, /*Write=*/true);
  access(From, Bytes, /*Write=*/false);
  return absl::OkStatus();
}
