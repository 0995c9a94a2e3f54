//===- Verifier.h - what verifiers of plans share ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_PLAN_VERIFIER_H
#define M1C_RUNTIME_PLAN_VERIFIER_H

#include "runtime/plan/Plan.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>

namespace m1 {

/// The errors, and the checks of names, vectors and types, that are the same
/// for all parts of a plan.
class Verifier {
protected:
  /// Upper bound of any object's size, of all arenas and parameters together,
  /// and of a function's tensors together: a process's address space has 2^47
  /// bytes, and sums of a few such sizes do not overflow.
  static constexpr uint64_t MaxBytes = uint64_t(1) << 46;
  /// Dimensions of a tensor: results become .npy files, and NumPy's arrays have
  /// at most 32.
  static constexpr uint32_t MaxRank = 32;
  /// Bytes of a name or a location: as long as a path may be (PATH_MAX). Errors
  /// show them.
  static constexpr size_t MaxNameBytes = 4096;

  Verifier(const plan::Plan &Plan, const std::string &Name)
      : P(Plan), Where(Name) {}

  template <typename... Parts> absl::Status fail(const Parts &...Message) {
    return makeError(Where, ": invalid plan: ", Context, Message...);
  }

  absl::Status text(const char *What, std::string_view Text) {
    if (Text.size() > MaxNameBytes)
      return fail("a ", What, " of ", Text.size(), " bytes, expected at most ",
                  MaxNameBytes);
    return absl::OkStatus();
  }

  absl::Status uniqueName(std::string_view Name, const char *What,
                          std::set<std::string_view> &Names) {
    if (Name.empty())
      return fail(What, " without a name");
    M1_RETURN_IF_ERROR(text("name", Name));
    if (!Names.insert(Name).second)
      return fail("two ", What, "s are named '", Name, "'");
    return absl::OkStatus();
  }

  template <typename E> static bool inEnum(E Value, E Min, E Max) {
    return Value >= Min && Value <= Max;
  }

  absl::Status dtype(plan::DType Type, std::string_view Of) {
    if (!inEnum(Type, plan::DType::MIN, plan::DType::MAX))
      return fail("'", Of, "' has the unknown dtype ", static_cast<int>(Type));
    return absl::OkStatus();
  }

  /// Whether the elements of a vector are aligned for their type; `Alignment`
  /// if the schema asks for more. The FlatBuffers verifier looks only at the
  /// alignment of the vector's length, which is enough for elements of at most
  /// 4 bytes. Null is aligned.
  template <typename T>
  static bool
  isAligned(const flatbuffers::Vector<T> *Vector,
            uintptr_t Alignment = alignof(std::remove_pointer_t<T>)) {
    return !Vector ||
           reinterpret_cast<uintptr_t>(Vector->data()) % Alignment == 0;
  }

  /// Checks a shape before it is read.
  template <typename T>
  absl::Status shape(const flatbuffers::Vector<T> *Shape, std::string_view Of) {
    if (!isAligned(Shape))
      return fail("the shape of '", Of, "' is not aligned to ",
                  alignof(std::remove_pointer_t<T>), " bytes");
    if (length(Shape) > MaxRank)
      return fail("'", Of, "' has ", length(Shape),
                  " dimensions, expected at most ", MaxRank);
    return absl::OkStatus();
  }

  static bool isForGpu(const plan::Image &Image) {
    return view(Image.format()) == "ptx";
  }

  /// Equal for expressions that are always equal.
  using Form = std::tuple<int32_t, int64_t, int64_t, int64_t>;
  static Form form(const plan::Expr &E) {
    if (E.symbol() < 0)
      return {-1, 0, E.add(), E.divide()};
    return {E.symbol(), E.multiply(), E.add(), E.divide()};
  }

  const plan::Plan &P;
  const std::string &Where;
  /// The function and the step, for errors.
  std::string Context;
};

/// Verifies symbols, parameters, arenas, images, kernels and the model's
/// numbers.
absl::Status verifyObjects(const plan::Plan &Plan, const std::string &Name);

/// Verifies the mesh and what ranks hold of parameters, in a plan whose other
/// objects are valid.
absl::Status verifyMesh(const plan::Plan &Plan, const std::string &Name);

/// Verifies the functions of a plan whose objects are valid.
absl::Status verifyFunctions(const plan::Plan &Plan, const std::string &Name);

} // namespace m1

#endif // M1C_RUNTIME_PLAN_VERIFIER_H
