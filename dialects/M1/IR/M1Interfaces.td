//===- M1Interfaces.td - interfaces of m1 ops --------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes use these interfaces instead of lists of ops, so that a new op takes part in fusion, verification and reports
// by implementing them.
//
//===----------------------------------------------------------------------===//

#ifndef M1_INTERFACES
#define M1_INTERFACES

include "mlir/IR/OpBase.td"

def M1_OperandAxesOpInterface : OpInterface<"OperandAxesOpInterface"> {
  let cppNamespace = "::m1";
  let description = [{
    An op whose operands share axes with dynamic extents. Verifiers check static extents; this interface states which
    extents must agree at run time.
  }];
  let methods = [
    StaticInterfaceMethod<[{
        The axes of each operand, as in "T H d, T, B+1": operands are separated by commas, axes by spaces. Axes of the
        same name have the same extent, in all operands of the op; `B+1` is one more than the axis `B`, `1` an axis of
        extent 1. `...` stands for any number of axes, the same wherever it occurs; `-` is an operand that is no tensor.
        An optional operand is the last; axes at the end of an operand may be left out, and are not checked.
      }],
      "::llvm::StringRef", "getOperandAxes">,
  ];
}

def M1_ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::m1";
  let description = [{
    An op with one result, each of whose elements is a function of the same element of every operand. An operand can
    instead be per token: [T, 1], one element for the whole row.

    An op computes in f32 and rounds once, to its result's element type. The methods are static, so that code can be
    emitted from an op's name and attributes (`RegisteredOperationName::getInterface`) where there is no op.
  }];
  let methods = [
    StaticInterfaceMethod<[{
        Emits the op's computation in `arith` and `math` ops. `Attributes` are the op's attributes. `Blocks` are its
        operands as f32 vectors of one shape, per-token operands broadcast to it. Returns an f32 vector of that shape,
        not yet rounded to the element type of the op's result.
      }],
      "::mlir::Value", "emitElementwise",
      (ins "::mlir::ImplicitLocOpBuilder &":$Builder, "::mlir::DictionaryAttr":$Attributes, "::mlir::ValueRange":$Blocks)>,
    StaticInterfaceMethod<"Returns true if the operand of this number is per token: [T, 1].",
      "bool", "isPerToken", (ins "unsigned":$Operand), /*methodBody=*/"", "return false;">,
  ];
}

def M1_StateUpdateOpInterface : OpInterface<"StateUpdateOpInterface"> {
  let cppNamespace = "::m1";
  let description = [{
    An op that consumes values of states and returns the updated values, which the compiler stores in the same memory.
  }];
  let methods = [
    InterfaceMethod<[{
        The result that is the state's value after the op, where `Operand` is its value before; null for an operand that
        is no state.
      }],
      "::mlir::OpResult", "getUpdatedState", (ins "::mlir::OpOperand &":$Operand)>,
  ];
}

def M1_CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::m1";
  let description = "An op whose cost per token is reported (`m1c --report`).";
  let methods = [
    InterfaceMethod<"The heading that the op's operations are counted under.", "::llvm::StringRef", "getCostKind">,
    InterfaceMethod<[{
        Floating-point operations per token; a multiplication and an addition count as two. An op whose cost grows with
        the context states the operations per key, and says so in its kind.
      }],
      "double", "getOperationsPerToken">,
    InterfaceMethod<"The share of a parameter operand that one token reads, above 0 and up to 1.",
      "double", "getShareRead", (ins "::mlir::OpOperand &":$Operand), /*methodBody=*/"", "return 1;">,
  ];
}

def M1_ResultRangeOpInterface : OpInterface<"ResultRangeOpInterface"> {
  let cppNamespace = "::m1";
  let description = "An op that knows the range of an integer result, which starts at 0.";
  let methods = [
    InterfaceMethod<"The largest value that `Result` can have, plus one; `std::nullopt` if it is unknown.",
      "std::optional<int64_t>", "getResultLimit", (ins "::mlir::OpResult":$Result)>,
  ];
}

def M1_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::m1";
  let description = [{
    An op through which gradients flow. `m1-differentiate` visits the ops of a function from the last to the first.
  }];
  let methods = [
    InterfaceMethod<[{
        Emits the gradients of the op's operands. `Gradients` has those of its results (`GradientBuilder::of`) and takes
        those of its operands (`GradientBuilder::add`, `addToParameter`). See dialects/M1/IR/Gradients.h.
      }],
      "void", "differentiate", (ins "::m1::GradientBuilder &":$Gradients)>,
    StaticInterfaceMethod<[{
        Whether the op is a term of the loss: its gradients start from 1, not from gradients of its results.
      }],
      "bool", "isLoss", (ins), /*methodBody=*/"", "return false;">,
  ];
}

def M1_ShardableOpInterface : OpInterface<"ShardableOpInterface"> {
  let cppNamespace = "::m1";
  let description = [{
    An op that ranks can compute parts of (docs/sharding.md). Other ops need all their operands whole.
  }];
  let methods = [
    InterfaceMethod<[{
        How the dimensions of operands and results belong together, as in "T K, N K -> T N; sum K": operands and results
        are separated by commas, dimensions by spaces. A dimension is a factor, or a product of factors as in `(H d)`, the
        outermost first; `1` has none. `...` stands for all dimensions, the same wherever it occurs. A state has its heads
        as only dimension. Where ranks have parts of a factor, they have the same parts of it in all operands and results.

        After a semicolon, `sum` lists the factors that the op sums over, whose sharded form `emitSharded` makes, and
        `whole` those of which a rank must have everything. A factor whose extent does not follow from the types has
        it behind `=`.
      }],
      "std::string", "getShardingRule">,
    InterfaceMethod<[{
        Emits the op for one rank. Its operands already are those of the rank, its results still have the types of the
        whole op. `Results` gets the results of one rank, in which no factor of a sum is left. Emits a diagnostic on failure.
        The default is the same op with other types.
      }],
      "::llvm::LogicalResult", "emitSharded",
      (ins "::m1::ShardBuilder &":$Builder, "::llvm::SmallVectorImpl<::mlir::Value> &":$Results), /*methodBody=*/"",
      "Results = Builder.emitLocal(); return ::mlir::success();">,
  ];
}

def M1_F64OpInterface : OpInterface<"F64OpInterface"> {
  let cppNamespace = "::m1";
  let description = [{
    An op that compiled code supports with operands or results of f64. Kernels compute in f32; f64 is supported where a
    value is moved, widened to f64 or rounded from it, and in products of two f64 operands. Use the function
    `m1::verifyF64(Operation *)`, which also rejects f64 in ops without this interface.
  }];
  let methods = [
    InterfaceMethod<[{
        Verifies that this use of f64 is supported, with a diagnostic if it is not. Called only on ops with an operand
        or result of f64. The default suits ops that move values.
      }],
      "::llvm::LogicalResult", "verifyF64", (ins), /*methodBody=*/"", "return ::mlir::success();">,
  ];
}

#endif // M1_INTERFACES
