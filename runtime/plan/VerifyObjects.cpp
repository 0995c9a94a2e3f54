//===- VerifyObjects.cpp - verifies what functions refer to ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Verifier.h"

using namespace m1;

namespace {
class ObjectVerifier : Verifier {
public:
  ObjectVerifier(const plan::Plan &Plan, const std::string &Name)
      : Verifier(Plan, Name) {}

  absl::Status run() {
    M1_RETURN_IF_ERROR(symbols());
    M1_RETURN_IF_ERROR(parameters());
    M1_RETURN_IF_ERROR(arenas());
    M1_RETURN_IF_ERROR(images());
    M1_RETURN_IF_ERROR(kernels());
    M1_RETURN_IF_ERROR(trained());
    return model();
  }

private:
  absl::Status symbols() {
    // Models have two; each function is prepared with a value for each.
    constexpr uint32_t MaxSymbols = 1024;
    if (length(P.symbols()) > MaxSymbols)
      return fail(length(P.symbols()), " symbols, expected at most ",
                  MaxSymbols);
    std::set<std::string_view> Names;
    for (uint32_t I = 0; I < length(P.symbols()); ++I) {
      const plan::Symbol &Symbol = *P.symbols()->Get(I);
      M1_RETURN_IF_ERROR(uniqueName(view(Symbol.name()), "symbol", Names));
      if (Symbol.max() < 1)
        return fail("symbol '", view(Symbol.name()), "' has the bound ",
                    Symbol.max(), ", expected at least 1");
    }
    return absl::OkStatus();
  }

  absl::Status parameters() {
    std::set<std::string_view> Names;
    uint64_t Total = 0;
    for (uint32_t I = 0; I < length(P.parameters()); ++I) {
      const plan::Parameter &Parameter = *P.parameters()->Get(I);
      std::string_view Name = view(Parameter.name());
      // A tensor may be several parameters, of which ranks have slices.
      if (length(Parameter.slices()) && !Name.empty())
        M1_RETURN_IF_ERROR(text("name", Name));
      else
        M1_RETURN_IF_ERROR(uniqueName(Name, "parameter", Names));
      M1_RETURN_IF_ERROR(dtype(Parameter.dtype(), Name));
      M1_RETURN_IF_ERROR(shape(Parameter.shape(), Name));
      std::optional<int64_t> Count = elementCount(Parameter);
      if (!Count || static_cast<uint64_t>(*Count) > MaxBytes / 8)
        return fail("parameter '", Name, "' has the shape ",
                    formatShape(shapeOf(Parameter)));
      Total += bytesOf(Parameter);
      if (Total > MaxBytes)
        return fail("parameter '", Name, "' has ", bytesOf(Parameter),
                    " bytes, and with those before it ", Total,
                    ", expected at most ", MaxBytes, " for all");
    }
    return absl::OkStatus();
  }

  absl::Status arenas() {
    std::set<std::string_view> Names;
    uint64_t Total = 0;
    for (uint32_t I = 0; I < length(P.arenas()); ++I) {
      const plan::Arena &Arena = *P.arenas()->Get(I);
      M1_RETURN_IF_ERROR(uniqueName(view(Arena.name()), "arena", Names));
      if (!inEnum(Arena.kind(), plan::ArenaKind::MIN, plan::ArenaKind::MAX))
        return fail("arena '", view(Arena.name()), "' is of unknown kind ",
                    static_cast<int>(Arena.kind()));
      if (Arena.bytes() > MaxBytes || Total + Arena.bytes() > MaxBytes)
        return fail("arena '", view(Arena.name()), "' has ", Arena.bytes(),
                    " bytes, and those before it have ", Total,
                    ", expected at most ", MaxBytes, " for all");
      Total += Arena.bytes();
      M1_RETURN_IF_ERROR(contents(Arena));
      M1_RETURN_IF_ERROR(division(Arena));
    }
    return absl::OkStatus();
  }

