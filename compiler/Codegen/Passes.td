//===- Passes.td - code generation passes -------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_CODEGEN_PASSES
#define M1C_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def TileToHost : Pass<"tile-to-host", "::mlir::ModuleOp"> {
  let summary = "Lowers tile kernels to loops and vectors for one CPU core a cell";
  let description = [{
    Each `tile.kernel` becomes a function `(args, grid, scratch)` of three pointers: the launch's arguments, 8 bytes each
    (an address or an integer); the cell's x, y and z as 64-bit integers; memory for the cell's blocks, whose size is the
    function's attribute `m1.scratch_bytes`.
  }];
  let options = [
    Option<"lanes", "lanes", "int64_t", "8", "f32 elements in a vector register">,
    Option<"registers", "registers", "int64_t", "16", "vector registers">,
    Option<"tiles", "tiles", "bool", "false", "multiply bf16 by AMX tiles, where the right side is loaded in pairs">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect"];
}

def TileAssignLayouts : Pass<"tile-assign-layouts", "::m1::tile::KernelOp"> {
  let summary = "Decides which blocks lie in the registers of a CUDA block's threads";
  let description = [{
    Those of a multiple of 16 rows and 8 columns, where a thread's part fits its registers, and blocks of rank 1 that only
    meet rows of such: an op that makes one gets the attribute `tile.layouts`, with a `#tile.spread` for its place among
    the results. What a loop carries around another loop whose blocks leave too few registers stays in shared memory, as
    all others do that need memory at all.
  }];
  let dependentDialects = ["::m1::tile::TileDialect"];
}

def TileToNVVM : Pass<"tile-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Lowers tile kernels to loops over the threads of a CUDA block";
  let description = [{
    Each `tile.kernel` becomes a function with the attribute `m1.threads` whose parameters are the kernel's own after the grid
    position: a global pointer for a memref, an i64 for an index. A block of four warps computes a cell. Blocks for which
    `tile-assign-layouts` chose so lie in registers; others lie in dynamic shared memory, whose size is the function's
    attribute `m1.scratch_bytes`. Operands of products on matrix units pass through it in tiles along k (`cp.async`,
    `ldmatrix`).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMath : Pass<"m1-expand-math", "::mlir::ModuleOp"> {
  let summary = "Writes exponentials, logarithms, sines and cosines as polynomials";
  let description = [{
    On scalars and vectors alike, so that no kernel calls a library and every target and vector width computes the same
    polynomial. Upstream's approximations: f32, relative error of a few units in the last place; arguments of sin and cos
    are expected to be reduced to a few periods.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

#endif // M1C_CODEGEN_PASSES
