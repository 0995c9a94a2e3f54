//===- KernelTest.cpp - declarations of kernels and their cache -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace m1;

namespace {

/// result[0, j] = x[0, j] * factor, plus bias[j] if there is a `bias`.
KernelDeclaration scaleKernel() {
  return {"scale",
          {{"x", "[T, N]"},
           {"bias?", "[N]"},
           {"result", "[T, N] f32"},
           {"rows", "index"}},
          {"factor"},
          [](KernelBody &B) {
            Value Zero = B.index(0);
            Value X = B.load(B["x"], {Zero, Zero}, {0, 1}, {1, B.extent("N")});
            Value Y = B.mulF(X, B.splat(B.number("factor"), X));
            if (B.has("bias"))
              Y = B.addF(
                  Y, B.along(B.load(B["bias"], {Zero}, {0}, {B.extent("N")}), 0,
                             1));
            B.store(Y, B["result"], {Zero, Zero}, {0, 1});
          }};
}

class KernelTest : public testing::Test {
protected:
  KernelTest() {
    Context.loadDialect<tile::TileDialect, arith::ArithDialect,
                        memref::MemRefDialect, vector::VectorDialect>();
    Module = ModuleOp::create(UnknownLoc::get(&Context));
  }

  MemRefType memory(ArrayRef<int64_t> Shape) {
    return memoryType(Shape, Float32Type::get(&Context));
  }
  Attribute factor(double Number) {
    return Builder(&Context).getF64FloatAttr(Number);
  }
  /// The kernel for x [T, N], by default with a result of the same shape.
  tile::KernelOp get(KernelCache &Cache, int64_t N, double Factor,
                     int64_t ResultN = 0) {
    constexpr int64_t T = ShapedType::kDynamic;
    return Cache.get(scaleKernel(),
                     {{"rows", IndexType::get(&Context)},
                      {"result", memory({T, ResultN ? ResultN : N})},
                      {"x", memory({T, N})}},
                     {{"factor", factor(Factor)}});
  }

  MLIRContext Context;
  OwningOpRef<ModuleOp> Module;
};

using KernelDeathTest = KernelTest;

} // namespace

TEST_F(KernelTest, OrdersArgumentsAsDeclared) {
  KernelCache Cache(*Module, {});
  tile::KernelOp Kernel = get(Cache, 8, 2);
  SmallVector<StringRef> Names(
      Kernel.getArgNames().getAsValueRange<StringAttr>());
  EXPECT_EQ(Names, (SmallVector<StringRef>{"x", "result", "rows"}));
  EXPECT_EQ(Kernel.getWritten(), (SmallVector<bool>{false, true, false}));
  EXPECT_TRUE(succeeded(verify(*Module)));
}

TEST_F(KernelTest, MakesOneKernelForEachTypeAndConstant) {
  KernelCache Cache(*Module, {});
  tile::KernelOp Kernel = get(Cache, 8, 2);
  EXPECT_EQ(get(Cache, 8, 2), Kernel);
  EXPECT_NE(get(Cache, 9, 2), Kernel);
  EXPECT_NE(get(Cache, 8, 3), Kernel);
  // The name has six digits, the key all of them.
  EXPECT_NE(get(Cache, 8, 2.00000001), Kernel);
  EXPECT_EQ(Kernel.getSymName(), "scale_8_f32_factor2");
  EXPECT_EQ(get(Cache, 8, 2.00000001).getSymName(), "scale_8_f32_factor2_2");
}

TEST_F(KernelTest, TellsOptionalArgumentsApart) {
  KernelCache Cache(*Module, {});
  tile::KernelOp With = Cache.get(scaleKernel(),
                                  {{"x", memory({4, 8})},
                                   {"bias", memory({8})},
                                   {"result", memory({4, 8})},
                                   {"rows", IndexType::get(&Context)}},
                                  {{"factor", factor(1)}});
  EXPECT_EQ(With.getArgNames().size(), 4u);
  EXPECT_TRUE(succeeded(verify(*Module)));
}

TEST_F(KernelDeathTest, RefusesExtentsThatDisagree) {
  KernelCache Cache(*Module, {});
  EXPECT_DEATH(get(Cache, 8, 2, 9),
               "launch of kernel 'scale': expected 'result' to be \\[T, N\\] "
               "f32, found memref<\\?x9xf32>");
}

TEST_F(KernelDeathTest, RefusesElementTypes) {
  KernelCache Cache(*Module, {});
  EXPECT_DEATH(
      Cache.get(scaleKernel(),
                {{"x", memory({4, 8})},
                 {"result", memoryType({4, 8}, BFloat16Type::get(&Context))},
                 {"rows", IndexType::get(&Context)}},
                {{"factor", factor(1)}}),
      "expected 'result' to be .* f32, found memref<4x8xbf16>");
}

TEST_F(KernelDeathTest, NamesWhatIsMissingOrUnknown) {
  KernelCache Cache(*Module, {});
  SmallVector<Named<Type>> Operands{{"x", memory({4, 8})},
                                    {"result", memory({4, 8})}};
  const Named<Attribute> Factor{"factor", factor(1)};
  EXPECT_DEATH(Cache.get(scaleKernel(), Operands, {Factor}),
               "expected an operand 'rows', found none");
  Operands.push_back({"rows", IndexType::get(&Context)});
  EXPECT_DEATH(Cache.get(scaleKernel(), Operands, {}),
               "expected a constant 'factor', found none");
  EXPECT_DEATH(Cache.get(scaleKernel(), Operands, {Factor, {"eps", factor(1)}}),
               "found a constant 'eps', which is not declared");
  Operands.push_back({"y", memory({4, 8})});
  EXPECT_DEATH(Cache.get(scaleKernel(), Operands, {Factor}),
               "found an operand 'y', which is not declared");
  Operands.back() = Operands.front();
  EXPECT_DEATH(Cache.get(scaleKernel(), Operands, {Factor}),
               "found an operand twice");
}

TEST_F(KernelDeathTest, RefusesNamesThatTheBodyInvents) {
  auto Get = [&](void (*Build)(KernelBody &)) {
    KernelCache Cache(*Module, {});
    Cache.get({"bad", {{"x", "[T, N]"}}, {}, Build},
              {{"x", memory({ShapedType::kDynamic, 8})}}, {});
  };
  EXPECT_DEATH(Get([](KernelBody &B) { B["y"]; }),
               "kernel 'bad.*' declares no argument 'y'");
  EXPECT_DEATH(Get([](KernelBody &B) { B.extent("K"); }),
               "kernel 'bad.*' declares no static axis 'K'");
  EXPECT_DEATH(Get([](KernelBody &B) { B.extent("T"); }),
               "kernel 'bad.*' declares no static axis 'T'");
  EXPECT_DEATH(Get([](KernelBody &B) { B.constant("eps"); }),
               "kernel 'bad.*' declares no constant 'eps'");
}

TEST_F(KernelTest, GivesNamesThatAreFree) {
  KernelCache Cache(*Module, {});
  EXPECT_EQ(Cache.freeName("weights"), "weights");
  EXPECT_EQ(Cache.freeName("weights"), "weights_2");
  EXPECT_EQ(Cache.freeName("weights"), "weights_3");
}