  /// A plan holds all bytes of constants and none of other arenas.
  absl::Status contents(const plan::Arena &Arena) {
    constexpr uintptr_t Alignment = 16; // as the schema says
    bool IsConstant = Arena.kind() == plan::ArenaKind::Constants;
    if (length(Arena.data()) != (IsConstant ? Arena.bytes() : 0))
      return fail("arena '", view(Arena.name()), "' has ", Arena.bytes(),
                  " bytes and the plan holds ", length(Arena.data()),
                  " of them, expected ",
                  IsConstant ? "all, for they are constant"
                             : "none, for they are not constant");
    if (!isAligned(Arena.data(), Alignment))
      return fail("the contents of arena '", view(Arena.name()),
                  "' are not aligned to ", Alignment, " bytes");
    return absl::OkStatus();
  }

  /// A state is divided into equal parts, one for each of the model's slots or
  /// blocks.
  absl::Status division(const plan::Arena &Arena) {
    const std::string_view Name = view(Arena.name());
    if (!inEnum(Arena.division(), plan::Division::MIN, plan::Division::MAX))
      return fail("arena '", Name, "' has the unknown division ",
                  static_cast<int>(Arena.division()));
    const plan::Model *Model = P.model();
    int64_t Expected = 0;
    if (Arena.division() != plan::Division::None) {
      if (!Model || Arena.kind() != plan::ArenaKind::State)
        return fail("arena '", Name,
                    "' is divided, expected a language model's state");
      Expected = Arena.division() == plan::Division::Slot
                     ? Model->slots()
                     : Model->cache_blocks();
      if (Expected < 1)
        return fail("arena '", Name, "' is divided into ", Expected,
                    " parts, expected at least 1");
    }
    if (Arena.parts() != Expected)
      return fail("arena '", Name, "' has ", Arena.parts(), " parts, expected ",
                  Expected);
    if (Expected > 0 && Arena.bytes() % static_cast<uint64_t>(Expected) != 0)
      return fail("arena '", Name, "' has ", Arena.bytes(), " bytes, which ",
                  Expected, " parts do not divide");
    return absl::OkStatus();
  }

  absl::Status trained() {
    for (uint32_t I = 0; I < length(P.trained()); ++I) {
      const plan::Trained &Part = *P.trained()->Get(I);
      if (Part.parameter() >= length(P.parameters()))
        return fail("trained part ", I, ": no parameter ", Part.parameter());
      const plan::Parameter &Parameter = *P.parameters()->Get(Part.parameter());
      const std::vector<int64_t> Shape = shapeOf(Parameter);
      if (Part.axis() >= Shape.size() || Part.begin() < 0 ||
          Part.begin() >= Part.end() || Part.end() > Shape[Part.axis()])
        return fail("trained part ", I, ": ", Part.begin(), " to ", Part.end(),
                    " of axis ", Part.axis(), " is no part of '",
                    view(Parameter.name()), "', which is ", formatShape(Shape));
      const uint64_t Elements = *elementCount(Parameter) / Shape[Part.axis()] *
                                (Part.end() - Part.begin());
      for (uint32_t Index :
           {Part.master(), Part.first(), Part.second(), Part.gradient()}) {
        if (Index >= length(P.arenas()) ||
            P.arenas()->Get(Index)->kind() != plan::ArenaKind::State)
          return fail("trained part ", I, ": arena ", Index, " is no state");
        const uint64_t Held = P.arenas()->Get(Index)->bytes() / sizeof(float);
        if (Part.offset() > Held || Elements > Held - Part.offset())
          return fail("trained part ", I, ": ", Elements,
                      " numbers from number ", Part.offset(),
                      " on, expected them inside of arena '",
                      view(P.arenas()->Get(Index)->name()), "' of ", Held);
      }
    }
    return absl::OkStatus();
  }

