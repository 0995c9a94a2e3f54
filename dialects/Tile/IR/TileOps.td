//===- TileOps.td - the kernel dialect ---------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel computes one grid cell with blocks: vectors of rank 1 or 2 and of fixed shape. Upstream dialects (arith,
// math, vector.multi_reduction, vector.transpose, scf) do most of the work; the ops here are what they lack.
//
//===----------------------------------------------------------------------===//

#ifndef TILE_OPS
#define TILE_OPS

include "dialects/Tile/IR/TileTarget.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tile_LayoutAttr : AttrDef<Tile_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "The register layout of a block on a GPU";
  let description = [{
    The layout of the accumulators of `mma.m16n8k16`: the block is cut into tiles of 16 by 8; `down` warps take its rows
    of tiles in turn, and `across` groups of warps divide its columns. A block of rank 1, with a value for each row, is
    distributed as the rows are.

    `tile-assign-layouts` writes `tile.layouts`, an array with one entry for each result of an op (of a loop: for each
    block it carries): this attribute for a block in registers, a unit for any other result.
  }];
  let parameters = (ins "int64_t":$down, "int64_t":$across);
  let assemblyFormat = "`<` $down `,` $across `>`";
}

def Tile_ProductMethod : I32EnumAttr<"ProductMethod", "how a product is computed", [
  I32EnumAttrCase<"Matrix", 0, "matrix">, I32EnumAttrCase<"Registers", 1, "registers">,
  I32EnumAttrCase<"Shared", 2, "shared">, I32EnumAttrCase<"Split", 3, "split">
]> {
  let cppNamespace = "::m1::tile";
  let genSpecializedAttr = 0;
}

def Tile_OperandSource : I32EnumAttr<"OperandSource", "where a product on matrix units reads an operand", [
  I32EnumAttrCase<"Evaluated", 0, "evaluated">, I32EnumAttrCase<"Registers", 1, "registers">,
  I32EnumAttrCase<"Shared", 2, "shared">, I32EnumAttrCase<"Staged", 3, "staged">
]> {
  let cppNamespace = "::m1::tile";
  let genSpecializedAttr = 0;
}

def Tile_OperandAttr : AttrDef<Tile_Dialect, "Operand"> {
  let mnemonic = "operand";
  let summary = "How a product on a GPU's matrix units reads one of its operands";
  let description = [{
    - `evaluated`: as an expression at each position, from global memory or from the blocks it is computed from;
    - `registers`: from each thread's registers, in the layout of the accumulators;
    - `shared`: from shared memory, which holds the whole block or receives a copy of it;
    - `staged`: from tiles that are copied to shared memory while earlier tiles are multiplied. Chunk c (eight numbers)
      of row r of a tile has the offset `r * pitch + (c ^ (r >> shift & mask)) * 16` in bytes. This swizzle puts chunks
      that are read together into different banks.
  }];
  let parameters = (ins EnumParameter<Tile_OperandSource>:$source, DefaultValuedParameter<"int64_t", "0">:$pitch,
                        DefaultValuedParameter<"int64_t", "0">:$mask, DefaultValuedParameter<"int64_t", "0">:$shift);
  let assemblyFormat = "`<` $source (`,` struct($pitch, $mask, $shift)^)? `>`";
}

def Tile_ProductAttr : AttrDef<Tile_Dialect, "Product"> {
  let mnemonic = "product";
  let summary = "How a GPU's thread block computes a tile.dot";
  let description = [{
    - `matrix`: on matrix units, 16 of k at a time. Staged operands pass through a ring of `stages` tiles of `depth`
      in k;
    - `registers`: by multiply-adds on accumulators in registers;
    - `shared`: by multiply-adds on accumulators in shared memory, one thread per element;
    - `split`: as `shared`, but each thread sums a part of k for all elements; for few elements with long sums.

    `tile-assign-products` gives every `tile.dot` one of these as `tile.product`. The reduction order and the number of
    roundings depend on the method alone: operands, depth and stages change no bits.
  }];
  let parameters = (ins EnumParameter<Tile_ProductMethod>:$method,
                        OptionalParameter<"::m1::tile::OperandAttr">:$left,
                        OptionalParameter<"::m1::tile::OperandAttr">:$right,
                        DefaultValuedParameter<"int64_t", "0">:$depth, DefaultValuedParameter<"int64_t", "0">:$stages);
  let assemblyFormat = "`<` $method (`,` struct($left, $right, $depth, $stages)^)? `>`";
}

class Tile_Op<string mnemonic, list<Trait> traits = []> : Op<Tile_Dialect, mnemonic, traits>;

