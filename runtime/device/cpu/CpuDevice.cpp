//===- CpuDevice.cpp - the host CPU as a device ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/CpuDevice.h"

#include "runtime/device/MemoryNeeds.h"
#include "runtime/device/cpu/Features.h"
#include "runtime/device/cpu/GuardedLaunch.h"
#include "runtime/device/cpu/Image.h"
#include "runtime/support/ThreadPool.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

using namespace m1;
using namespace m1::cpu;

namespace {
class CpuDevice : public Device {
public:
  CpuDevice(std::unique_ptr<ThreadPool> Pool, bool Checked)
      : Checked(Checked), Pool(std::move(Pool)) {}

  std::string description() const override {
    return concat("cpu, ", Pool->threads(),
                  Pool->threads() == 1 ? " thread" : " threads",
                  Checked ? ", checked" : "");
  }

  absl::Status loadKernels(const LoadedPlan &Plan) override {
    PlanName = Plan.name();
    for (uint32_t I = 0; I < length(Plan->images()); ++I) {
      const plan::Image &Data = *Plan->images()->Get(I);
      if (view(Data.format()) != "elf" ||
          !view(Data.target()).starts_with(Architecture))
        return makeError(Plan.name(), ": compiled for ", view(Data.target()),
                         " (", view(Data.format()), "), this device runs ",
                         Architecture, " (elf)");
      for (uint32_t J = 0; J < length(Data.features()); ++J)
        M1_RETURN_IF_ERROR(
            requireFeature(view(Data.features()->Get(J)), Plan.name()));
      M1_ASSIGN_OR_RETURN(
          std::unique_ptr<cpu::Image> Loaded,
          cpu::Image::load({Data.data()->data(), Data.data()->size()},
                           Plan.name()));
      Images.push_back(std::move(Loaded));
    }
    uint64_t ScratchBytes = 0;
    for (uint32_t I = 0; I < length(Plan->kernels()); ++I) {
      const plan::Kernel &Described = *Plan->kernels()->Get(I);
      M1_ASSIGN_OR_RETURN(
          KernelFunction Function,
          Images[Described.image()]->find(Described.name()->str()));
      Kernels.push_back(
          {Function, view(Described.name()), Described.scratch_bytes()});
      ScratchBytes = std::max(ScratchBytes, Described.scratch_bytes());
    }
    // Whole pages per thread: no false sharing.
    for (unsigned I = 0; I < Pool->threads(); ++I) {
      M1_ASSIGN_OR_RETURN(Pages Scratch,
                          Checked ? Pages::allocateGuarded(ScratchBytes)
                                  : Pages::allocate(ScratchBytes));
      Scratches.push_back(std::move(Scratch));
    }
    // Committed only when a kernel writes an output that the caller does not
    // take.
    M1_ASSIGN_OR_RETURN(
        Unwanted, Pages::allocate(MemoryNeeds(*Plan, kAlignment).Outputs));
    return absl::OkStatus();
  }

  absl::StatusOr<Address> allocate(const plan::Arena &Arena) override {
    M1_ASSIGN_OR_RETURN(Pages Memory, isUsedCompletely(Arena)
                                          ? Pages::allocateLarge(Arena.bytes())
                                          : Pages::allocate(Arena.bytes()));
    Arenas.push_back(std::move(Memory));
    return reinterpret_cast<Address>(Arenas.back().data());
  }

  // Kernels use the process's own memory.
  bool usesHostMemory() const override { return true; }
  unsigned threads() const override { return Pool->threads(); }
  absl::StatusOr<Address> load(const void *Host, uint64_t) override {
    return reinterpret_cast<Address>(Host);
  }
  absl::Status unload(Address) override { return absl::OkStatus(); }
  absl::StatusOr<Address> map(void *Host, uint64_t Bytes,
                              HostAccess Access) override {
    if (Access != HostAccess::None)
      return reinterpret_cast<Address>(Host);
    char *At = Unwanted.data() + UnwantedUsed;
    UnwantedUsed += paddedBytes(Bytes, kAlignment);
    return reinterpret_cast<Address>(At);
  }
  absl::Status unmap(Address) override {
    UnwantedUsed = 0; // all of a call's tensors are unmapped together
    return absl::OkStatus();
  }

  bool checksExtents() const override { return Checked; }

  absl::Status launch(uint32_t Number, std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents,
                      const std::array<int64_t, 3> &Grid,
                      std::string_view Source) override {
    const Kernel &K = Kernels[Number];
    if (Checked)
      return launchChecked(K, Args, Extents, Grid, Source);
    Pool->parallelFor(cellsOf(Grid), chunkOf(Grid),
                      [&](int64_t Begin, int64_t End, unsigned Thread) {
                        runCells(K.Function, Args.data(), {Grid, Begin, End},
                                 Scratches[Thread].data());
                        completeStores();
                      });
    return absl::OkStatus();
  }

