//===- Checks.cpp - checks of inputs and drawn tokens ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Checks.h"

#include <algorithm>
#include <optional>

using namespace m1;

namespace {
std::span<const int32_t> elementsOf(const HostTensor &Tensor) {
  return {static_cast<const int32_t *>(Tensor.Data),
          Tensor.bytes() / sizeof(int32_t)};
}

/// The checks of one input.
class InputChecker {
public:
  InputChecker(const plan::Function &Function, const plan::Tensor &Input,
               const HostTensor &Given)
      : Function(Function), Input(Input), Given(Given),
        Elements(elementsOf(Given)) {}

  absl::Status below(int64_t Limit) const {
    // Tables have many elements, nearly always right ones: no branch for each.
    const auto Past =
        static_cast<uint32_t>(std::min<int64_t>(Limit, int64_t(INT32_MAX) + 1));
    bool IsWrong = false;
    for (int32_t Element : Elements)
      IsWrong |= static_cast<uint32_t>(Element) >= Past;
    if (!IsWrong)
      return absl::OkStatus();
    for (size_t I = 0; I < Elements.size(); ++I)
      if (Elements[I] < 0 || Elements[I] >= Limit)
        return fail(I, "0 to ", Limit - 1);
    return absl::OkStatus();
  }

  absl::Status rowOrNone(int64_t Rows) const {
    for (size_t I = 0; I < Elements.size(); ++I)
      if (Elements[I] < -1 || Elements[I] >= Rows)
        return fail(I, "-1 to ", Rows - 1);
    return absl::OkStatus();
  }

  absl::Status unique(std::vector<std::pair<int32_t, size_t>> &Row) const {
    const size_t Width = Given.Shape.empty() ? 1 : Given.Shape.back();
    for (size_t First = 0; First < Elements.size(); First += Width) {
      Row.clear();
      for (size_t I = First; I < First + Width; ++I)
        Row.emplace_back(Elements[I], I);
      std::sort(Row.begin(), Row.end());
      for (size_t I = 1; I < Row.size(); ++I)
        if (Row[I].first == Row[I - 1].first)
          return fail(Row[I].second, "a value different from element ",
                      indexOf(Row[I - 1].second));
    }
    return absl::OkStatus();
  }

  absl::Status offsets(int64_t Total) const {
    if (Elements.front() != 0)
      return fail(0, "0");
    for (size_t I = 1; I < Elements.size(); ++I)
      if (Elements[I] < Elements[I - 1])
        return fail(I, "at least ", Elements[I - 1], ", the element before it");
    if (Elements.back() != Total)
      return fail(Elements.size() - 1, Total, ", the total");
    return absl::OkStatus();
  }

  /// `Offsets` begin with 0 and end with the number of elements.
  absl::Status consecutive(std::span<const int32_t> Offsets) const {
    for (size_t Part = 1; Part < Offsets.size(); ++Part)
      for (int64_t I = Offsets[Part - 1] + int64_t(1); I < Offsets[Part]; ++I)
        if (int64_t Expected = Elements[I - 1] + int64_t(1);
            Elements[I] != Expected)
          return fail(I, Expected, ", one more than the element before it");
    return absl::OkStatus();
  }

private:
  /// "3", or "[1, 2]" where there are more axes.
  std::string indexOf(size_t Index) const {
    if (Given.Shape.size() == 1)
      return concat(Index);
    std::vector<int64_t> Position(Given.Shape.size());
    for (size_t Axis = Position.size(); Axis-- > 0;) {
      Position[Axis] = Index % Given.Shape[Axis];
      Index /= Given.Shape[Axis];
    }
    return formatShape(Position);
  }

  template <typename... Parts>
  absl::Status fail(size_t Index, const Parts &...Expected) const {
    return makeError("input '", view(Input.name()), "' of function '",
                     view(Function.name()), "': element ", indexOf(Index),
                     " is ", Elements[Index], ", expected ", Expected...);
  }

  const plan::Function &Function;
  const plan::Tensor &Input;
  const HostTensor &Given;
  std::span<const int32_t> Elements;
};
} // namespace

absl::Status ElementChecker::check(const plan::Function &Function,
                                   std::span<const HostTensor> Inputs,
                                   std::span<const int64_t> Symbols) {
  for (uint32_t I = 0; I < length(Function.checks()); ++I) {
    const plan::Check &Check = *Function.checks()->Get(I);
    InputChecker Input(Function, *Function.inputs()->Get(Check.input()),
                       Inputs[Check.input()]);
    absl::Status Status;
    switch (Check.kind()) {
    case plan::CheckKind::Below:
      Status = Input.below(Check.limit());
      break;
    case plan::CheckKind::RowOrNone:
      Status = Input.rowOrNone(evaluate(*Check.total(), Symbols));
      break;
    case plan::CheckKind::Unique:
      Status = Input.unique(Row);
      break;
    case plan::CheckKind::Offsets:
      Status = Input.offsets(evaluate(*Check.total(), Symbols));
      break;
    case plan::CheckKind::Consecutive:
      Status = Input.consecutive(elementsOf(Inputs[Check.offsets()]));
      break;
    }
    M1_RETURN_IF_ERROR(Status);
  }
  return absl::OkStatus();
}

absl::Status m1::notFinite(std::string_view What, int64_t Token,
                           std::string_view Where) {
  return absl::DataLossError(
      concat(What, " of token ", Token, Where,
             " is not a number or is infinite; the weights are damaged or do "
             "not suit the model"));
}

absl::Status m1::checkDrawn(const plan::Function &Function,
                            std::span<const HostTensor> Outputs) {
  for (uint32_t I = 0; I < length(Function.drawn()); ++I) {
    const HostTensor &Drawn = Outputs[Function.drawn()->Get(I)];
    if (!Drawn.Data)
      continue; // no elements: see checkOutputs
    for (int32_t Token : elementsOf(Drawn))
      if (Token < 0)
        return notFinite("sample: the logit", -1 - Token);
  }
  return absl::OkStatus();
}
