//===- VerifyMesh.cpp - verifies what each rank holds ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Mesh.h"
#include "runtime/plan/Verifier.h"

#include <map>

using namespace m1;

namespace {
class MeshVerifier : Verifier {
public:
  MeshVerifier(const plan::Plan &Plan, const std::string &Name)
      : Verifier(Plan, Name) {}

  absl::Status run() {
    M1_RETURN_IF_ERROR(mesh());
    for (uint32_t I = 0; I < length(P.parameters()); ++I)
      M1_RETURN_IF_ERROR(parameter(*P.parameters()->Get(I)));
    return absl::OkStatus();
  }

private:
  /// More than any machine that a plan could be for; what a rank does for each
  /// other one stays small.
  static constexpr int64_t MaxRanks = 4096;

  absl::Status mesh() {
    std::set<std::string_view> Names;
    std::set<uint32_t> Symbols;
    int64_t Ranks = 1;
    for (uint32_t I = 0; I < length(P.mesh()); ++I) {
      const plan::MeshAxis &Axis = *P.mesh()->Get(I);
      std::string_view Name = view(Axis.name());
      M1_RETURN_IF_ERROR(text("name", Name));
      if (Name.empty() || !Names.insert(Name).second)
        return fail("axis ", I, " has the name '", Name,
                    "', expected one of its own");
      if (Axis.extent() < 2 || Axis.extent() > MaxRanks / Ranks)
        return fail("axis '", Name, "' has the extent ", Axis.extent(),
                    ", expected 2 or more and at most ", MaxRanks,
                    " ranks in all");
      Ranks *= Axis.extent();
      if (Axis.symbol() >= length(P.symbols()))
        return fail("axis '", Name, "' has symbol ", Axis.symbol(), " of ",
                    length(P.symbols()));
      const plan::Symbol &Symbol = *P.symbols()->Get(Axis.symbol());
      if (!Symbols.insert(Axis.symbol()).second)
        return fail("symbol '", view(Symbol.name()), "' is of two axes");
      if (Symbol.max() != Axis.extent() - 1)
        return fail("symbol '", view(Symbol.name()), "' of axis '", Name,
                    "' has the bound ", Symbol.max(), ", expected ",
                    Axis.extent() - 1);
    }
    return absl::OkStatus();
  }

  absl::Status parameter(const plan::Parameter &Parameter) {
    std::string_view Name = view(Parameter.name());
    std::set<uint32_t> Axes; // that the rank's part depends on
    M1_RETURN_IF_ERROR(names(Parameter, Axes));
    std::string Key(Name);
    for (uint32_t I = 0; I < length(Parameter.slices()); ++I) {
      M1_RETURN_IF_ERROR(slice(Parameter, I, Axes));
      const plan::ParameterSlice &Slice = *Parameter.slices()->Get(I);
      Key +=
          concat(" ", Slice.dimension(), " ", Slice.axis(), " ", Slice.step(),
                 " ", Slice.replicas(), " ", Slice.begin(), " ", Slice.end());
    }
    if (!Parts.insert(Key).second)
      return fail("two parameters are the same slices of '", Name, "'");
    const std::optional<int64_t> Count = elementCount(localShape(Parameter));
    if (!Count || static_cast<uint64_t>(*Count) > MaxBytes / 8)
      return fail("parameter '", Name, "' has the shape ",
                  formatShape(localShape(Parameter)), " on each rank");
    LocalBytes += localBytes(Parameter);
    if (LocalBytes > MaxBytes)
      return fail("parameter '", Name, "' has ", localBytes(Parameter),
                  " bytes on each rank, and with those before it ", LocalBytes,
                  ", expected at most ", MaxBytes, " for all");
    return absl::OkStatus();
  }

