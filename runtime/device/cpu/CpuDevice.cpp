//===- CpuDevice.cpp - the processor that this process runs on --*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/CpuDevice.h"

#include "runtime/device/cpu/Features.h"
#include "runtime/device/cpu/Image.h"
#include "runtime/device/cpu/ThreadPool.h"

#include <cerrno>
#include <cstring>
#include <sched.h>
#include <sys/mman.h>

using namespace m1;
using namespace m1::cpu;

namespace {
/// Zero pages from the system: aligned, and free until they are touched.
class Pages {
public:
  static absl::StatusOr<Pages> allocate(uint64_t Bytes) {
    Pages Result;
    if (Bytes == 0)
      return Result;
    void *Address = ::mmap(nullptr, Bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (Address == MAP_FAILED)
      return makeError("cannot allocate ", Bytes,
                       " bytes: ", std::strerror(errno));
    Result.Data = Address;
    Result.Bytes = Bytes;
    return Result;
  }
  Pages() = default;
  Pages(Pages &&Other)
      : Data(std::exchange(Other.Data, nullptr)), Bytes(Other.Bytes) {}
  Pages &operator=(Pages &&Other) {
    std::swap(Data, Other.Data);
    std::swap(Bytes, Other.Bytes);
    return *this;
  }
  ~Pages() {
    if (Data)
      ::munmap(Data, Bytes);
  }
  char *data() const { return static_cast<char *>(Data); }
  void useLargePages() const {
    if (Data)
      ::madvise(Data, Bytes, MADV_HUGEPAGE);
  }

private:
  void *Data = nullptr;
  uint64_t Bytes = 0;
};

class CpuDevice : public Device {
public:
  explicit CpuDevice(unsigned Threads) : Pool(Threads) {}

  std::string description() const override {
    return concat("cpu, ", Pool.threads(),
                  Pool.threads() == 1 ? " thread" : " threads");
  }

  absl::Status loadKernels(const LoadedPlan &Plan) override {
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
      const plan::Kernel &Kernel = *Plan->kernels()->Get(I);
      M1_ASSIGN_OR_RETURN(KernelFunction Function,
                          Images[Kernel.image()]->find(Kernel.name()->str()));
      Kernels.push_back(Function);
      ScratchBytes = std::max(ScratchBytes, Kernel.scratch_bytes());
    }
    // Whole pages for each thread: no two threads share a cache line.
    for (unsigned I = 0; I < Pool.threads(); ++I) {
      M1_ASSIGN_OR_RETURN(Pages Scratch, Pages::allocate(ScratchBytes));
      Scratches.push_back(std::move(Scratch));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Address> allocate(uint64_t Bytes,
                                   plan::ArenaKind Kind) override {
    M1_ASSIGN_OR_RETURN(Pages Arena, Pages::allocate(Bytes));
    // Weights are read from end to end: large pages spare address translations.
    // States and activations may stay mostly untouched.
    if (Kind == plan::ArenaKind::Weights)
      Arena.useLargePages();
    Arenas.push_back(std::move(Arena));
    return reinterpret_cast<Address>(Arenas.back().data());
  }

  // Kernels use the process's own memory.
  bool usesHostMemory() const override { return true; }
  absl::StatusOr<Address> load(const void *Host, uint64_t) override {
    return reinterpret_cast<Address>(Host);
  }
  absl::Status unload(Address) override { return absl::OkStatus(); }
  absl::StatusOr<Address> map(void *Host, uint64_t, HostAccess) override {
    return reinterpret_cast<Address>(Host);
  }
  absl::Status unmap(Address) override { return absl::OkStatus(); }

  absl::Status launch(uint32_t Kernel, std::span<const uint64_t> Args,
                      const std::array<int64_t, 3> &Grid,
                      std::string_view) override {
    KernelFunction Function = Kernels[Kernel];
    int64_t Cells = Grid[0] * Grid[1] * Grid[2];
    // Chunks so small that the threads end together, and no smaller.
    int64_t Chunks = int64_t(Pool.threads()) * 8;
    int64_t Chunk = std::max<int64_t>(1, Cells / Chunks);
    Pool.parallelFor(
        Cells, Chunk, [&](int64_t Begin, int64_t End, unsigned Thread) {
          void *Scratch = Scratches[Thread].data();
          int64_t Cell[3] = {Begin % Grid[0], Begin / Grid[0] % Grid[1],
                             Begin / Grid[0] / Grid[1]};
          for (int64_t I = Begin; I < End; ++I) {
            Function(Args.data(), Cell, Scratch);
            if (++Cell[0] < Grid[0])
              continue;
            Cell[0] = 0;
            if (++Cell[1] < Grid[1])
              continue;
            Cell[1] = 0;
            ++Cell[2];
          }
        });
    return absl::OkStatus();
  }

  absl::Status copy(Address To, Address From, uint64_t Bytes) override {
    std::memmove(reinterpret_cast<void *>(To),
                 reinterpret_cast<const void *>(From), Bytes);
    return absl::OkStatus();
  }

  absl::Status synchronize() override { return absl::OkStatus(); }

private:
#if defined(__x86_64__)
  static constexpr std::string_view Architecture = "x86_64";
#elif defined(__aarch64__)
  static constexpr std::string_view Architecture = "aarch64";
#else
#error "add the name that LLVM's target triples give this architecture"
#endif

  std::vector<std::unique_ptr<cpu::Image>> Images;
  std::vector<KernelFunction> Kernels;
  std::vector<Pages> Arenas, Scratches;
  ThreadPool Pool;
};

} // namespace

absl::StatusOr<unsigned> m1::chooseThreads(unsigned Asked) {
  if (Asked > 1024)
    return makeError("--threads ", Asked, ": at most 1024");
  if (Asked > 0)
    return Asked;
  cpu_set_t Set;
  if (::sched_getaffinity(0, sizeof Set, &Set) == 0)
    return std::max(1, CPU_COUNT(&Set));
  return std::max(1u, std::thread::hardware_concurrency());
}

std::unique_ptr<Device> m1::createCpuDevice(unsigned Threads) {
  return std::make_unique<CpuDevice>(Threads);
}
