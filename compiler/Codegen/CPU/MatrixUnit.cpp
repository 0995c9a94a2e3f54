//===- MatrixUnit.cpp - products on AMX tiles -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// AMX has eight tiles of 16 rows of 64 bytes. Tiles 0 to 3 accumulate two by
// two blocks of [16, 16] f32, tiles 4 and 5 hold [16, 32] bf16 of the left side
// and tiles 6 and 7 16 pairs of rows of the right side, [16, 16, 2]. The unit
// sums the even and the odd products of 32 consecutive k apart, each in order,
// then adds both to the accumulator: a row's bits depend on that row alone,
// however many rows its tile has.
//
// The tiles are registers that no type of LLVM's dialect can carry, so every
// product loads and stores its accumulators and leaves the unit released.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostLowering.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr int64_t kTileRows = 16;
static constexpr int64_t kTileColumns = 16; // of f32
static constexpr int64_t kTileDepth = 32;   // of bf16
static constexpr int64_t kConfigBytes = 64;

static constexpr int64_t kAccumulators = 0, kLefts = 4, kRights = 6;
static constexpr int64_t kTiles = 8;

bool HostLowering::usesTiles(tile::DotOp Dot) const {
  auto Load = Dot.getB().getDefiningOp<tile::LoadOp>();
  auto A = cast<VectorType>(Dot.getA().getType());
  auto Bm = cast<VectorType>(Dot.getB().getType());
  auto Acc = cast<VectorType>(Dot.getAcc().getType());
  return Shape.Unit && Load && Load.getPairs() &&
         Shape.Unit.multiplies(A.getElementType(), Bm.getElementType(),
                               Acc.getElementType(), Bm.getDimSize(0)) &&
         Bm.getDimSize(1) % kTileColumns == 0;
}

/// LDTILECFG's operand for each number of rows, one after the other: entry r
/// gives the accumulators and the left side r + 1 rows.
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

static LLVM::GlobalOp configurationTable(OpBuilder &B, ModuleOp Module) {
  constexpr llvm::StringLiteral Name = "m1.tile_configurations";
  if (auto Known = Module.lookupSymbol<LLVM::GlobalOp>(Name))
    return Known;
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPointToStart(Module.getBody());
  SmallVector<int8_t> Bytes = tileConfigurations();
  int64_t Count = Bytes.size();
  return B.create<LLVM::GlobalOp>(
      Module.getLoc(), LLVM::LLVMArrayType::get(B.getI8Type(), Count),
      /*isConstant=*/true, LLVM::Linkage::Private, Name,
      DenseElementsAttr::get(RankedTensorType::get({Count}, B.getI8Type()),
                             ArrayRef<int8_t>(Bytes)),
      /*alignment=*/kConfigBytes);
}

namespace {
/// The unit's instructions.
struct Unit {
  OpBuilder &B;
  Location Loc;

  Value number(int64_t Tile) const {
    return B.create<LLVM::ConstantOp>(Loc, B.getI8IntegerAttr(Tile));
  }
  void call(const llvm::Twine &Name, ValueRange Operands) const {
    B.create<LLVM::CallIntrinsicOp>(Loc, TypeRange(),
                                    ("llvm.x86." + Name).str(), Operands);
  }
  /// The stride between rows, in bytes.
  Value stride(const Access &A) const {
    int64_t Bytes = A.Element.getIntOrFloatBitWidth() / 8;
    return B.create<LLVM::ConstantOp>(
        Loc, B.getI64IntegerAttr(A.Strides[0] * Bytes));
  }
  void load(int64_t Tile, Value From, const Access &A) const {
    call("tileloadd64", {number(Tile), From, stride(A)});
  }
  void store(int64_t Tile, Value To, const Access &A) const {
    call("tilestored64", {number(Tile), To, stride(A)});
  }
  void multiply(int64_t Acc, int64_t Left, int64_t Right) const {
    call("tdpbf16ps", {number(Acc), number(Left), number(Right)});
  }
  /// Tiles of `Rows` rows, an index from 1 to 16; all are zero then.
  void configure(Value Table, Value Rows) const {
    Value One = B.create<arith::ConstantIndexOp>(Loc, 1);
    Value Size = B.create<arith::ConstantIndexOp>(Loc, kConfigBytes);
    Value Offset = B.create<arith::MulIOp>(
        Loc, B.create<arith::SubIOp>(Loc, Rows, One), Size);
    Offset = B.create<arith::IndexCastOp>(Loc, B.getI64Type(), Offset);
    Value Entry = B.create<LLVM::GEPOp>(Loc, Table.getType(), B.getI8Type(),
                                        Table, ArrayRef<LLVM::GEPArg>{Offset});
    call("ldtilecfg", Entry);
  }
};
} // namespace

