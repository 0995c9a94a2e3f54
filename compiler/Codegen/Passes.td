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

def TileSetTarget : Pass<"tile-set-target", "::mlir::ModuleOp"> {
  let summary = "Sets the module's target by name";
  let description = [{
    Sets the attribute `tile.target`, which later passes read, to the `#tile.target` of a target that the compiler knows:
    `x86-64-v3`, `x86-64-v4` (each also with `+amx`), `sm_80`, ... An unknown name is an error.
  }];
  let options = [Option<"name", "name", "std::string", "", "Name of the target">];
  let dependentDialects = ["::m1::tile::TileDialect"];
}

def TileToHost : Pass<"tile-to-host", "::mlir::ModuleOp"> {
  let summary = "Lowers tile kernels to loops and vectors for one CPU core a cell";
  let description = [{
    Each `tile.kernel` becomes a function `(args, grid, scratch)` of three pointers: the launch's arguments, 8 bytes each
    (an address or an integer); the cell's x, y and z as 64-bit integers; memory for the cell's blocks, of which each
    `tile.scratch` is a part.

    The width and number of vector registers and the matrix unit are those of the module's `tile.target`, which must be
    a CPU. The unit multiplies where it can and the right operand is loaded in pairs.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect"];
}

def TileAssignLayouts : Pass<"tile-assign-layouts", "::m1::tile::KernelOp"> {
  let summary = "Decides which blocks are in the registers of a CUDA thread block";
  let description = [{
    The kernel gets the attribute `tile.threads`, 128, if it has none.

    A block of rank 2 gets a register layout if it has a multiple of 16 rows and 8 columns and a thread's part fits its
    registers; a block of rank 1, a value for each row, if it is only used with rows of such blocks. An op with such
    results gets the attribute `tile.layouts`, with a `#tile.layout` for each of them. A block that a loop carries around
    another loop whose blocks leave it too few registers stays in shared memory, as do all other blocks that need memory.
  }];
  let dependentDialects = ["::m1::tile::TileDialect"];
}

def TileAssignProducts : Pass<"tile-assign-products", "::m1::tile::KernelOp"> {
  let summary = "Decides how a CUDA thread block computes each product";
  let description = [{
    Every `tile.dot` gets the attribute `tile.product`, a `#tile.product`: the method (the matrix unit of the module's
    `tile.target` where it can multiply the operands and the sums are in registers) and the source of each operand. An
    operand that is loaded in rows of whole 16-byte chunks is staged: tiles of `depth` in k pass through a ring of up to
    `stages` stages in shared memory, of at most `bytes`, swizzled to avoid bank conflicts. A left operand that a loop
    multiplies again and again stays in shared memory.

    Needs the attributes of `tile-assign-layouts`.
  }];
  let options = [
    Option<"depth", "depth", "int64_t", "64", "the most k of a staged tile: a power of two, at least 16">,
    Option<"stages", "stages", "int64_t", "4", "the most stages of a ring: at least 2">,
    Option<"bytes", "bytes", "int64_t", "65536", "the most shared memory of a ring with more than two stages">
  ];
  let dependentDialects = ["::m1::tile::TileDialect"];
}

def TileToGPU : Pass<"tile-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Lowers tile kernels to the code of one thread of a CUDA thread block";
  let description = [{
    Each `tile.kernel` becomes a function with the attribute `m1.threads`, whose parameters are the kernel's own after the
    grid position: a global pointer for a memref, an i64 for an index. A thread block of `tile.threads` threads computes a
    grid cell. Blocks with a register layout are in registers, a private array of each thread; others are in dynamic
    shared memory, each a `tile.scratch`. Products are computed as `tile-assign-products` chose. Asynchronous copies,
    `ldmatrix` and `mma` are operations of `nvvm` and LLVM's intrinsics (MLIR 19's `nvgpu` takes memrefs, and its
    `mma.sync` no bf16); threads, barriers and shuffles are those of the `gpu` dialect.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::vector::VectorDialect"];
}

def GPUToNVVM : Pass<"m1-gpu-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Threads, barriers and shuffles as operations of NVVM";
  let description = [{
    Upstream's conversion patterns, on functions of a module: `convert-gpu-to-nvvm` wants a `gpu.module`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def TileAssignScratch : Pass<"tile-assign-scratch", "::mlir::func::FuncOp"> {
  let summary = "Assigns every tile.scratch of a lowered kernel its offset in the cell's memory";
  let description = [{
    Buffers whose live ranges do not overlap share bytes. A live range extends from the op to the end of its last use, or
    of the loop that the last use is in. The function's attribute `m1.scratch_bytes` says how much memory a cell needs.

    On a GPU other threads may still read what an offset held before: a thread that writes a buffer first has passed a
    barrier since the last read of any other.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
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
