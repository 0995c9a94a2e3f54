//===- GpuDevice.cpp - a device behind a GPU's driver ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/gpu/GpuDevice.h"

#include "runtime/device/MemoryNeeds.h"
#include "runtime/device/gpu/TransferBuffers.h"
#include "runtime/schema/GpuTargets.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

using namespace m1;
using namespace m1::gpu;

namespace {
constexpr uint64_t kAlignment = 256;

class GpuDevice : public Device, private Recorder {
public:
  GpuDevice(std::unique_ptr<Driver> TheDriver, const GpuOptions &Options)
      : Gpu(std::move(TheDriver)), Options(Options) {}
  ~GpuDevice() override {
    for (Address At : Allocations)
      (void)Gpu->release(At); // a destructor cannot report errors
  }

  Driver &driver() { return *Gpu; }
  std::string description() const override { return Gpu->description(); }

  absl::Status loadKernels(const LoadedPlan &Plan) override {
    PlanName = Plan.name();
    for (uint32_t I = 0; I < length(Plan->images()); ++I)
      M1_RETURN_IF_ERROR(checkImage(*Plan->images()->Get(I)));
    M1_RETURN_IF_ERROR(checkShared(*Plan));
    MemoryNeeds Needs(*Plan, kAlignment);
    M1_RETURN_IF_ERROR(checkMemory(Needs));

    absl::StatusOr<std::unique_ptr<TransferBuffers>> Buffers =
        TransferBuffers::create(*Gpu, Options.TransferBytes);
    if (!Buffers.ok())
      return inPlan(Buffers.status());
    Copies = *std::move(Buffers);
    absl::StatusOr<Address> ForCalls =
        allocateBytes(Needs.CallTensors, Driver::Contents::Undefined);
    if (!ForCalls.ok())
      return inPlan(ForCalls.status());
    CallArena = *ForCalls;
    std::vector<uint32_t> Modules;
    for (uint32_t I = 0; I < length(Plan->images()); ++I) {
      const plan::Image &Image = *Plan->images()->Get(I);
      absl::StatusOr<uint32_t> Module =
          Gpu->loadModule({reinterpret_cast<const char *>(Image.data()->data()),
                           Image.data()->size()});
      if (!Module.ok())
        return inPlan(Module.status());
      Modules.push_back(*Module);
    }
    for (uint32_t I = 0; I < length(Plan->kernels()); ++I) {
      const plan::Kernel &Kernel = *Plan->kernels()->Get(I);
      uint32_t SharedBytes = Kernel.scratch_bytes();
      absl::StatusOr<uint32_t> Number = Gpu->findKernel(
          Modules[Kernel.image()], Kernel.name()->str(), SharedBytes);
      if (!Number.ok())
        return inPlan(Number.status());
      Kernels.push_back(
          {*Number, view(Kernel.name()), Kernel.threads(), SharedBytes});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Address> allocate(const plan::Arena &Arena) override {
    return allocateBytes(Arena.bytes(),
                         Arena.kind() == plan::ArenaKind::Activations
                             ? Driver::Contents::Undefined
                             : Driver::Contents::Zero);
  }

  bool usesHostMemory() const override { return false; }
  absl::StatusOr<Address> load(const void *Host, uint64_t Bytes) override {
    absl::StatusOr<Address> At =
        allocateBytes(Bytes, Driver::Contents::Undefined);
    if (!At.ok())
      return inPlan(At.status());
    M1_RETURN_IF_ERROR(explain(Copies->copyIn(*At, Host, Bytes)));
    return *At;
  }
  absl::Status unload(Address Loaded) override {
    if (Allocations.erase(Loaded) == 0)
      return absl::OkStatus(); // a parameter without elements
    return explain(Gpu->release(Loaded));
  }

  /// Inputs and outputs are laid out consecutively in one arena: equal sizes
  /// give equal addresses.
  absl::StatusOr<Address> map(void *Host, uint64_t Bytes,
                              HostAccess Access) override {
    Address At = CallArena + CallUsed;
    if (Access == HostAccess::Read)
      M1_RETURN_IF_ERROR(explain(Copies->copyIn(At, Host, Bytes)));
    CallUsed += paddedBytes(Bytes, kAlignment);
    Mapped.push_back({At, Host, Access == HostAccess::Write ? Bytes : 0});
    return At;
  }
  absl::Status unmap(Address At) override {
    auto Found = std::find_if(Mapped.begin(), Mapped.end(),
                              [&](const MappedRange &M) { return M.At == At; });
    MappedRange This = *Found;
    Mapped.erase(Found);
    if (Mapped.empty())
      CallUsed = 0;
    return explain(Copies->copyOut(This.Host, At, This.BytesBack));
  }

  bool checksExtents() const override { return Gpu->checksExtents(); }
  absl::Status launch(uint32_t Number, std::span<const uint64_t> Args,
                      std::span<const ArgumentExtent> Extents,
                      const std::array<int64_t, 3> &Grid,
                      std::string_view Source) override {
    if (Grid[0] == 0 || Grid[1] == 0 || Grid[2] == 0)
      return absl::OkStatus();
    const Kernel &K = Kernels[Number];
    LaunchShape Shape{{static_cast<uint32_t>(Grid[0]),
                       static_cast<uint32_t>(Grid[1]),
                       static_cast<uint32_t>(Grid[2])},
                      K.Threads,
                      K.SharedBytes};
    Launch This{&K, Shape.Grid, Source};
    (Recording ? Recording->Launches : Pending).push_back(This);
    if (absl::Status Status = Gpu->launch(K.Number, Shape, Args, Extents);
        !Status.ok())
      return makeError(PlanName, ": ", describe(This), ": ",
                       std::string(Status.message()));
    return Options.Blocking ? synchronize() : absl::OkStatus();
  }

  absl::Status copy(Address To, Address From, uint64_t Bytes) override {
    // The driver takes no overlapping ranges: copy chunks no longer than the
    // distance between the ranges, in the order in which none overwrites the
    // source of a later one.
    uint64_t Distance = To > From ? To - From : From - To;
    if (Distance == 0)
      return absl::OkStatus();
    for (uint64_t Done = 0; Done < Bytes;) {
      uint64_t Count = std::min(Bytes - Done, Distance);
      uint64_t Offset = To > From ? Bytes - Done - Count : Done;
      M1_RETURN_IF_ERROR(explain(Gpu->copy(To + Offset, From + Offset, Count)));
      Done += Count;
    }
    return absl::OkStatus();
  }
  absl::Status copyToHost(void *To, Address From, uint64_t Bytes) override {
    return explain(Copies->copyOut(To, From, Bytes));
  }
  absl::Status copyFromHost(Address To, const void *From,
                            uint64_t Bytes) override {
    M1_RETURN_IF_ERROR(explain(Copies->copyIn(To, From, Bytes)));
    return synchronize();
  }
  absl::Status synchronize() override {
    M1_RETURN_IF_ERROR(explain(Gpu->synchronize()));
    Pending.clear();
    return absl::OkStatus();
  }

  Recorder *recorder() override {
    return Gpu->recorder() && !Options.Blocking ? this : nullptr;
  }
  absl::Status beginRecording() override {
    M1_RETURN_IF_ERROR(explain(Gpu->recorder()->beginRecording()));
    Recording.emplace();
    return absl::OkStatus();
  }
  absl::StatusOr<uint32_t> endRecording() override {
    std::vector<Launch> Launches = std::move(Recording->Launches);
    Recording.reset();
    absl::StatusOr<uint32_t> Number = Gpu->recorder()->endRecording();
    if (!Number.ok())
      return inPlan(Number.status());
    Recorded[*Number] = std::move(Launches);
    return *Number;
  }
  absl::Status replay(uint32_t Number) override {
    const std::vector<Launch> &Launches = Recorded.at(Number);
    Pending.insert(Pending.end(), Launches.begin(), Launches.end());
    return explain(Gpu->recorder()->replay(Number));
  }
  absl::Status forget(uint32_t Number) override {
    Recorded.erase(Number);
    return explain(Gpu->recorder()->forget(Number));
  }

private:
  struct Kernel {
    uint32_t Number; // the driver's
    std::string_view Name;
    uint32_t Threads, SharedBytes;
  };
  struct Launch {
    const Kernel *Of;
    std::array<uint32_t, 3> Grid;
    std::string_view Source;
  };
  struct OpenRecording {
    std::vector<Launch> Launches;
  };
  struct MappedRange {
    Address At;
    void *Host;
    uint64_t BytesBack; // to copy to the host at the end
  };

  absl::Status inPlan(const absl::Status &Status) const {
    return makeError(PlanName, ": ", std::string(Status.message()));
  }

  absl::Status checkImage(const plan::Image &Image) const {
    std::string_view Target = view(Image.target());
    if (view(Image.format()) != "ptx")
      return makeError(PlanName, ": compiled for ", Target, " (",
                       view(Image.format()),
                       "), a GPU runs ptx; compile with --target cuda:sm_80, "
                       "or run with --device cpu");
    // sm_80 runs on 8.0 and all later ones, sm_90a on 9.0 alone.
    unsigned Needed = 0;
    const char *End = Target.data() + Target.size();
    const char *Rest = std::from_chars(Target.data() + 3, End, Needed).ptr;
    unsigned Found = Gpu->limits().ComputeCapability;
    bool Exact = Rest != End;
    if (!Found || (Exact ? Found == Needed : Found >= Needed))
      return absl::OkStatus();
    const plan::GpuTarget *Advice = plan::newestGpuTarget(Found);
    return makeError(PlanName, ": compiled for ", Target, ", ", description(),
                     " has compute capability ", Found / 10, ".", Found % 10,
                     Advice
                         ? concat("; compile with --target cuda:", Advice->Name)
                         : std::string(", for which m1c has no target"));
  }

  absl::Status checkShared(const plan::Plan &Plan) const {
    uint64_t Limit = Gpu->limits().SharedBytes;
    for (uint32_t I = 0; I < length(Plan.kernels()); ++I) {
      const plan::Kernel &Kernel = *Plan.kernels()->Get(I);
      if (Kernel.scratch_bytes() > Limit)
        return makeError(PlanName, ": kernel '", view(Kernel.name()),
                         "' needs ", Kernel.scratch_bytes(),
                         " bytes of shared memory per thread block, ",
                         description(), " has ", Limit);
    }
    return absl::OkStatus();
  }

  absl::Status checkMemory(const MemoryNeeds &Needs) const {
    absl::StatusOr<uint64_t> Free = Gpu->freeBytes();
    if (!Free.ok())
      return inPlan(Free.status());
    if (Needs.total() > *Free)
      return makeError(PlanName, ": needs ", Needs.total(),
                       " bytes on the device (packed weights ",
                       Needs.Weights + Needs.Constants, ", states ",
                       Needs.States, ", activations ", Needs.Activations,
                       ", parameters ", Needs.Parameters,
                       ", inputs and outputs ", Needs.CallTensors, "), ",
                       description(), " has ", *Free, " free");
    return absl::OkStatus();
  }

  absl::StatusOr<Address> allocateBytes(uint64_t Bytes,
                                        Driver::Contents Contents) {
    if (Bytes == 0)
      return Address(kAlignment); // nothing is read or written there
    M1_ASSIGN_OR_RETURN(Address At, Gpu->allocate(Bytes, Contents));
    Allocations.insert(At);
    return At;
  }

  /// Adds to an asynchronous error the launches that may have caused it.
  absl::Status explain(const absl::Status &Status) const {
    if (Status.ok())
      return Status;
    std::string Message = concat(PlanName, ": ", std::string(Status.message()));
    if (Pending.empty())
      return makeError(Message);
    constexpr size_t Shown = 8;
    size_t First = Pending.size() > Shown ? Pending.size() - Shown : 0;
    Message +=
        Pending.size() == 1
            ? " in "
            : concat(" in one of the last ", Pending.size(),
                     First ? " launches, which end with " : " launches: ");
    for (size_t I = First; I < Pending.size(); ++I)
      Message += concat(I == First ? "" : "; ", describe(Pending[I]));
    if (Pending.size() > 1)
      Message += " (run with --blocking to name the failing launch)";
    return makeError(Message);
  }

  static std::string describe(const Launch &L) {
    return concat("kernel '", L.Of->Name, "'",
                  L.Source.empty() ? "" : concat(" (", L.Source, ")"),
                  ", grid ", L.Grid[0], " x ", L.Grid[1], " x ", L.Grid[2],
                  ", block ", L.Of->Threads, ", shared ", L.Of->SharedBytes);
  }

  // Destroyed last: the transfer buffers use it.
  std::unique_ptr<Driver> Gpu;
  GpuOptions Options;
  std::string PlanName;
  std::unique_ptr<TransferBuffers> Copies;
  std::vector<Kernel> Kernels;
  std::set<Address> Allocations;

  Address CallArena = 0;
  uint64_t CallUsed = 0;
  std::vector<MappedRange> Mapped;

  /// Launches since the last `synchronize`, for errors.
  std::vector<Launch> Pending;
  std::optional<OpenRecording> Recording;
  std::map<uint32_t, std::vector<Launch>> Recorded;
};
} // namespace

std::unique_ptr<Device> m1::createGpuDevice(std::unique_ptr<gpu::Driver> Driver,
                                            const GpuOptions &Options) {
  return std::make_unique<GpuDevice>(std::move(Driver), Options);
}

gpu::Driver *m1::driverOf(Device &TheDevice) {
  auto *Found = dynamic_cast<GpuDevice *>(&TheDevice);
  return Found ? &Found->driver() : nullptr;
}
