//===- AdjustLogits.cpp - penalties and biases before a draw --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/SampleBody.h"
#include "compiler/Conversion/Kernels/Sampling.h"

using namespace mlir;
using namespace m1;
using namespace m1::sampling;

/// (l > 0 ? l / repetition : l * repetition) + bias; a copy of rows without
/// rules.
static void buildAdjustLogits(KernelBody &B) {
  SampleBody S(B, B.extent("V"));
  const Cut &C = S.C;
  auto ForPieces =
      [&](llvm::function_ref<Value(const SampleBody::Piece &)> Of) {
        S.forPieces({}, [&](const SampleBody::Piece &P, ValueRange) {
          B.store(Of(P), B["result"], {B.X, P.First}, {1}, P.Bound);
          return SmallVector<Value>();
        });
      };
  Value Rule = S.ofRow(B["rows"]);
  Value HasRules = B.less(S.i32(-1), Rule);
  B.ifThen(HasRules, [&] {
    Value Row = B.at(B["rows"], {B.X});
    auto OfRule = [&](StringRef Memory, const SampleBody::Piece &P) {
      return B.load(B[Memory], {Row, P.First}, {1}, {C.Columns}, P.Bound);
    };
    ForPieces([&](const SampleBody::Piece &P) {
      Value L = S.load(B["logits"], P);
      Value Penalty = OfRule("repetition", P);
      Value IsPositive = S.cmpF(arith::CmpFPredicate::OGT, L, B.splat(0, L));
      Value Lower = B.divF(L, Penalty);
      Value Higher = B.mulF(L, Penalty);
      return B.addF(B.select(IsPositive, Lower, Higher), OfRule("bias", P));
    });
  });
  B.ifThen(B.create<arith::XOrIOp>(HasRules, S.integer(1, HasRules)), [&] {
    ForPieces(
        [&](const SampleBody::Piece &P) { return S.load(B["logits"], P); });
  });
}

KernelDeclaration m1::adjustLogitsKernel() {
  return {"adjust_logits",
          {{"logits", "[B, V] f32"},
           {"rows", "[B] i32"},
           {"bias", "[R, V] f32"},
           {"repetition", "[R, V] f32"},
           {"result", "[B, V] f32"}},
          {},
          buildAdjustLogits};
}
