//===- BoundsDevice.h - a device that only checks accesses ---- -*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_FUZZ_BOUNDSDEVICE_H
#define M1C_TEST_FUZZ_BOUNDSDEVICE_H

#include "runtime/device/Device.h"

#include <map>

namespace m1::fuzz {

/// A device without memory that executes nothing: it checks that each launch
/// and copy stays inside one object and writes to none that is read only. A
/// verified plan must do nothing else, whatever its numbers are.
class BoundsDevice : public Device {
public:
  std::string description() const override { return "bounds"; }
  absl::Status loadKernels(const LoadedPlan &Plan) override;
  absl::StatusOr<Address> allocate(const plan::Arena &Arena) override;
  absl::StatusOr<Address> load(const void *Host, uint64_t Bytes) override;
  absl::Status unload(Address Loaded) override { return remove(Loaded); }
  bool usesHostMemory() const override { return true; }
  absl::StatusOr<Address> map(void *Host, uint64_t Bytes,
                              HostAccess Access) override;
  absl::Status unmap(Address Mapped) override { return remove(Mapped); }
  absl::Status launch(uint32_t Kernel, std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents,
                      const std::array<int64_t, 3> &Grid,
                      std::string_view Source) override;
  bool checksExtents() const override { return true; }
  absl::Status copy(Address To, Address From, uint64_t Bytes) override;
  absl::Status copyToHost(void *To, Address From, uint64_t Bytes) override;
  absl::Status copyFromHost(Address To, const void *From,
                            uint64_t Bytes) override;
  absl::Status synchronize() override { return absl::OkStatus(); }

private:
  struct Object {
    uint64_t Bytes;
    bool Writable;
  };
  Address add(uint64_t Bytes, bool Writable);
  absl::Status remove(Address At);
  /// Requires that an access is inside an object and allowed.
  void access(Address At, uint64_t Bytes, bool Write) const;

  const LoadedPlan *Plan = nullptr;
  std::map<Address, Object> Objects;
  Address Next = 64;
};

} // namespace m1::fuzz

#endif // M1C_TEST_FUZZ_BOUNDSDEVICE_H
