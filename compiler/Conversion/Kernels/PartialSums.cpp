//===- PartialSums.cpp - how a kernel sums products -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/PartialSums.h"

using namespace mlir;
using namespace m1;

PartialSums::PartialSums(KernelBody &B, int64_t K) {
  auto Sums = cast<DictionaryAttr>(B.constant("sums"));
  auto Number = [&](StringRef Name) {
    auto Found = Sums.getAs<IntegerAttr>(Name);
    return Found ? Found.getInt() : int64_t(1);
  };
  Count = Number("partials");
  Terms = K / Count;
  Leaves = Number("leaves") / Count;
}

Attribute PartialSums::constant(IntegerAttr Leaves, IntegerAttr Partials) {
  NamedAttrList Sums;
  if (Leaves.getInt() != 1)
    Sums.set("leaves", Leaves);
  if (Partials.getInt() != 1)
    Sums.set("partials", Partials);
  return Sums.getDictionary(Leaves.getContext());
}

Attribute PartialSums::chain(MLIRContext *Context) {
  return DictionaryAttr::get(Context);
}
