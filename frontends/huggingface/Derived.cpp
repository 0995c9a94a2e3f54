//===- Derived.cpp - tensors that follow from the configuration -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Derived.h"

#include "frontends/huggingface/Names.h"
#include "runtime/support/Error.h"
#include "runtime/weights/Checkpoint.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstring>

using namespace m1::huggingface;
using llvm::ArrayRef;
using llvm::StringRef;
using m1::ElementType;

namespace {

constexpr char InvFreq[] = ".rotary_emb.inv_freq";
constexpr char SlopeRate[] = ".self_attn.slope_rate";

/// The largest difference, relative to the value, that rounding to the type and
/// the arithmetic of another program explain. (0: the type is not compared.)
double relativeTolerance(ElementType Type) {
  switch (Type) {
  case ElementType::F64:
  case ElementType::F32:
    return 1e-4;
  case ElementType::F16:
    return 1.0 / (1 << 10);
  case ElementType::BF16:
    return 1.0 / (1 << 7);
  default:
    return 0;
  }
}

/// The same for values near 0: a float32 sum of terms near 1 is off by this
/// much. As a decay exponent, it has no effect within 100,000 tokens.
constexpr double AbsoluteTolerance = 1e-6;

template <typename T> T load(const std::byte *From) {
  T Value;
  std::memcpy(&Value, From, sizeof(T));
  return Value;
}

double element(const std::byte *Data, ElementType Type, size_t Index) {
  const std::byte *At = Data + Index * m1::byteSize(Type);
  switch (Type) {
  case ElementType::F64:
    return load<double>(At);
  case ElementType::F32:
    return load<float>(At);
  case ElementType::F16:
    return m1::floatFromF16(load<uint16_t>(At));
  default:
    return m1::floatFromBF16(load<uint16_t>(At));
  }
}

/// Compares stored with computed values; "" or what differs, "is FOUND in
/// position I, EXPECTED by config.json".
std::string findDifference(ElementType Type, const std::byte *Data,
                           size_t Count, ArrayRef<double> Expected) {
  std::string Text;
  llvm::raw_string_ostream Stream(Text);
  if (Count != Expected.size()) {
    Stream << "has " << Count << " elements, " << Expected.size()
           << " by config.json";
    return Text;
  }
  double Tolerance = relativeTolerance(Type);
  for (size_t I = 0; I < Count; ++I) {
    double Found = element(Data, Type, I);
    double Difference = std::fabs(Found - Expected[I]);
    // Not >, so that a NaN differs.
    if (Difference <= Tolerance * std::fabs(Expected[I]) + AbsoluteTolerance)
      continue;
    Stream << llvm::format("is %.4g at index %zu, %.4g by config.json", Found,
                           I, Expected[I]);
    return Text;
  }
  return "";
}

/// The frequencies that rotate: theta^(-2i/n).
std::vector<double> rotaryFrequencies(const Config &C) {
  std::vector<double> Frequencies;
  for (int64_t I = 0; I < C.RotaryDim / 2; ++I)
    Frequencies.push_back(std::pow(C.RotaryTheta, -2.0 * I / C.RotaryDim));
  return Frequencies;
}

/// What config.json gives for the tensor, if it is one that is compared.
std::vector<double> expectedValues(const Config &C, StringRef Tensor) {
  if (Tensor.ends_with(InvFreq))
    return rotaryFrequencies(C);
  std::optional<int64_t> Layer = layerOf(Tensor);
  if (!Tensor.ends_with(SlopeRate) || !Layer || *Layer < 0 ||
      *Layer >= C.layers())
    return {};
  return C.slopes(*Layer);
}

} // namespace

std::vector<std::string> m1::huggingface::derivedEndings(const Config &C) {
  std::vector<std::string> Endings = {InvFreq};
  // The transformers package saves the decay factors, rounded to the type of
  // the weights. They are computed from the configuration instead, exactly.
  if (!C.hasPublishedNames()) {
    Endings.push_back(SlopeRate);
    for (StringRef Buffer : {"query_decay", "key_decay", "diagonal_decay"})
      Endings.push_back((".self_attn." + Buffer).str());
  }
  return Endings;
}

bool m1::huggingface::isDerived(const Config &C, StringRef Tensor) {
  return llvm::any_of(derivedEndings(C), [&](const std::string &Ending) {
    return Tensor.ends_with(Ending);
  });
}

llvm::Error m1::huggingface::checkDerived(Config &C, Checkpoint &Weights) {
  std::string First, Used;
  size_t Others = 0;
  for (const auto &[Name, Tensor] : Weights.tensors()) {
    if (!isDerived(C, Name) || relativeTolerance(Tensor.Type) == 0)
      continue;
    std::vector<double> Expected = expectedValues(C, Name);
    if (Expected.empty())
      continue;
    auto Data = Weights.data(Tensor);
    if (!Data.ok())
      return llvm::createStringError(std::string(Data.status().message()));
    std::string Difference =
        findDifference(Tensor.Type, Data->data(),
                       Tensor.Bytes / m1::byteSize(Tensor.Type), Expected);
    if (Difference.empty())
      continue;
    if (!First.empty()) {
      ++Others;
      continue;
    }
    First = Weights.fileOf(Tensor) + ": " + Name + " " + Difference;
    Used = ": m1c uses config.json";
    if (StringRef(Name).ends_with(SlopeRate))
      Used += ", transformers the stored tensor";
  }
  if (First.empty())
    return llvm::Error::success();
  if (Others > 0)
    First += ", and " + std::to_string(Others) + " more tensors differ";
  C.Warnings.push_back(m1::printable(First + Used));
  return llvm::Error::success();
}
