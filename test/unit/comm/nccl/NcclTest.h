//===- NcclTest.h - tests of exchanges between GPUs -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_COMM_NCCL_NCCLTEST_H
#define M1C_TEST_UNIT_COMM_NCCL_NCCLTEST_H

#include "runtime/device/gpu/Driver.h"
#include "test/unit/comm/nccl/MockNccl.h"

#include <gtest/gtest.h>

#include <cstring>
#include <dlfcn.h>
#include <thread>

namespace m1::test {

/// A GPU in host memory, without kernels.
class MockGpu : public gpu::Driver, private Recorder {
public:
  std::string description() const override { return "mock"; }
  gpu::Limits limits() const override { return {}; }
  absl::StatusOr<uint64_t> freeBytes() override { return UINT64_MAX; }
  absl::StatusOr<gpu::Address> allocate(uint64_t Bytes, Contents) override {
    ++Live;
    return reinterpret_cast<gpu::Address>(::operator new(Bytes));
  }
  absl::Status release(gpu::Address At) override {
    --Live;
    ::operator delete(reinterpret_cast<void *>(At));
    return absl::OkStatus();
  }
  absl::StatusOr<void *> allocateHost(uint64_t Bytes) override {
    ++Live;
    return ::operator new(Bytes);
  }
  void releaseHost(void *At) override {
    --Live;
    ::operator delete(At);
  }
  absl::Status copyIn(gpu::Address To, const void *From,
                      uint64_t Bytes) override {
    return move(reinterpret_cast<void *>(To), From, Bytes);
  }
  absl::Status copyOut(void *To, gpu::Address From, uint64_t Bytes) override {
    return move(To, reinterpret_cast<void *>(From), Bytes);
  }
  absl::Status copy(gpu::Address To, gpu::Address From,
                    uint64_t Bytes) override {
    return move(reinterpret_cast<void *>(To), reinterpret_cast<void *>(From),
                Bytes);
  }
  absl::Status mark(unsigned) override { return absl::OkStatus(); }
  absl::Status waitFor(unsigned) override { return synchronize(); }
  absl::StatusOr<uint32_t> loadModule(std::string_view) override {
    return makeError("no kernels");
  }
  absl::StatusOr<uint32_t> findKernel(uint32_t, const std::string &,
                                      uint32_t) override {
    return makeError("no kernels");
  }
  absl::Status launch(uint32_t, const gpu::LaunchShape &,
                      std::span<const uint64_t>,
                      std::span<const ArgumentExtent>) override {
    return makeError("no kernels");
  }
  absl::Status synchronize() override {
    while (!Stream.run())
      std::this_thread::yield();
    return absl::OkStatus();
  }
  void *stream() override { return &Stream; }
  absl::StatusOr<bool> isIdle() override { return Stream.run(); }

  Recorder *recorder() override { return this; }
  absl::Status beginRecording() override {
    Stream.Recorded.clear();
    Stream.IsRecording = true;
    return absl::OkStatus();
  }
  absl::StatusOr<uint32_t> endRecording() override {
    Stream.IsRecording = false;
    Recordings[Recorded] = std::move(Stream.Recorded);
    return Recorded++;
  }
  absl::Status replay(uint32_t Number) override {
    ++Replays;
    for (const MockStream::Work &W : Recordings.at(Number))
      Stream.issue(W);
    return absl::OkStatus();
  }
  absl::Status forget(uint32_t Number) override {
    Recordings.erase(Number);
    return absl::OkStatus();
  }

  bool isRecording() const { return Stream.IsRecording; }
  size_t recordings() const { return Recordings.size(); } ///< that are kept

  int Live = 0;    ///< allocations
  int Replays = 0; ///< of recordings

private:
  absl::Status move(void *To, const void *From, uint64_t Bytes) {
    Stream.issue([=] {
      std::memcpy(To, From, Bytes);
      return [] { return true; };
    });
    return absl::OkStatus();
  }

  MockStream Stream;
  std::map<uint32_t, std::vector<MockStream::Work>> Recordings;
  uint32_t Recorded = 0;
};

/// Tests with the mock of NCCL, as if nothing had called it yet.
class NcclTest : public testing::Test {
protected:
  void SetUp() override {
    void *Library = ::dlopen(M1_MOCK_NCCL, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(Library, nullptr) << ::dlerror();
    Mock = static_cast<MockNccl *>(::dlsym(Library, "mockNccl"));
    ASSERT_NE(Mock, nullptr);
    Mock->Version = 22005;
    Mock->Failures.clear();
    Mock->Hangs.clear();
    Mock->AsyncErrors.clear();
    Mock->Progress = 3;
    Mock->HangsAtStart = false;
    Mock->Communicators = Mock->Destroyed = Mock->Aborted = 0;
    Mock->Calls.clear();
  }

  MockNccl *Mock = nullptr;
};

} // namespace m1::test

#endif // M1C_TEST_UNIT_COMM_NCCL_NCCLTEST_H
