//===- HostDevice.h - a device for tests of exchanges -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_COMM_HOSTDEVICE_H
#define M1C_TEST_UNIT_COMM_HOSTDEVICE_H

#include "runtime/device/Device.h"

#include <cstring>

namespace m1::test {

/// A device that executes no kernels. Its memory is the host's, at the same
/// addresses, or at addresses that only the device's copies accept.
class HostDevice : public Device {
public:
  explicit HostDevice(uint64_t Shift = 0) : Shift(Shift) {}

  /// The device's address of host memory.
  Address at(void *Host) const {
    return reinterpret_cast<Address>(Host) + Shift;
  }
  void *host(Address At) const { return reinterpret_cast<void *>(At - Shift); }

  std::string description() const override { return "test"; }
  absl::Status loadKernels(const LoadedPlan &) override {
    return absl::OkStatus();
  }
  absl::StatusOr<Address> allocate(const plan::Arena &) override {
    return makeError("a device for exchanges only");
  }
  absl::StatusOr<Address> load(const void *, uint64_t) override {
    return makeError("a device for exchanges only");
  }
  absl::Status unload(Address) override { return absl::OkStatus(); }
  bool usesHostMemory() const override { return Shift == 0; }
  absl::StatusOr<Address> map(void *, uint64_t, HostAccess) override {
    return makeError("a device for exchanges only");
  }
  absl::Status unmap(Address) override { return absl::OkStatus(); }
  absl::Status launch(uint32_t, std::span<const uint64_t>,
                      std::span<const ArgumentExtent>,
                      const std::array<int64_t, 3> &,
                      std::string_view) override {
    return makeError("a device for exchanges only");
  }
  absl::Status copy(Address To, Address From, uint64_t Bytes) override {
    std::memmove(host(To), host(From), Bytes);
    return absl::OkStatus();
  }
  absl::Status copyToHost(void *To, Address From, uint64_t Bytes) override {
    std::memcpy(To, host(From), Bytes);
    return absl::OkStatus();
  }
  absl::Status copyFromHost(Address To, const void *From,
                            uint64_t Bytes) override {
    std::memcpy(host(To), From, Bytes);
    return absl::OkStatus();
  }
  absl::Status synchronize() override { return absl::OkStatus(); }

private:
  uint64_t Shift;
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_COMM_HOSTDEVICE_H
