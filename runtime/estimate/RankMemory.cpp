//===- RankMemory.cpp - the memory of each rank of a plan -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/RankMemory.h"

#include "runtime/plan/Mesh.h"
#include "runtime/plan/ParameterUse.h"
#include "runtime/schema/InitFunction.h"

#include <algorithm>
#include <set>

using namespace m1;

std::string m1::kindOf(std::string_view Name) {
  std::string Kind;
  while (!Name.empty()) {
    const size_t Dot = std::min(Name.find('.'), Name.size());
    const std::string_view Part = Name.substr(0, Dot);
    Name.remove_prefix(std::min(Dot + 1, Name.size()));
    const bool IsNumber = Part.find_first_not_of("0123456789") == Part.npos;
    if (IsNumber || Part == "model" || Part == "layers" || Part == "weight")
      continue;
    Kind += (Kind.empty() ? "" : ".") + std::string(Part);
  }
  return Kind;
}

namespace {
/// The parameter that a step of `init` packs, and where to; null for others.
struct Packing {
  const plan::Parameter *From = nullptr;
  uint64_t Bytes = 0;
};

Packing packingOf(const plan::Plan &Plan, const plan::Step &Step) {
  Packing Found;
  forEachArgument(Step, [&](const plan::Arg &Arg) {
    if (Arg.kind() == plan::ArgKind::Parameter)
      Found.From = Plan.parameters()->Get(Arg.index());
    else if (Arg.kind() == plan::ArgKind::Arena && Arg.written() &&
             Plan.arenas()->Get(Arg.index())->kind() ==
                 plan::ArenaKind::Weights)
      Found.Bytes = static_cast<uint64_t>(evaluate(*Arg.bytes(), {}));
  });
  return Found;
}
} // namespace

RankMemory::RankMemory(const plan::Plan &Plan) : Needs(Plan, /*Alignment=*/1) {
  uint64_t Packed = 0;
  for (uint32_t I = 0; I < length(Plan.functions()); ++I) {
    const plan::Function &Function = *Plan.functions()->Get(I);
    if (view(Function.name()) != plan::kInitFunction)
      continue;
    for (uint32_t J = 0; J < length(Function.steps()); ++J) {
      const Packing Each = packingOf(Plan, *Function.steps()->Get(J));
      if (!Each.From || Each.Bytes == 0)
        continue;
      Weights[kindOf(view(Each.From->name()))] += Each.Bytes;
      Packed += Each.Bytes;
    }
  }
  if (Needs.Weights > Packed)
    Weights["padding"] = Needs.Weights - Packed;
  const std::vector<ParameterUse> Uses = parameterUses(Plan);
  for (uint32_t I = 0; I < Uses.size(); ++I) {
    const plan::Parameter &Parameter = *Plan.parameters()->Get(I);
    if (Uses[I].Kept)
      Weights[kindOf(view(Parameter.name()))] += localBytes(Parameter);
  }
  if (const plan::Model *Model = Plan.model()) {
    Slots = Model->slots();
    MaxLength = Model->max_length();
    CachePositions = Model->cache_blocks() * Model->block_positions();
  }
  if (CachePositions == 0)
    CachePositions = Slots * MaxLength;
  std::set<std::string_view> Lightning; // states with a part "state"
  for (uint32_t I = 0; I < length(Plan.arenas()); ++I)
    if (const std::string_view Name = view(Plan.arenas()->Get(I)->name());
        Name.ends_with(".state"))
      Lightning.insert(Name.substr(0, Name.rfind('.')));
  for (uint32_t I = 0; I < length(Plan.arenas()); ++I) {
    const plan::Arena &Arena = *Plan.arenas()->Get(I);
    if (Arena.kind() != plan::ArenaKind::State)
      continue;
    const std::string_view Name = view(Arena.name());
    const size_t Dot = Name.rfind('.');
    const std::string_view Part = Name.substr(Dot + 1); // npos + 1 is 0
    if (Lightning.contains(Name.substr(0, Dot))) {
      States[concat("lightning attention: ", Part)] += Arena.bytes();
    } else if (Part == "keys" || Part == "values") {
      States[concat("softmax attention: ", Part)] += Arena.bytes();
      Caches += Arena.bytes();
    } else {
      States[kindOf(Name)] += Arena.bytes();
    }
  }
}

double RankMemory::total(int64_t Sequences, int64_t Length) const {
  const double Share =
      static_cast<double>(Sequences) / static_cast<double>(Slots);
  const double Filled = static_cast<double>(Sequences) *
                        static_cast<double>(Length) /
                        static_cast<double>(CachePositions);
  return static_cast<double>(Needs.total() - Needs.States) +
         static_cast<double>(Needs.States - Caches) * Share +
         static_cast<double>(Caches) * Filled;
}