  /// All parameters that are parts of one tensor agree about it, and no tensor
  /// is a rank's own in one parameter and another's in a second.
  absl::Status names(const plan::Parameter &Parameter,
                     std::set<uint32_t> &Axes) {
    std::string_view Name = view(Parameter.name());
    const int32_t Axis = Parameter.names_axis();
    if (Axis < 0 && length(Parameter.names()))
      return fail("parameter '", Name, "' has ", length(Parameter.names()),
                  " names and no axis for them");
    if (Axis < 0)
      return sameTensor(Parameter, Name);
    if (static_cast<uint32_t>(Axis) >= length(P.mesh()))
      return fail("parameter '", Name, "' has names for axis ", Axis, " of ",
                  length(P.mesh()));
    Axes.insert(static_cast<uint32_t>(Axis));
    const int64_t Extent = P.mesh()->Get(Axis)->extent();
    if (length(Parameter.names()) != Extent)
      return fail("parameter '", Name, "' has ", length(Parameter.names()),
                  " names, expected one for each of the ", Extent,
                  " coordinates on axis '", view(P.mesh()->Get(Axis)->name()),
                  "'");
    if (view(Parameter.names()->Get(0)) != Name)
      return fail("parameter '", Name, "' has the first name '",
                  view(Parameter.names()->Get(0)), "'");
    std::set<std::string_view> Own;
    for (const flatbuffers::String *Each : *Parameter.names()) {
      M1_RETURN_IF_ERROR(uniqueName(view(Each), "name", Own));
      M1_RETURN_IF_ERROR(sameTensor(Parameter, view(Each)));
    }
    return absl::OkStatus();
  }

  absl::Status sameTensor(const plan::Parameter &Parameter,
                          std::string_view Name) {
    const plan::Parameter *First =
        Tensors.emplace(Name, &Parameter).first->second;
    if (First->dtype() == Parameter.dtype() &&
        shapeOf(*First) == shapeOf(Parameter) &&
        (First == &Parameter || length(First->slices()) ||
         length(Parameter.slices())))
      return absl::OkStatus();
    return fail("tensor '", Name, "' is also that of parameter '",
                view(First->name()),
                "', which has another shape or dtype or no slices");
  }

  /// Slice `Number`; those before it are valid. `Axes` are those that they and
  /// the names depend on: with two entries on one axis, a rank would have the
  /// diagonal only.
  absl::Status slice(const plan::Parameter &Parameter, uint32_t Number,
                     std::set<uint32_t> &Axes) {
    const plan::ParameterSlice &Slice = *Parameter.slices()->Get(Number);
    std::string_view Name = view(Parameter.name());
    const std::vector<int64_t> Shape = shapeOf(Parameter);
    if (Slice.dimension() >= Shape.size() ||
        (Number > 0 &&
         Slice.dimension() <= Parameter.slices()->Get(Number - 1)->dimension()))
      return fail("parameter '", Name, "' of ", Shape.size(),
                  " dimensions has a slice of dimension ", Slice.dimension(),
                  ", expected ascending dimensions of the tensor");
    if (Slice.axis() >= length(P.mesh()))
      return fail("parameter '", Name, "' is sliced over axis ", Slice.axis(),
                  " of ", length(P.mesh()));
    const plan::MeshAxis &Axis = *P.mesh()->Get(Slice.axis());
    if (!Axes.insert(Slice.axis()).second)
      return fail("parameter '", Name, "' depends on axis '", view(Axis.name()),
                  "' twice");
    if (Slice.begin() < 0 || Slice.begin() > Slice.end() ||
        Slice.end() > Shape[Slice.dimension()])
      return fail("parameter '", Name, "' has the indices ", Slice.begin(),
                  " to ", Slice.end(), " of dimension ", Slice.dimension(),
                  ", which has ", Shape[Slice.dimension()]);
    if (Slice.replicas() < 1 || Axis.extent() % Slice.replicas() != 0)
      return fail("parameter '", Name, "' has ", Slice.replicas(),
                  " replicas of each slice on the ", Axis.extent(),
                  " ranks of axis '", view(Axis.name()),
                  "', expected a divisor");
    const int64_t Held = Axis.extent() / Slice.replicas();
    const int64_t Extent = Slice.end() - Slice.begin();
    // The product of what follows does not overflow.
    if (Slice.step() < 1 || Slice.step() > static_cast<int64_t>(MaxBytes))
      return fail("parameter '", Name, "' has slices of ", Slice.step(),
                  " indices");
    if (Held * Slice.step() < Extent)
      return fail("parameter '", Name, "': the ranks of axis '",
                  view(Axis.name()), "' have ", Held, " slices of ",
                  Slice.step(), " indices of dimension ", Slice.dimension(),
                  ", which do not cover ", Extent);
    return absl::OkStatus();
  }

  std::map<std::string_view, const plan::Parameter *> Tensors;
  std::set<std::string> Parts;
  uint64_t LocalBytes = 0;
};
} // namespace

absl::Status m1::verifyMesh(const plan::Plan &Plan, const std::string &Name) {
  return MeshVerifier(Plan, Name).run();
}