void HostLowering::dotTileRows(Location Loc, const Access &A, const Access &Bm,
                               const Access &C, Value Row, int64_t Tall,
                               int64_t Columns, int64_t K) {
  const Unit Tiles{B, Loc};
  auto RowAt = [&](int64_t I) -> Value {
    return B.create<arith::AddIOp>(Loc, Row, constantIndex(I * kTileRows));
  };
  for (int64_t First = 0; First < Columns; First += 2 * kTileColumns) {
    const int64_t Wide = std::min<int64_t>((Columns - First) / kTileColumns, 2);
    auto ColAt = [&](int64_t J) {
      return constantIndex(First + J * kTileColumns);
    };
    auto EachAccumulator = [&](auto Do) {
      for (int64_t I = 0; I < Tall; ++I)
        for (int64_t J = 0; J < Wide; ++J)
          Do(kAccumulators + 2 * I + J, address(Loc, C, RowAt(I), ColAt(J)));
    };
    EachAccumulator(
        [&](int64_t Tile, Value From) { Tiles.load(Tile, From, C); });
    loop(Loc, constantIndex(0), constantIndex(K), kTileDepth, [&](Value Depth) {
      for (int64_t J = 0; J < Wide; ++J)
        Tiles.load(kRights + J, address(Loc, Bm, Depth, ColAt(J)), Bm);
      for (int64_t I = 0; I < Tall; ++I) {
        Tiles.load(kLefts + I, address(Loc, A, RowAt(I), Depth), A);
        for (int64_t J = 0; J < Wide; ++J)
          Tiles.multiply(kAccumulators + 2 * I + J, kLefts + I, kRights + J);
      }
    });
    EachAccumulator([&](int64_t Tile, Value To) { Tiles.store(Tile, To, C); });
  }
}

void HostLowering::dotTiles(Location Loc, const Access &A, const Access &Bm,
                            const Access &C, const Extent &E, int64_t K) {
  const Unit Tiles{B, Loc};
  Value Table = B.create<LLVM::AddressOfOp>(
      Loc, configurationTable(B, Kernel->getParentOfType<ModuleOp>()));
  auto Rows = [&](Value Row, int64_t Tall) {
    dotTileRows(Loc, A, Bm, C, Row, Tall, E.ColCount, K);
  };
  auto If = [&](arith::CmpIPredicate P, Value Left, int64_t Right, auto Then) {
    Value Is = B.create<arith::CmpIOp>(Loc, P, Left, constantIndex(Right));
    auto Op = B.create<scf::IfOp>(Loc, Is, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPoint(Op.thenBlock()->getTerminator());
    Then();
  };
  Value Count = E.Rows ? E.Rows : constantIndex(E.RowCount);
  Value Rest = Count;
  if (E.RowCount >= kTileRows) {
    // Whole tiles: two above each other where there are two.
    constexpr int64_t Two = 2 * kTileRows;
    Value Left = B.create<arith::RemUIOp>(Loc, Count, constantIndex(Two));
    Value Main = B.create<arith::SubIOp>(Loc, Count, Left);
    If(arith::CmpIPredicate::uge, Count, kTileRows, [&] {
      Tiles.configure(Table, constantIndex(kTileRows));
      loop(Loc, constantIndex(0), Main, Two, [&](Value Row) { Rows(Row, 2); });
      If(arith::CmpIPredicate::uge, Left, kTileRows, [&] { Rows(Main, 1); });
    });
    Rest = B.create<arith::RemUIOp>(Loc, Count, constantIndex(kTileRows));
  }
  If(arith::CmpIPredicate::ne, Rest, 0, [&] {
    Tiles.configure(Table, Rest);
    Rows(B.create<arith::SubIOp>(Loc, Count, Rest), 1);
  });
  Tiles.call("tilerelease", {});
}
