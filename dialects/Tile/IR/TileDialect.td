//===- TileDialect.td - the kernel dialect itself ----------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILE_DIALECT
#define TILE_DIALECT

include "mlir/IR/DialectBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let summary = "Kernels over blocks, for every target";
  let description = [{
    A block is a `vector` of rank 1 or 2. The algorithm determines its size (say, a chunk of tokens by a head's width).
    Code generation decides where it is kept (registers, cache or shared memory) and writes the loops over it. Memory is
    accessed through `memref` arguments only, with static strides and possibly dynamic extents.

    A module's attribute `tile.target`, a `#tile.target`, says what its kernels are compiled for.
  }];
  let cppNamespace = "::m1::tile";
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

#endif // TILE_DIALECT
