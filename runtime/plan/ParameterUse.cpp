//===- ParameterUse.cpp - when parameters are read ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/ParameterUse.h"

#include "runtime/plan/Mesh.h"
#include "runtime/schema/InitFunction.h"

#include <algorithm>

using namespace m1;

std::vector<ParameterUse> m1::parameterUses(const plan::Plan &Plan) {
  std::vector<ParameterUse> Uses(length(Plan.parameters()));
  for (uint32_t I = 0; I < length(Plan.functions()); ++I) {
    const plan::Function &Function = *Plan.functions()->Get(I);
    bool IsInit = view(Function.name()) == plan::kInitFunction;
    for (uint32_t J = 0; J < length(Function.steps()); ++J)
      forEachArgument(*Function.steps()->Get(J), [&](const plan::Arg &Arg) {
        if (Arg.kind() != plan::ArgKind::Parameter)
          return;
        ParameterUse &Use = Uses[Arg.index()];
        if (!IsInit) {
          Use.Kept = true;
          return;
        }
        if (Use.FirstInInit == ParameterUse::Never)
          Use.FirstInInit = J;
        Use.LastInInit = J;
      });
  }
  return Uses;
}

uint64_t m1::peakParameterBytes(const plan::Plan &Plan) {
  // Changes of the sum before and after each step of init.
  struct Change {
    int64_t Step;
    bool After;
    int64_t Bytes;
  };
  std::vector<Change> Changes;
  std::vector<ParameterUse> Uses = parameterUses(Plan);
  for (size_t I = 0; I < Uses.size(); ++I) {
    const plan::Parameter &Parameter = *Plan.parameters()->Get(I);
    int64_t Bytes = localBytes(Parameter);
    if (Uses[I].FirstInInit != ParameterUse::Never) {
      Changes.push_back({Uses[I].FirstInInit, false, Bytes});
      if (!Uses[I].Kept)
        Changes.push_back({Uses[I].LastInInit, true, -Bytes});
    } else if (Uses[I].Kept) {
      Changes.push_back({INT64_MAX, false, Bytes});
    }
  }
  std::sort(Changes.begin(), Changes.end(),
            [](const Change &A, const Change &B) {
              return A.Step != B.Step ? A.Step < B.Step : A.After < B.After;
            });
  int64_t Now = 0, Peak = 0;
  for (const Change &C : Changes)
    Peak = std::max(Peak, Now += C.Bytes);
  return Peak;
}