  /// "sm_80", "sm_90a", "sm_100": two or three digits, so that the compute
  /// capability fits a number, and a letter if it runs on no other.
  static bool isGpuTarget(std::string_view Target) {
    if (!Target.starts_with("sm_"))
      return false;
    Target.remove_prefix(3);
    size_t Digits = 0;
    while (Digits < Target.size() && Target[Digits] >= '0' &&
           Target[Digits] <= '9')
      ++Digits;
    std::string_view Rest = Target.substr(Digits);
    return (Digits == 2 || Digits == 3) &&
           (Rest.empty() || Rest == "a" || Rest == "f");
  }

  /// All images are for one kind of device.
  absl::Status images() {
    for (uint32_t I = 0; I < length(P.images()); ++I) {
      const plan::Image &Image = *P.images()->Get(I);
      std::string_view Format = view(Image.format());
      std::string_view Target = view(Image.target());
      if (Format != "elf" && Format != "ptx")
        return fail("image ", I, " has the unknown format '", Format,
                    "', expected elf or ptx");
      if (Format != view(P.images()->Get(0)->format()))
        return fail("image ", I, " is ", Format, ", image 0 is ",
                    view(P.images()->Get(0)->format()));
      if (isForGpu(Image) && !isGpuTarget(Target))
        return fail("image ", I, " is ptx for '", Target,
                    "', expected a target such as sm_80");
    }
    return absl::OkStatus();
  }

  absl::Status kernels() {
    for (uint32_t I = 0; I < length(P.kernels()); ++I) {
      const plan::Kernel &Kernel = *P.kernels()->Get(I);
      if (view(Kernel.name()).empty())
        return fail("kernel ", I, " has no name");
      M1_RETURN_IF_ERROR(text("kernel's name", view(Kernel.name())));
      if (Kernel.image() >= length(P.images()))
        return fail("kernel '", view(Kernel.name()), "' is in image ",
                    Kernel.image(), " of ", length(P.images()));
      if (Kernel.scratch_bytes() > MaxBytes)
        return fail("kernel '", view(Kernel.name()), "' wants ",
                    Kernel.scratch_bytes(), " bytes of scratch");
      // The limit of every GPU.
      uint32_t MaxThreads =
          isForGpu(*P.images()->Get(Kernel.image())) ? 1024 : 1;
      if (Kernel.threads() < 1 || Kernel.threads() > MaxThreads)
        return fail("kernel '", view(Kernel.name()), "' has ", Kernel.threads(),
                    " threads, expected 1 to ", MaxThreads);
    }
    return absl::OkStatus();
  }

  absl::Status model() {
    const plan::Model *Model = P.model();
    if (Model &&
        (Model->vocabulary() < 1 || Model->slots() < 1 ||
         Model->max_length() < 1 || Model->vocabulary() > INT32_MAX ||
         Model->slots() > INT32_MAX || Model->max_length() > INT32_MAX))
      return fail("model: vocabulary ", Model->vocabulary(), ", slots ",
                  Model->slots(), ", max_length ", Model->max_length(),
                  "; expected positive 32-bit numbers");
    if (!Model)
      return absl::OkStatus();
    const int64_t Blocks = Model->cache_blocks(), Of = Model->block_positions();
    if (Blocks < 0 || Blocks > INT32_MAX || Of < 0 || Of > INT32_MAX ||
        (Blocks == 0) != (Of == 0))
      return fail("model: ", Blocks, " cache blocks of ", Of,
                  " positions; expected two positive 32-bit numbers, or 0 and "
                  "0 for none");
    if (Model->chunk() < 1 || Model->chunk() > INT32_MAX)
      return fail("model: chunks of ", Model->chunk(),
                  " positions, expected a positive 32-bit number");
    return absl::OkStatus();
  }
};
} // namespace

absl::Status m1::verifyObjects(const plan::Plan &Plan,
                               const std::string &Name) {
  return ObjectVerifier(Plan, Name).run();
}
