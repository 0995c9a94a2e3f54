//===- Plan.h - a loaded and verified plan ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_PLAN_PLAN_H
#define M1C_RUNTIME_PLAN_PLAN_H

#include "runtime/schema/ElementTypes.h"
#include "runtime/support/Error.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// A plan whose indices, offsets and sizes are all verified (verifyPlan), so
/// that the code that executes it need not check them.
class LoadedPlan {
public:
  static absl::StatusOr<std::unique_ptr<LoadedPlan>>
  load(const std::string &Path);
  /// The same from memory; `Name` takes the path's role in errors.
  static absl::StatusOr<std::unique_ptr<LoadedPlan>>
  fromBytes(std::vector<uint8_t> Bytes, const std::string &Name);
  ~LoadedPlan();

  const plan::Plan &operator*() const { return *Root; }
  const plan::Plan *operator->() const { return Root; }
  /// The path, for errors.
  const std::string &name() const { return Name; }
  uint64_t fileBytes() const { return Bytes.size(); }
  /// Null if there is no function of that name.
  const plan::Function *function(std::string_view Name) const;

private:
  LoadedPlan() = default;
  absl::Status open();

  std::string Name;
  std::string File;
  std::vector<uint8_t> Memory;
  std::span<const uint8_t> Bytes;
  const plan::Plan *Root = nullptr;
};

/// Verifies what the FlatBuffers verifier does not: enumerators, indices, that
/// expressions do not overflow up to the symbols' bounds, that arguments stay
/// inside the objects that they refer to, and which function may write what.
/// Errors begin with `Name` and give the function and the step.
absl::Status verifyPlan(const plan::Plan &Plan, const std::string &Name);

/// ceil((symbol * multiply + add) / divide) for values within the symbols'
/// bounds.
inline int64_t evaluate(const plan::Expr &E, std::span<const int64_t> Symbols) {
  int64_t Numerator =
      (E.symbol() < 0 ? 0 : Symbols[E.symbol()] * E.multiply()) + E.add();
  int64_t Quotient = Numerator / E.divide();
  return Quotient + (Numerator % E.divide() > 0);
}

inline std::vector<int64_t> shapeOf(const plan::Parameter &Parameter) {
  if (!Parameter.shape())
    return {};
  return {Parameter.shape()->begin(), Parameter.shape()->end()};
}
/// The number of elements; none if it overflows.
inline std::optional<int64_t> elementCount(const plan::Parameter &Parameter) {
  return elementCount(shapeOf(Parameter));
}
/// The size of the whole tensor; Mesh.h has that of a rank's slice. The plan is
/// verified.
inline uint64_t bytesOf(const plan::Parameter &Parameter) {
  return *elementCount(Parameter) * byteSize(elementType(Parameter.dtype()));
}
/// The length of a vector field, 0 if it is absent.
template <typename T> uint32_t length(const flatbuffers::Vector<T> *Vector) {
  return Vector ? Vector->size() : 0;
}
/// Calls `Visit` with each argument of a verified plan's step.
template <typename Callable>
void forEachArgument(const plan::Step &Step, Callable Visit) {
  if (const plan::Launch *Launch = Step.instruction_as_Launch()) {
    for (uint32_t I = 0; I < length(Launch->args()); ++I)
      Visit(*Launch->args()->Get(I));
  } else if (const plan::Copy *Copy = Step.instruction_as_Copy()) {
    Visit(*Copy->destination());
    Visit(*Copy->source());
  } else if (const plan::Collective *Each = Step.instruction_as_Collective()) {
    Visit(*Each->destination());
    Visit(*Each->source());
  }
}
inline std::string_view view(const flatbuffers::String *String) {
  return String ? std::string_view(String->c_str(), String->size())
                : std::string_view();
}

} // namespace m1

#endif // M1C_RUNTIME_PLAN_PLAN_H
