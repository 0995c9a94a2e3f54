//===- AmxProducts.cpp - products on AMX tiles ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// AMX has eight tiles of 16 rows of 64 bytes. Tiles 0 to 3 accumulate two by
// two blocks of [16, 16] f32, tiles 4 and 5 hold [16, 32] bf16 of the left
// operand and tiles 6 and 7 16 pairs of rows of the right operand, [16, 16, 2].
// The unit sums the even and the odd products of 32 consecutive k separately,
// each in order, then adds both to the accumulator. A row's bits depend on that
// row alone, however many rows its tile has.
//
// No type of the LLVM dialect can carry the tile registers. So every product
// loads and stores its accumulators and releases the unit at its end.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/AmxProducts.h"

#include "dialects/Support/SumTree.h"
#include "dialects/Tile/IR/MatrixUnits.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr int64_t kTileRows = 16;
static constexpr int64_t kTileColumns = 16;            // of f32
static constexpr int64_t kTileDepth = tile::kAmxDepth; // of bf16
static constexpr int64_t kConfigBytes = 64;

/// The first accumulator, left and right tile.
static constexpr int64_t kAccumulators = 0, kLefts = 4, kRights = 6;
static constexpr int64_t kTiles = 8;

bool AmxProducts::supports(tile::DotOp Dot,
                           tile::MatrixUnitAttrInterface Unit) {
  auto Load = Dot.getB().getDefiningOp<tile::LoadOp>();
  const auto Right = Dot.getB().getType();
  return Load && Load.getPairs() &&
         Unit.multiplies(Dot.getA().getType().getElementType(),
                         Right.getElementType(),
                         Dot.getAcc().getType().getElementType(),
                         Right.getDimSize(0) / Dot.getLeaves()) &&
         Right.getDimSize(1) % kTileColumns == 0;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

/// The operands of LDTILECFG for each number of rows, one after the other:
/// entry r gives the accumulators and the left tiles r + 1 rows.
static SmallVector<int8_t> tileConfigurations() {
  constexpr int64_t Palette = 0, RowBytes = 16, Rows = 48;
  SmallVector<int8_t> Bytes(kTileRows * kConfigBytes, 0);
  for (int64_t Used = 1; Used <= kTileRows; ++Used) {
    int8_t *Config = &Bytes[(Used - 1) * kConfigBytes];
    Config[Palette] = 1;
    for (int64_t Tile = 0; Tile < kTiles; ++Tile) {
      Config[RowBytes + 2 * Tile] = 64; // 16 bits, low byte first
      Config[Rows + Tile] = Tile < kRights ? Used : kTileRows;
    }
  }
  return Bytes;
}

/// The table of configurations, one for all kernels of a module.
static LLVM::GlobalOp configurationTable(OpBuilder &B, ModuleOp Module) {
  constexpr llvm::StringLiteral Name = "m1.tile_configurations";
  if (auto Known = Module.lookupSymbol<LLVM::GlobalOp>(Name))
    return Known;
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPointToStart(Module.getBody());
  const SmallVector<int8_t> Bytes = tileConfigurations();
  const int64_t Count = Bytes.size();
  return B.create<LLVM::GlobalOp>(
      Module.getLoc(), LLVM::LLVMArrayType::get(B.getI8Type(), Count),
      /*isConstant=*/true, LLVM::Linkage::Private, Name,
      DenseElementsAttr::get(RankedTensorType::get({Count}, B.getI8Type()),
                             ArrayRef<int8_t>(Bytes)),
      /*alignment=*/kConfigBytes);
}

namespace {
/// Emits the unit's instructions.
struct TileInstructions {
  ScalarBuilder &B;

  void load(int64_t Tile, Value From, const Access &A) const {
    call("tileloadd64", {number(Tile), From, stride(A)});
  }
  void store(int64_t Tile, Value To, const Access &A) const {
    call("tilestored64", {number(Tile), To, stride(A)});
  }
  void zero(int64_t Tile) const { call("tilezero", {number(Tile)}); }
  void multiply(int64_t Sum, int64_t Left, int64_t Right) const {
    call("tdpbf16ps", {number(Sum), number(Left), number(Right)});
  }
  /// Sets the number of rows per tile, an index from 1 to 16, and zeroes the
  /// tiles.
  void configure(Value Table, Value Rows) const {
    Value Offset = B.toI64(B.times(B.minus(Rows, B.index(1)), kConfigBytes));
    Value Entry = B.create<LLVM::GEPOp>(Table.getType(), B.getI8Type(), Table,
                                        ArrayRef<LLVM::GEPArg>{Offset});
    call("ldtilecfg", Entry);
  }
  void release() const { call("tilerelease", {}); }

private:
  Value number(int64_t Tile) const {
    return B.create<LLVM::ConstantOp>(B.getI8IntegerAttr(Tile));
  }
  /// The row stride in bytes.
  Value stride(const Access &A) const {
    const int64_t Bytes = A.Element.getIntOrFloatBitWidth() / 8;
    return B.create<LLVM::ConstantOp>(
        B.getI64IntegerAttr(A.Strides[0] * Bytes));
  }
  void call(const llvm::Twine &Name, ValueRange Operands) const {
    B.create<LLVM::CallIntrinsicOp>(TypeRange(), ("llvm.x86." + Name).str(),
                                    Operands);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void AmxProducts::multiplyRows(const HostProduct &P, Value Row, int64_t Tall,
                               Value Used) {
  const TileInstructions Tiles{B};
  auto RowAt = [&](int64_t I) { return B.plus(Row, I * kTileRows); };
  const int64_t Columns = P.E.ColCount;
  for (int64_t First = 0; First < Columns; First += 2 * kTileColumns) {
    const int64_t Wide = std::min<int64_t>((Columns - First) / kTileColumns, 2);
    auto ColAt = [&](int64_t J) { return B.index(First + J * kTileColumns); };
    auto ForEachAccumulator = [&](auto Do) {
      for (int64_t I = 0; I < Tall; ++I)
        for (int64_t J = 0; J < Wide; ++J)
          Do(kAccumulators + 2 * I + J, I, J);
    };
    auto AddTerms = [&](Value From, Value To) {
      B.loop(
          From, To,
          [&](Value Depth) {
            for (int64_t J = 0; J < Wide; ++J)
              Tiles.load(kRights + J, address(B, P.Right, Depth, ColAt(J)),
                         P.Right);
            for (int64_t I = 0; I < Tall; ++I) {
              Tiles.load(kLefts + I, address(B, P.Left, RowAt(I), Depth),
                         P.Left);
              for (int64_t J = 0; J < Wide; ++J)
                Tiles.multiply(kAccumulators + 2 * I + J, kLefts + I,
                               kRights + J);
            }
          },
          kTileDepth);
    };
    if (P.Leaves == 1) {
      ForEachAccumulator([&](int64_t Tile, int64_t I, int64_t J) {
        Tiles.load(Tile, address(B, P.Sums, RowAt(I), ColAt(J)), P.Sums);
      });
      AddTerms(B.index(0), B.index(P.K));
      ForEachAccumulator([&](int64_t Tile, int64_t I, int64_t J) {
        Tiles.store(Tile, address(B, P.Sums, RowAt(I), ColAt(J)), P.Sums);
      });
      continue;
    }
    // The leaves, one below the other.
    const int64_t Height = Tall * kTileRows, Terms = P.K / P.Leaves;
    const Access Leaves = Context.Scratch.allocate(VectorType::get(
        {P.Leaves * Height, Wide * kTileColumns}, P.Sums.Element));
    B.loop(B.index(0), B.index(P.Leaves), [&](Value Leaf) {
      ForEachAccumulator(
          [&](int64_t Tile, int64_t, int64_t) { Tiles.zero(Tile); });
      Value First = B.times(Leaf, Terms);
      AddTerms(First, B.plus(First, Terms));
      ForEachAccumulator([&](int64_t Tile, int64_t I, int64_t J) {
        Value LeafRow = B.plus(B.times(Leaf, Height), I * kTileRows);
        Tiles.store(Tile,
                    address(B, Leaves, LeafRow, B.index(J * kTileColumns)),
                    Leaves);
      });
    });
    B.loop(B.index(0), Used, [&](Value I) {
      for (int64_t J = 0; J < Wide; ++J) {
        Value Total = sumTree(
            P.Leaves,
            [&](int64_t Leaf) {
              return Context.Eval.load(Leaves, {B.plus(I, Leaf * Height),
                                                B.index(J * kTileColumns),
                                                kTileColumns});
            },
            [&](Value A, Value C) -> Value {
              return B.create<arith::AddFOp>(A, C);
            });
        Context.Eval.store(Total, P.Sums,
                           {B.plus(Row, I), ColAt(J), kTileColumns});
      }
    });
  }
}

void AmxProducts::multiply(const HostProduct &P) {
  using arith::CmpIPredicate;
  const TileInstructions Tiles{B};
  Value Table = B.create<LLVM::AddressOfOp>(
      configurationTable(B, Context.Kernel->getParentOfType<ModuleOp>()));
  auto IsWholeTile = [&](Value Rows) {
    return B.compare(CmpIPredicate::uge, Rows, B.index(kTileRows));
  };
  Value Count = P.E.Rows ? P.E.Rows : B.index(P.E.RowCount);
  Value Rest = Count;
  if (P.E.RowCount >= kTileRows) {
    // Whole tiles, two at a time as far as possible.
    constexpr int64_t Two = 2 * kTileRows;
    Value Left = B.modulo(Count, Two);
    Value Main = B.minus(Count, Left);
    B.ifThen(IsWholeTile(Count), [&] {
      Tiles.configure(Table, B.index(kTileRows));
      B.loop(
          B.index(0), Main,
          [&](Value Row) { multiplyRows(P, Row, 2, B.index(Two)); }, Two);
      B.ifThen(IsWholeTile(Left),
               [&] { multiplyRows(P, Main, 1, B.index(kTileRows)); });
    });
    Rest = B.modulo(Count, kTileRows);
  }
  B.ifThen(B.compare(CmpIPredicate::ne, Rest, B.index(0)), [&] {
    Tiles.configure(Table, Rest);
    multiplyRows(P, B.minus(Count, Rest), 1, Rest);
  });
  Tiles.release();
}
