//===- MockDriver.h - a mock GPU driver -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_DEVICE_GPU_MOCKDRIVER_H
#define M1C_TEST_UNIT_DEVICE_GPU_MOCKDRIVER_H

#include "runtime/device/gpu/Driver.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace m1::test {

/// A mock GPU in host memory with the kernels of Kernels.c. Work is executed as
/// late as the interface allows, so that a missing wait shows in the results.
/// All calls are logged.
class MockDriver : public gpu::Driver, private Recorder {
public:
  /// Settings and log, which outlive the driver.
  struct Control {
    unsigned ComputeCapability = 80;
    uint64_t SharedBytes = 100 << 10, FreeBytes = 1 << 20;
    bool CanRecord = true;
    /// Injected errors of the next executed launch, of loadModule and of the
    /// next call of `launch`.
    std::string Fault, Refusal, LaunchRefusal;
    /// Device allocations that succeed.
    size_t AllocationsLeft = SIZE_MAX;

    std::vector<std::string> Log;
    size_t LiveAllocations = 0, LiveRecordings = 0;

    /// The number of log entries with this prefix.
    size_t count(std::string_view Prefix) const;
  };
  explicit MockDriver(Control &C) : C(C) {}

  std::string description() const override { return "mock"; }
  gpu::Limits limits() const override {
    return {C.ComputeCapability, C.SharedBytes};
  }
  absl::StatusOr<uint64_t> freeBytes() override { return C.FreeBytes; }
  absl::StatusOr<gpu::Address> allocate(uint64_t Bytes, Contents What) override;
  absl::Status release(gpu::Address At) override;
  absl::StatusOr<void *> allocateHost(uint64_t Bytes) override;
  void releaseHost(void *At) override;
  absl::Status copyIn(gpu::Address To, const void *From,
                      uint64_t Bytes) override;
  absl::Status copyOut(void *To, gpu::Address From, uint64_t Bytes) override;
  absl::Status copy(gpu::Address To, gpu::Address From,
                    uint64_t Bytes) override;
  absl::Status mark(unsigned Mark) override;
  absl::Status waitFor(unsigned Mark) override;
  absl::StatusOr<uint32_t> loadModule(std::string_view Ptx) override;
  absl::StatusOr<uint32_t> findKernel(uint32_t Module, const std::string &Name,
                                      uint32_t SharedBytes) override;
  absl::Status launch(uint32_t Kernel, const gpu::LaunchShape &Shape,
                      std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents) override;
  absl::Status synchronize() override;
  Recorder *recorder() override { return C.CanRecord ? this : nullptr; }
  absl::Status beginRecording() override;
  absl::StatusOr<uint32_t> endRecording() override;
  absl::Status replay(uint32_t Recording) override;
  absl::Status forget(uint32_t Recording) override;

private:
  using Work = std::function<absl::Status()>;
  using HostKernel = void (*)(const uint64_t *, const int64_t *, void *);
  absl::Status start(std::string Entry, Work What);
  absl::Status finish(uint64_t Until);

  Control &C;
  std::map<gpu::Address, std::unique_ptr<std::byte[]>> Memory;
  std::deque<Work> Queue;
  uint64_t Started = 0, Finished = 0, Marks[2] = {0, 0};
  std::vector<HostKernel> Kernels;
  std::vector<std::string> Names;
  bool IsRecording = false;
  std::vector<Work> Open;
  std::map<uint32_t, std::vector<Work>> Recordings;
  uint32_t NextRecording = 0;
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_DEVICE_GPU_MOCKDRIVER_H
