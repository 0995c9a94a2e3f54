//===- PtxDriver.cpp - the emulated GPU as a driver -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/ptx/PtxDriver.h"

#include "runtime/emulators/ptx/Machine.h"

#include <vector>

using namespace m1;
using namespace m1::ptx;
using gpu::Address;

namespace {
class PtxDriver : public gpu::Driver {
public:
  PtxDriver(std::unique_ptr<Machine> TheMachine, unsigned Threads)
      : Gpu(std::move(TheMachine)), Threads(Threads) {}

  std::string description() const override {
    return concat("ptx emulated on ", Threads,
                  Threads == 1 ? " thread" : " threads");
  }
  gpu::Limits limits() const override {
    return {.ComputeCapability = 0,
            .SharedBytes = Machine::Limits().SharedBytes};
  }
  absl::StatusOr<uint64_t> freeBytes() override {
    return UINT64_MAX; // the host's pages are taken when they are touched
  }

  absl::StatusOr<Address> allocate(uint64_t Bytes, Contents What) override {
    return Gpu->allocate(Bytes, What == Contents::Zero);
  }
  absl::Status release(Address At) override { return Gpu->release(At); }
  absl::StatusOr<void *> allocateHost(uint64_t Bytes) override {
    return ::operator new(Bytes);
  }
  void releaseHost(void *At) override { ::operator delete(At); }

  absl::Status copyIn(Address To, const void *From, uint64_t Bytes) override {
    return Gpu->write(To, From, Bytes);
  }
  absl::Status copyOut(void *To, Address From, uint64_t Bytes) override {
    return Gpu->read(To, From, Bytes);
  }
  absl::Status copy(Address To, Address From, uint64_t Bytes) override {
    return Gpu->copy(To, From, Bytes);
  }
  absl::Status mark(unsigned) override { return absl::OkStatus(); }
  absl::Status waitFor(unsigned) override { return absl::OkStatus(); }

  absl::StatusOr<uint32_t> loadModule(std::string_view Ptx) override {
    return Gpu->load(Ptx, "kernels");
  }
  absl::StatusOr<uint32_t> findKernel(uint32_t Module, const std::string &Name,
                                      uint32_t) override {
    if (!Gpu->hasKernel(Module, Name))
      return makeError("the image has no kernel '", Name, "'");
    Kernels.push_back({Module, Name});
    return Kernels.size() - 1;
  }
  bool checksExtents() const override { return true; }
  absl::Status launch(uint32_t Number, const gpu::LaunchShape &Shape,
                      std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents) override {
    const Kernel &K = Kernels[Number];
    return Gpu->launch({.Module = K.Module,
                        .Kernel = K.Name,
                        .Grid = Shape.Grid,
                        .Block = {Shape.Threads, 1, 1},
                        .SharedBytes = Shape.SharedBytes,
                        .Arguments = Args,
                        .Extents = Extents});
  }
  absl::Status synchronize() override { return absl::OkStatus(); }

private:
  struct Kernel {
    uint32_t Module;
    std::string Name;
  };

  std::unique_ptr<Machine> Gpu;
  unsigned Threads;
  std::vector<Kernel> Kernels;
};
} // namespace

absl::StatusOr<std::unique_ptr<gpu::Driver>>
ptx::createPtxDriver(unsigned Threads) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Machine> Gpu, Machine::create(Threads));
  return std::make_unique<PtxDriver>(std::move(Gpu), Threads);
}
