//===- Blocking.cpp - block sizes of a target -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Blocking.h"

using namespace m1;

Blocking Blocking::of(tile::TargetAttr Target) {
  Blocking Blocks;
  Blocks.Unit = Target.getUnit();
  if (Target.getKind() == tile::TargetKind::Cpu)
    return Blocks;
  // Blocks are kept in the registers of a thread block and must be smaller.
  Blocks.Panel = 64;
  Blocks.PanelsPerCell = 1;
  Blocks.HeadRows = Blocks.Rows;
  Blocks.WidensPanels = false;
  Blocks.SumColumns = 128;
  Blocks.TransposedRows = 0;
  Blocks.UpdateElements = 0;
  Blocks.GradientRows = Blocks.GradientColumns = 64;
  Blocks.GradientTokens = 32;
  Blocks.KeyRows = 32;
  Blocks.StateElements = 4096;
  Blocks.SegmentKeys = 128;
  Blocks.SampleColumns = 1024;
  Blocks.SampleBits = 4;
  return Blocks;
}