def Tile_Pointer : Type<CPred<"::llvm::isa<::mlir::LLVM::LLVMPointerType>($_self)">, "pointer">;
def Tile_Block : VectorOfRankAndType<[1, 2], [AnyFloat, AnyInteger]>;
def Tile_Matrix : VectorOfRankAndType<[2], [F32, BF16, F16, F64]>;

def Tile_KernelOp : Tile_Op<"kernel", [FunctionOpInterface, IsolatedFromAbove,
                                     DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "A function of a grid position";
  let description = [{
    The first three arguments, of type `index`, are the cell's x, y and z; the others are memrefs and index values and
    have names, by which launches pass their operands. Cells run in any order and at the same time, so the cells of a
    kernel write disjoint memory.

    An argument's name is that of its value in the assembly: `%weight` is the argument called `weight`. The grid
    position is printed as `%cell_x`, `%cell_y` and `%cell_z`.

    For a GPU the attribute `tile.threads` says how many threads compute a cell; `tile-assign-layouts` writes it.

    Constraints: (C1) at least three leading `index` arguments; (C2) all others are `index` or memrefs with static
    strides and offset 0; (C3) no results; (C4) one name for each argument after the grid position, all different; (C5)
    `tile.threads`, where present, is a 32-bit multiple of 32 from 32 to 1024.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type, StrArrayAttr:$arg_names,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr unsigned kGridRank = 3;
    static constexpr ::llvm::StringLiteral kThreadsAttr = "tile.threads";
    /// The threads of a thread block, or 0 where `tile.threads` is missing.
    int64_t getThreads();
    ::mlir::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::mlir::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// The arguments after the grid position, which launches provide.
    ::llvm::ArrayRef<::mlir::BlockArgument> getParameters() { return getBody().getArguments().drop_front(kGridRank); }
    /// For each of these, whether the kernel stores to it.
    ::llvm::SmallVector<bool> getWritten();
  }];
}

def Tile_ReturnOp : Tile_Op<"return", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "Ends a kernel";
  let assemblyFormat = "attr-dict";
}

