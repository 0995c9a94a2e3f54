//===- Signature.cpp - shapes of a function's tensors ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Signature.h"

#include <algorithm>

using namespace m1;

namespace {
constexpr int64_t Unknown = -1;

/// "input 'a' of function 'f'".
std::string describe(const char *Kind, const plan::Tensor &Tensor,
                     const plan::Function &Function) {
  return concat(Kind, " '", view(Tensor.name()), "' of function '",
                view(Function.name()), "'");
}

/// Binds the symbol of one extent, if it is not bound yet, and checks the
/// extent against its value.
absl::Status bindExtent(const plan::Plan &Plan, const plan::Function &Function,
                        const plan::Tensor &Input, const HostTensor &Given,
                        uint32_t Axis, std::span<int64_t> Symbols) {
  const plan::Expr &Extent = *Input.shape()->Get(Axis);
  const int64_t Found = Given.Shape[Axis];
  int64_t Expected = 0;
  if (int S = Extent.symbol(); S >= 0) {
    // The verifier admits only a symbol plus a number here.
    const plan::Symbol &Symbol = *Plan.symbols()->Get(S);
    int64_t Value = Found - Extent.add();
    if (Symbols[S] == Unknown && Value > Symbol.max())
      return makeError(describe("input", Input, Function), " has the shape ",
                       formatShape(Given.Shape), ": ", view(Symbol.name()),
                       " is ", Value, ", the plan was compiled for at most ",
                       Symbol.max());
    if (Symbols[S] == Unknown && Value >= 0)
      Symbols[S] = Value;
    Expected = std::max<int64_t>(Symbols[S], 0) + Extent.add();
  } else {
    Expected = evaluate(Extent, {});
  }
  if (Found != Expected)
    return makeError(describe("input", Input, Function), " has the shape ",
                     formatShape(Given.Shape), ", expected ", Expected,
                     " as extent ", Axis);
  return absl::OkStatus();
}

bool hasShape(const HostTensor &Given, const plan::Tensor &Tensor,
              std::span<const int64_t> Symbols) {
  if (Given.Shape.size() != length(Tensor.shape()))
    return false;
  for (uint32_t Axis = 0; Axis < Given.Shape.size(); ++Axis)
    if (Given.Shape[Axis] != evaluate(*Tensor.shape()->Get(Axis), Symbols))
      return false;
  return true;
}
} // namespace

absl::Status m1::bindSymbols(const plan::Plan &Plan,
                             const plan::Function &Function,
                             std::span<const HostTensor> Inputs,
                             std::span<int64_t> Symbols) {
  if (Inputs.size() != length(Function.inputs()))
    return makeError("function '", view(Function.name()), "' takes ",
                     length(Function.inputs()), " inputs, found ",
                     Inputs.size());
  std::fill(Symbols.begin(), Symbols.end(), Unknown);
  for (uint32_t I = 0; I < Inputs.size(); ++I) {
    const plan::Tensor &Input = *Function.inputs()->Get(I);
    const HostTensor &Given = Inputs[I];
    if (Given.Type != elementType(Input.dtype()))
      return makeError(describe("input", Input, Function), " is ",
                       name(elementType(Input.dtype())), ", found ",
                       name(Given.Type));
    if (Given.Shape.size() != length(Input.shape()))
      return makeError(describe("input", Input, Function), " has ",
                       length(Input.shape()), " dimensions, found the shape ",
                       formatShape(Given.Shape));
    for (uint32_t Axis = 0; Axis < Given.Shape.size(); ++Axis)
      M1_RETURN_IF_ERROR(
          bindExtent(Plan, Function, Input, Given, Axis, Symbols));
  }
  for (int64_t &Value : Symbols)
    Value = std::max<int64_t>(Value, 0);
  return absl::OkStatus();
}

std::vector<int64_t> m1::shapeOf(const plan::Tensor &Tensor,
                                 std::span<const int64_t> Symbols) {
  std::vector<int64_t> Shape;
  for (uint32_t Axis = 0; Axis < length(Tensor.shape()); ++Axis)
    Shape.push_back(evaluate(*Tensor.shape()->Get(Axis), Symbols));
  return Shape;
}

uint64_t m1::bytesOf(const plan::Tensor &Tensor,
                     std::span<const int64_t> Symbols) {
  uint64_t Bytes = byteSize(elementType(Tensor.dtype()));
  for (uint32_t Axis = 0; Axis < length(Tensor.shape()); ++Axis)
    Bytes *= evaluate(*Tensor.shape()->Get(Axis), Symbols);
  return Bytes;
}

absl::Status m1::checkOutputs(const plan::Function &Function,
                              std::span<const HostTensor> Outputs,
                              std::span<const int64_t> Symbols) {
  if (Outputs.size() != length(Function.outputs()))
    return makeError("function '", view(Function.name()), "' has ",
                     length(Function.outputs()), " outputs, found ",
                     Outputs.size());
  for (uint32_t I = 0; I < Outputs.size(); ++I) {
    const plan::Tensor &Output = *Function.outputs()->Get(I);
    const HostTensor &Given = Outputs[I];
    if (!Given.Data)
      continue;
    ElementType Type = elementType(Output.dtype());
    if (Given.Type != Type || !hasShape(Given, Output, Symbols))
      return makeError(describe("output", Output, Function), " is ", name(Type),
                       " ", formatShape(shapeOf(Output, Symbols)), ", found ",
                       name(Given.Type), " ", formatShape(Given.Shape));
  }
  for (uint32_t I = 0; I < length(Function.drawn()); ++I) {
    const plan::Tensor &Output =
        *Function.outputs()->Get(Function.drawn()->Get(I));
    if (!Outputs[Function.drawn()->Get(I)].Data && bytesOf(Output, Symbols) > 0)
      return makeError(describe("output", Output, Function),
                       " holds drawn tokens, which are checked: memory for it "
                       "must be given");
  }
  return absl::OkStatus();
}