  absl::Status copy(Address To, Address From, uint64_t Bytes) override {
    std::memmove(reinterpret_cast<void *>(To),
                 reinterpret_cast<const void *>(From), Bytes);
    return absl::OkStatus();
  }

  absl::Status copyToHost(void *To, Address From, uint64_t Bytes) override {
    std::memcpy(To, reinterpret_cast<const void *>(From), Bytes);
    return absl::OkStatus();
  }
  absl::Status copyFromHost(Address To, const void *From,
                            uint64_t Bytes) override {
    std::memcpy(reinterpret_cast<void *>(To), From, Bytes);
    return absl::OkStatus();
  }
  absl::Status synchronize() override { return absl::OkStatus(); }

private:
  struct Kernel {
    KernelFunction Function;
    std::string_view Name;
    uint64_t ScratchBytes;
  };

  /// Makes what a kernel has stored past the caches visible to other threads.
  /// Atomics alone do not: the compiler orders ordinary stores only.
  static void completeStores() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  /// Large pages save TLB misses and page faults, but commit memory that may
  /// never be touched: slots and blocks that no sequence uses, and activations
  /// of more tokens than there are.
  static bool isUsedCompletely(const plan::Arena &Arena) {
    return Arena.kind() == plan::ArenaKind::Weights ||
           (Arena.kind() == plan::ArenaKind::State &&
            Arena.division() == plan::Division::None);
  }

  static int64_t cellsOf(const std::array<int64_t, 3> &Grid) {
    return Grid[0] * Grid[1] * Grid[2];
  }
  /// Cells per chunk: eight chunks per thread balance the load.
  int64_t chunkOf(const std::array<int64_t, 3> &Grid) const {
    return std::max<int64_t>(1, cellsOf(Grid) / (int64_t(Pool->threads()) * 8));
  }

  /// Runs the kernel on copies of its arguments between unmapped pages.
  absl::Status launchChecked(const Kernel &K, std::span<const uint64_t> Args,
                             std::span<const ArgumentExtent> Extents,
                             const std::array<int64_t, 3> &Grid,
                             std::string_view Source) {
    GuardedArguments Guarded;
    M1_RETURN_IF_ERROR(Guarded.copyIn(Args, Extents));
    const uint64_t ScratchBytes = paddedBytes(K.ScratchBytes, kAlignment);
    std::mutex Mutex;
    std::string Error; // of the first cell that has one
    int64_t ErrorCell = INT64_MAX;
    std::atomic<bool> Failed{false};
    Pool->parallelFor(cellsOf(Grid), chunkOf(Grid),
                      [&](int64_t Begin, int64_t End, unsigned Thread) {
                        if (Failed)
                          return;
                        // The scratch memory ends where the guard begins.
                        void *Scratch = Scratches[Thread].end() - ScratchBytes;
                        std::optional<Fault> Found =
                            runCellsGuarded(K.Function, Guarded.values(),
                                            {Grid, Begin, End}, Scratch);
                        completeStores();
                        if (!Found)
                          return;
                        Failed = true;
                        std::lock_guard<std::mutex> Lock(Mutex);
                        if (Begin >= ErrorCell)
                          return;
                        ErrorCell = Begin;
                        Error = Scratches[Thread].guards(Found->Address)
                                    ? concat("leaves its scratch memory of ",
                                             K.ScratchBytes, " bytes")
                                    : Guarded.describe(*Found);
                      });
    if (Error.empty())
      if (absl::Status Status = Guarded.copyOut(); !Status.ok())
        Error = std::string(Status.message());
    if (Error.empty())
      return absl::OkStatus();
    return makeError(PlanName, ": kernel '", K.Name, "'",
                     Source.empty() ? "" : concat(" (", Source, ")"), ", grid ",
                     Grid[0], " x ", Grid[1], " x ", Grid[2], ": ", Error);
  }

  static constexpr uint64_t kAlignment = 64;
#if defined(__x86_64__)
  static constexpr std::string_view Architecture = "x86_64";
#elif defined(__aarch64__)
  static constexpr std::string_view Architecture = "aarch64";
#else
#error "add the name that LLVM's target triples give this architecture"
#endif

  bool Checked;
  std::string PlanName;
  std::vector<std::unique_ptr<cpu::Image>> Images;
  std::vector<Kernel> Kernels;
  std::vector<Pages> Arenas, Scratches;
  /// Memory for outputs that the caller does not take.
  Pages Unwanted;
  uint64_t UnwantedUsed = 0;
  std::unique_ptr<ThreadPool> Pool;
};

} // namespace

absl::StatusOr<std::unique_ptr<Device>> m1::createCpuDevice(unsigned Threads,
                                                            bool Checked) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<ThreadPool> Pool,
                      ThreadPool::create(Threads));
  return std::make_unique<CpuDevice>(std::move(Pool), Checked);
}
