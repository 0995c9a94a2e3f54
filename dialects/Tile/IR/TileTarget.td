//===- TileTarget.td - what kernels are compiled for -------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILE_TARGET
#define TILE_TARGET

include "dialects/Tile/IR/TileDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/Interfaces.td"

def Tile_TargetKind : I32EnumAttr<"TargetKind", "kind of target", [
  I32EnumAttrCase<"Cpu", 0, "cpu">, I32EnumAttrCase<"Gpu", 1, "gpu">
]> {
  let cppNamespace = "::m1::tile";
  let genSpecializedAttr = 0;
}

def Tile_MatrixUnitAttrInterface : AttrInterface<"MatrixUnitAttrInterface"> {
  let cppNamespace = "::m1::tile";
  let description = "A matrix unit of a target: which products it computes, and the layout of its operands.";
  let methods = [
    InterfaceMethod<"The kind of target that has such a unit.", "::m1::tile::TargetKind", "getTargetKind">,
    InterfaceMethod<[{
      True if the unit multiplies `Left` by `Right` elements, sums in `Sum`, and `Depth`, the extent of k, is a whole
      number of its instructions.
    }], "bool", "multiplies",
        (ins "::mlir::Type":$Left, "::mlir::Type":$Right, "::mlir::Type":$Sum, "int64_t":$Depth)>,
    InterfaceMethod<"The extent of k in one instruction.", "int64_t", "getDepth">,
    InterfaceMethod<[{
      The number of rows of k that a packed right operand interleaves: 1 if rows follow each other, 2 if each element
      is followed by the one below it.
    }], "int64_t", "getRightRowsTogether">
  ];
}

class Tile_MatrixUnitAttr<string name, string keyword> : AttrDef<Tile_Dialect, name, [
  DeclareAttrInterfaceMethods<Tile_MatrixUnitAttrInterface>
]> {
  let mnemonic = keyword;
}

def Tile_AmxAttr : Tile_MatrixUnitAttr<"Amx", "amx"> {
  let summary = "AMX: bf16 by bf16 in f32, 32 of k per instruction";
  let description = "Rows of a right operand are read in pairs: element (k, n) is followed by (k + 1, n) for even k.";
}

def Tile_Avx512Bf16Attr : Tile_MatrixUnitAttr<"Avx512Bf16", "avx512_bf16"> {
  let summary = "AVX512_BF16: bf16 by bf16 in f32, 2 of k per instruction";
  let description = [{
    `vdpbf16ps` on vector registers. Rows of a right operand are read in pairs, as by AMX. The product of an odd k is
    added first, then that of the even k before it.
  }];
}

def Tile_MmaAttr : Tile_MatrixUnitAttr<"Mma", "mma"> {
  let summary = "mma.sync.m16n8k16: f32 or bf16 by bf16 in f32, 16 of k per instruction";
  let description = "A left operand of f32 is split into bf16 parts when it is loaded.";
}

def Tile_TargetAttr : AttrDef<Tile_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "What the kernels of a module are compiled for";
  let description = [{
    The attribute `tile.target` of a module. `architecture` is LLVM's name of the processor; `unit` is the matrix
    unit, if there is one.

    - `#tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.amx>`: `registers` vector registers of
      `lanes` f32 elements;
    - `#tile.target<gpu "sm_80", registers = 255, shared = 166912, unit = #tile.mma>`: `registers` of 32 bits per
      thread, `shared` bytes of shared memory per thread block.

    Constraints: (C1) `registers` is positive; (C2) `lanes` is a power of two for a CPU and absent for a GPU; (C3)
    `shared` is positive for a GPU and absent for a CPU; (C4) the unit is one of this kind of target.
  }];
  let parameters = (ins EnumParameter<Tile_TargetKind>:$kind, StringRefParameter<>:$architecture,
                        DefaultValuedParameter<"int64_t", "0">:$lanes, "int64_t":$registers,
                        DefaultValuedParameter<"int64_t", "0">:$shared,
                        OptionalParameter<"::m1::tile::MatrixUnitAttrInterface">:$unit);
  let assemblyFormat = "`<` $kind $architecture `,` struct($lanes, $registers, $shared, $unit) `>`";
  let genVerifyDecl = 1;
}

#endif // TILE_TARGET