def Tile_LoadOp : Tile_Op<"load", [MemoryEffects<[MemRead]>, AttrSizedOperandSegments]> {
  let summary = "Loads a block from memory";
  let description = [{
    Axis i of the block runs along axis `dims[i]` of the memref, starting at `indices`. Elements at or past `rows` on
    axis 0 and `cols` on axis 1 of the block, where given, read as zero; all others must be in bounds.

    With `pairs` the memref interleaves two rows of the block, as matrix units of CPUs read them: `dims[0]` counts
    pairs of rows, and row 2p + e is at index p of that axis and index e of the memref's last axis.

    Constraints: (C1) one index for each axis of the memref; (C2) dims has an entry for each axis of the block,
    ascending, each a memref axis; (C3) element types agree; (C4) cols only with a block of rank 2; (C5) pairs only
    with a block of rank 2 and an even number of rows, and a memref whose last axis has the extent 2 and is not in
    dims.
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$memref, Variadic<Index>:$indices, Optional<Index>:$rows,
                       Optional<Index>:$cols, DenseI64ArrayAttr:$dims, UnitAttr:$pairs);
  let results = (outs Tile_Block:$result);
  let assemblyFormat = [{
    $memref `[` $indices `]` `dims` $dims (`pairs` $pairs^)? (`rows` $rows^)? (`cols` $cols^)? attr-dict
    `:` type($memref) `,` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments]> {
  let summary = "Stores a block to memory";
  let description = [{
    The inverse of `tile.load`. Elements at or past `rows` and `cols` are not written.

    `streamed` says that the memory is not read again before a cache would have replaced it. Code for a CPU then writes
    whole cache lines past the caches, which saves reading them first.

    Constraints: as `tile.load`.
  }];
  let arguments = (ins Tile_Block:$value, Arg<AnyMemRef, "", [MemWrite]>:$memref, Variadic<Index>:$indices,
                       Optional<Index>:$rows, Optional<Index>:$cols, DenseI64ArrayAttr:$dims, UnitAttr:$pairs,
                       UnitAttr:$streamed);
  let assemblyFormat = [{
    $value `,` $memref `[` $indices `]` `dims` $dims (`pairs` $pairs^)? (`streamed` $streamed^)? (`rows` $rows^)?
    (`cols` $cols^)? attr-dict `:` type($value) `,` type($memref)
  }];
  let hasVerifier = 1;
}

def Tile_GatherOp : Tile_Op<"gather", [MemoryEffects<[MemRead]>, AttrSizedOperandSegments]> {
  let summary = "Loads a block whose rows are given by indices: result[i, j] = memref[row_index[i], col + j]";
  let description = [{
    Rows at or past `rows` are zero and their indices are not used; columns at or past `cols` are zero.

    Constraints: (C1) the memref has rank 2; (C2) row_index has the block's row count; (C3) element types agree.
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$memref, VectorOfRankAndType<[1], [I32]>:$row_index, Index:$col,
                       Optional<Index>:$rows, Optional<Index>:$cols);
  let results = (outs VectorOfRankAndType<[2], [AnyFloat, AnyInteger]>:$result);
  let assemblyFormat = [{
    $memref `[` $row_index `,` $col `]` (`rows` $rows^)? (`cols` $cols^)? attr-dict `:` type($memref) `,`
    type($row_index) `,` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ScatterOp : Tile_Op<"scatter", [AttrSizedOperandSegments]> {
  let summary = "Stores the rows of a block at indices: memref[row_index[i], col + j] = value[i, j]";
  let description = "Constraints: as `tile.gather`; row indices below `rows` are distinct.";
  let arguments = (ins VectorOfRankAndType<[2], [AnyFloat, AnyInteger]>:$value, Arg<AnyMemRef, "", [MemWrite]>:$memref,
                       VectorOfRankAndType<[1], [I32]>:$row_index, Index:$col, Optional<Index>:$rows,
                       Optional<Index>:$cols);
  let assemblyFormat = [{
    $value `,` $memref `[` $row_index `,` $col `]` (`rows` $rows^)? (`cols` $cols^)? attr-dict
    `:` type($value) `,` type($memref) `,` type($row_index)
  }];
  let hasVerifier = 1;
}

def Tile_DotOp : Tile_Op<"dot", [Pure, AllTypesMatch<["acc", "result"]>]> {
  let summary = "acc + a b";
  let description = [{
    a is [M, K], b [K, N], acc and the result [M, N] of f32 (f64 for f64 operands). Each result element starts from
    acc and accumulates its K products in ascending order of k, each with one fused multiply-add, whatever M and N are
    and however many rows are in use. A matrix unit may have another reduction order, which must be as independent of
    M, N and the rows in use. Rows of b that are zero because its load has `rows` may be skipped.

    With S `leaves`, the terms k with l · K/S <= k < (l + 1) · K/S are summed like that for each l, starting from 0, and
    these sums are joined by the tree of `m1.linear`.

    Constraints: (C1) the shapes agree; (C2) the accumulator is f32, or f64 with f64 operands; (C3) leaves is positive
    and divides K, and if it is not 1, the accumulator is a constant of zeros.
  }];
  let arguments = (ins Tile_Matrix:$a, Tile_Matrix:$b, Tile_Matrix:$acc, DefaultValuedAttr<I64Attr, "1">:$leaves);
  let results = (outs Tile_Matrix:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $acc (`leaves` $leaves^)? attr-dict `:` type($a) `,` type($b) `,` type($acc)
  }];
  let hasVerifier = 1;
}

def Tile_IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "Each element's index along one axis";
  let description = "Constraints: (C1) the axis is one of the block's.";
  let arguments = (ins I64Attr:$axis);
  let results = (outs VectorOfRankAndType<[1, 2], [I32]>:$result);
  let assemblyFormat = "$axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "Repeats a block of rank 1 along a new axis";
  let description = [{
    `tile.broadcast %v along 1 : vector<64xf32> to vector<64x32xf32>` makes each of v's elements a row of 32.

    Constraints: (C1) operand of rank 1, result of rank 2, one element type; (C2) the result without the axis is the
    operand's shape.
  }];
  let arguments = (ins VectorOfRankAndType<[1], [AnyFloat, AnyInteger]>:$operand, I64Attr:$axis);
  let results = (outs VectorOfRankAndType<[2], [AnyFloat, AnyInteger]>:$result);
  let assemblyFormat = "$operand `along` $axis attr-dict `:` type($operand) `to` type($result)";
  let hasVerifier = 1;
}

def Tile_ScratchOp : Tile_Op<"scratch", [MemoryEffects<[MemAlloc]>, AllTypesMatch<["base", "memory"]>]> {
  let summary = "Allocates memory of a grid cell until its last use";
  let description = [{
    A buffer in the memory of a grid cell, which begins at `base`: the worker thread's scratch memory on a CPU, the
    thread block's shared memory on a GPU. `tile-to-host` and `tile-to-gpu` create these ops and `tile-assign-scratch`
    replaces them by addresses. In a loop each iteration has its own buffer; one that must outlive an iteration is
    created before the loop.

    Constraints: (C1) at least one byte.
  }];
  let arguments = (ins Tile_Pointer:$base, I64Attr:$bytes);
  let results = (outs Tile_Pointer:$memory);
  let assemblyFormat = "$base `,` $bytes attr-dict `:` type($base)";
  let hasVerifier = 1;
}

#endif // TILE_OPS
