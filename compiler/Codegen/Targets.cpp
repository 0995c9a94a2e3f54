//===- Targets.cpp - the targets that code is generated for ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Targets.h"

#include "compiler/Codegen/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/schema/GpuTargets.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"

namespace m1 {
#define GEN_PASS_DEF_TILESETTARGET
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::codegen;
using tile::TargetKind;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static std::vector<KnownTarget> makeTable() {
  const std::vector<std::string> V3 = {"avx2", "fma",   "f16c", "bmi",
                                       "bmi2", "lzcnt", "movbe"};
  std::vector<std::string> V4 = V3;
  V4.insert(V4.end(),
            {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  std::vector<KnownTarget> Table;
  auto Add = [&](const std::string &Cpu, const std::string &Suffix,
                 MatrixUnit Unit, std::vector<std::string> UnitFeatures) {
    const bool IsV4 = Cpu == "x86-64-v4";
    std::vector<std::string> Features = IsV4 ? V4 : V3;
    llvm::append_range(Features, UnitFeatures);
    Table.push_back(
        {Cpu + Suffix, TargetKind::Cpu, Cpu, /*Lanes=*/IsV4 ? 16 : 8,
         /*Registers=*/IsV4 ? 32 : 16, /*Shared=*/0, Unit, Features,
         UnitFeatures.empty() ? "" : "+" + llvm::join(UnitFeatures, ",+")});
  };
  for (const char *Cpu : {"x86-64-v4", "x86-64-v3"})
    Add(Cpu, "+amx", MatrixUnit::Amx, {"amx-tile", "amx-bf16"});
  Add("x86-64-v4", "+avx512bf16", MatrixUnit::Avx512Bf16, {"avx512bf16"});
  for (const char *Cpu : {"x86-64-v4", "x86-64-v3"})
    Add(Cpu, "", MatrixUnit::None, {});
  for (const plan::GpuTarget &Gpu : plan::kGpuTargets)
    Table.push_back({Gpu.Name, TargetKind::Gpu, Gpu.Name,
                     /*Lanes=*/0,
                     /*Registers=*/255, int64_t(Gpu.SharedKiB) << 10,
                     MatrixUnit::Mma,
                     /*Features=*/{},
                     /*ExtraFeatures=*/"+ptx80"});
  return Table;
}

ArrayRef<KnownTarget> m1::codegen::knownTargets() {
  static const std::vector<KnownTarget> Table = makeTable();
  return Table;
}

static tile::MatrixUnitAttrInterface attributeOf(MatrixUnit Unit,
                                                 MLIRContext *Context) {
  switch (Unit) {
  case MatrixUnit::None:
    return {};
  case MatrixUnit::Amx:
    return tile::AmxAttr::get(Context);
  case MatrixUnit::Avx512Bf16:
    return tile::Avx512Bf16Attr::get(Context);
  case MatrixUnit::Mma:
    return tile::MmaAttr::get(Context);
  }
  llvm_unreachable("a matrix unit without an attribute");
}

tile::TargetAttr KnownTarget::attribute(MLIRContext *Context) const {
  return tile::TargetAttr::get(Context, Kind, Architecture, Lanes, Registers,
                               Shared, attributeOf(Unit, Context));
}

const KnownTarget *m1::codegen::findTarget(StringRef Name) {
  for (const KnownTarget &Target : knownTargets())
    if (Target.Name == Name)
      return &Target;
  return nullptr;
}

const KnownTarget *m1::codegen::findTarget(tile::TargetAttr Attribute) {
  for (const KnownTarget &Target : knownTargets())
    if (Target.attribute(Attribute.getContext()) == Attribute)
      return &Target;
  return nullptr;
}

const KnownTarget *m1::codegen::findNativeTarget() {
  llvm::StringMap<bool> Here = llvm::sys::getHostCPUFeatures();
  for (const KnownTarget &Target : knownTargets())
    if (Target.Kind == TargetKind::Cpu &&
        llvm::all_of(Target.Features, [&](const std::string &Feature) {
          return Here.lookup(Feature);
        }))
      return &Target;
  return nullptr;
}

std::vector<std::string> m1::codegen::targetNames(TargetKind Kind) {
  std::vector<std::string> Names;
  for (const KnownTarget &Target : knownTargets())
    if (Target.Kind == Kind)
      Names.push_back(Target.Name);
  return Names;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct TileSetTarget : m1::impl::TileSetTargetBase<TileSetTarget> {
  using TileSetTargetBase::TileSetTargetBase;

  void runOnOperation() override {
    const KnownTarget *Target = findTarget(name);
    if (!Target) {
      getOperation().emitError("target: found '")
          << name << "', expected one of "
          << llvm::join(targetNames(TargetKind::Cpu), ", ") << ", "
          << llvm::join(targetNames(TargetKind::Gpu), ", ");
      return signalPassFailure();
    }
    getOperation()->setAttr(tile::kTargetAttr,
                            Target->attribute(&getContext()));
  }
};

} // namespace
