//===- Passes.td - code generation passes ------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_CODEGEN_PASSES
#define M1C_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def TileSetTarget : Pass<"tile-set-target", "::mlir::ModuleOp"> {
  let summary = "Sets the module's target by name";
  let description = [{
    Sets the attribute `tile.target`, which later passes read, to the `#tile.target` of a target that the compiler
    knows: `x86-64-v3`, `x86-64-v4` (each also with `+amx`), `x86-64-v4+avx512bf16`, `sm_80`, ... An unknown name is an error.
  }];
  let options = [Option<"name", "name", "std::string", "", "Name of the target">];
  let dependentDialects = ["::m1::tile::TileDialect"];
}

def TileVerify : Pass<"tile-verify", "::m1::tile::KernelOp"> {
  let summary = "Verifies that a kernel can be compiled";
  let description = [{
    Changes nothing. Fails unless

    - every op is one that code generation knows, and every block has rank 1 or 2;
    - every op of `math` has an instruction on every target, or a polynomial in `m1-expand-math`, which are for f32:
      no mathematics library is linked;
    - loads, stores, gathers and scatters whose indices, `rows` and `cols` are constant stay inside static extents.
  }];
}

def TileToHost : Pass<"tile-to-host", "::mlir::ModuleOp"> {
  let summary = "Lowers tile kernels to loops and vectors for one CPU core per grid cell";
  let description = [{
    Each `tile.kernel` becomes a function `(args, grid, scratch)` of three pointers: the launch's arguments, 8 bytes
    each (an address or an integer); the cell's x, y and z as 64-bit integers; memory for the cell's blocks, of which
    each `tile.scratch` is a part.

    The width and number of vector registers and the matrix unit are those of the module's `tile.target`, which must be
    a CPU. The unit computes the products that it supports; AMX only those whose right operand is loaded in `pairs`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect"];
}

def TileAssignLayouts : Pass<"tile-assign-layouts", "::m1::tile::KernelOp"> {
  let summary = "Decides which blocks a CUDA thread block keeps in registers";
  let description = [{
    A kernel without the attribute `tile.threads`, the number of threads that compute a cell, gets 128.

    Two kinds of blocks get a register layout: blocks whose rows are a multiple of 16 and whose columns are a multiple
    of 8, if a thread's share of them fits its registers, and blocks of rank 1 that are only combined with the rows of
    such blocks. The op that defines one gets the attribute `tile.layouts`: an array with a `#tile.layout` for each such
    result, and a unit for the others. A block that a loop carries around an inner loop stays in shared memory if it
    would leave too few registers for the inner loop's blocks. So do all other blocks that need memory.
  }];
  let dependentDialects = ["::m1::tile::TileDialect"];
}

def TileAssignProducts : Pass<"tile-assign-products", "::m1::tile::KernelOp"> {
  let summary = "Decides how a CUDA thread block computes each product";
  let description = [{
    Every `tile.dot` gets the attribute `tile.product`, a `#tile.product`: the method (the target's matrix unit where
    it multiplies such operands and the sums are in registers) and the sources of its operands. An operand that is
    loaded in rows of whole 16-byte chunks is staged: tiles of `depth` in k pass through a ring of up to `stages` tiles
    and `bytes` bytes in shared memory, with a swizzle that avoids bank conflicts. A left operand that a loop uses
    repeatedly stays in shared memory.

    Requires the layouts that `tile-assign-layouts` chose.
  }];
  let options = [
    Option<"depth", "depth", "int64_t", "64", "Largest extent in k of a staged tile: a power of two, at least 16">,
    Option<"stages", "stages", "int64_t", "4", "Most tiles in flight: at least 2">,
    Option<"bytes", "bytes", "int64_t", "65536", "Most bytes of shared memory of a ring of more than two tiles">
  ];
  let dependentDialects = ["::m1::tile::TileDialect"];
}

def TileToGPU : Pass<"tile-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Lowers tile kernels to the code of one thread of a CUDA thread block";
  let description = [{
    Each `tile.kernel` becomes a function with the attribute `tile.threads` whose parameters are the kernel's own after
    the grid position: a global pointer for a memref, an i64 for an index. A thread block of `tile.threads` threads
    computes a cell. Blocks with a register layout are in registers, a private array per thread; others are in dynamic
    shared memory, each a `tile.scratch`. Products are computed as `tile-assign-products` chose. Asynchronous copies,
    `ldmatrix` and `mma` are ops of `nvvm` and intrinsics of LLVM (MLIR 19's `nvgpu` takes memrefs, and its `mma.sync`
    has no bf16); threads, barriers and shuffles are ops of `gpu`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::vector::VectorDialect"];
}

def GPUToNVVM : Pass<"m1-gpu-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Converts threads, barriers and shuffles of gpu to nvvm";
  let description = [{
    Applies upstream's patterns to the functions of a module; `convert-gpu-to-nvvm` requires a `gpu.module`. Does
    nothing to kernels for a CPU.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def TileAssignScratch : Pass<"tile-assign-scratch", "::mlir::func::FuncOp"> {
  let summary = "Assigns an offset in the cell's memory to every tile.scratch of a lowered kernel";
  let description = [{
    Buffers whose live ranges do not overlap may share bytes. A live range extends from the op to its last use, or to
    the end of the loop that contains the last use. The function's attribute `tile.scratch_bytes` becomes the number of
    bytes per cell. On a GPU the lowering guarantees that a barrier stands between the last read of a buffer and the
    first write to any other: threads may otherwise still read bytes that are reused.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def TileVerifyLoops : Pass<"tile-verify-loops", "::mlir::ModuleOp"> {
  let summary = "Verifies that kernels are loops whose memory fits the target";
  let description = [{
    Changes nothing. Fails unless no op of `tile` is left, every function has `tile.scratch_bytes`, and on a GPU these
    bytes fit the shared memory of a thread block.
  }];
}

def ExpandMath : Pass<"m1-expand-math", "::mlir::ModuleOp"> {
  let summary = "Expands exponentials, logarithms, sines and cosines to polynomials";
  let description = [{
    Expands them on scalars and vectors, so that no kernel calls a library and every target and vector width computes
    the same polynomial. These are upstream's approximations for f32, with a relative error of a few units in the last
    place; arguments of sin and cos must be reduced to a few periods.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def VerifyLLVM : Pass<"m1-verify-llvm", "::mlir::ModuleOp"> {
  let summary = "Verifies that kernels are in the LLVM dialect";
  let description = "Changes nothing. Fails unless every op is one of `llvm` or `nvvm`.";
}

#endif // M1C_CODEGEN_PASSES
