//===- FailingDevice.h - a device that stops working ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_ENGINE_FAILINGDEVICE_H
#define M1C_TEST_UNIT_ENGINE_FAILINGDEVICE_H

#include "runtime/device/Device.h"
#include "runtime/support/Error.h"

#include <atomic>

namespace m1::test {

/// Another device until `Fails` is set; then every launch is an error.
class FailingDevice : public Device {
public:
  explicit FailingDevice(Device &Real) : Real(Real) {}
  std::atomic<bool> Fails = false;

  std::string description() const override { return Real.description(); }
  /// `Real` has them already.
  absl::Status loadKernels(const LoadedPlan &Plan) override {
    return absl::OkStatus();
  }
  absl::StatusOr<Address> allocate(const plan::Arena &Arena) override {
    return Real.allocate(Arena);
  }
  absl::StatusOr<Address> load(const void *Host, uint64_t Bytes) override {
    return Real.load(Host, Bytes);
  }
  absl::Status unload(Address Loaded) override { return Real.unload(Loaded); }
  bool usesHostMemory() const override { return Real.usesHostMemory(); }
  absl::StatusOr<Address> map(void *Host, uint64_t Bytes,
                              HostAccess Access) override {
    return Real.map(Host, Bytes, Access);
  }
  absl::Status unmap(Address Mapped) override { return Real.unmap(Mapped); }
  absl::Status launch(uint32_t Kernel, std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents,
                      const std::array<int64_t, 3> &Grid,
                      std::string_view Source) override {
    return Fails ? makeError("the device is gone")
                 : Real.launch(Kernel, Args, Extents, Grid, Source);
  }
  absl::Status copy(Address To, Address From, uint64_t Bytes) override {
    return Real.copy(To, From, Bytes);
  }
  absl::Status copyToHost(void *To, Address From, uint64_t Bytes) override {
    return Real.copyToHost(To, From, Bytes);
  }
  absl::Status copyFromHost(Address To, const void *From,
                            uint64_t Bytes) override {
    return Real.copyFromHost(To, From, Bytes);
  }
  absl::Status synchronize() override { return Real.synchronize(); }

private:
  Device &Real;
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_ENGINE_FAILINGDEVICE_H
