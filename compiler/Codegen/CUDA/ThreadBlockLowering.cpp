//===- ThreadBlockLowering.cpp - kernels to a thread's code ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/ThreadBlockLowering.h"

#include "compiler/Codegen/CUDA/ProductRules.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

ThreadBlockLowering::ThreadBlockLowering(LoweringContext &Context, Value Thread)
    : B(Context.B), Threads(B, Context.Kernel.getThreads(), Thread),
      Layouts(Context.Kernel), Loops(Context, Threads, Layouts),
      Writer(Context, Loops), Reductions(Context, Threads, Layouts),
      Mma(Context, Threads, Layouts, Loops, Writer),
      Fma(Context, Threads, Loops) {}

std::optional<Access> ThreadBlockLowering::materializeLeft(tile::DotOp Dot,
                                                           const Access &) {
  tile::OperandAttr Left =
      Dot->getAttrOfType<tile::ProductAttr>(kProductAttr).getLeft();
  if (!Left || Left.getSource() != tile::OperandSource::Shared)
    return std::nullopt;
  return Mma.inShared(Dot.getA());
}

void ThreadBlockLowering::lowerDot(tile::DotOp Dot, const Access &C,
                                   const Extent &E) {
  using tile::ProductMethod;
  auto Product = Dot->getAttrOfType<tile::ProductAttr>(kProductAttr);
  const ProductMethod Method = Product.getMethod();
  if (Method == ProductMethod::Split)
    return Fma.multiplySplit(Dot, C, E);
  if (Method == ProductMethod::Shared)
    return Fma.multiplyInShared(Dot, C, E);
  // Warps without demanded rows have nothing to multiply.
  Value Used =
      E.Rows ? B.less(Threads.firstTileRow(*C.Layout, Threads.id()), E.Rows)
             : Value();
  if (Method == ProductMethod::Matrix)
    Mma.multiply(Dot, Product, C, Used);
  else
    Fma.multiplyInRegisters(Dot, C, Used);
  Threads.invalidateBarrier();
}
