//===- ParameterReader.cpp - values of parameters -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/ParameterReader.h"

#include "dialects/M1/Reference/Operations.h"
#include "dialects/Support/ElementTypes.h"
#include "runtime/support/Error.h"
#include "runtime/weights/Random.h"
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace m1::reference;
using m1::ElementType;

/// Bytes of parameters that are kept as doubles.
static constexpr int64_t CacheLimit = int64_t(1) << 30;

template <typename Stored> static Stored loadAs(const std::byte *From) {
  Stored Value; // tensors need not be aligned in their file
  std::memcpy(&Value, From, sizeof(Value));
  return Value;
}

static double toDouble(ElementType Ty, const std::byte *From) {
  switch (Ty) {
  case ElementType::F32:
    return loadAs<float>(From);
  case ElementType::BF16:
    return m1::floatFromBF16(loadAs<uint16_t>(From));
  case ElementType::F16:
    return m1::floatFromF16(loadAs<uint16_t>(From));
  default:
    return loadAs<double>(From);
  }
}

static int64_t product(ArrayRef<int64_t> Extents) {
  return std::accumulate(Extents.begin(), Extents.end(), int64_t(1),
                         std::multiplies<>());
}

//===----------------------------------------------------------------------===//
// Sources of tensors
//===----------------------------------------------------------------------===//

using Bytes = std::span<const std::byte>;

TensorSource::~TensorSource() = default;

namespace {

class CheckpointTensors : public TensorSource {
public:
  explicit CheckpointTensors(std::unique_ptr<m1::Checkpoint> Weights)
      : Weights(std::move(Weights)) {}

  absl::StatusOr<Bytes> read(std::string_view Name, ElementType Type,
                             std::span<const int64_t> Shape) override {
    const m1::TensorInfo *Info = Weights->find(Name);
    if (!Info)
      return m1::makeError("expected the checkpoint to hold \"", Name, "\"");
    if (Info->Type != Type || !std::ranges::equal(Info->Shape, Shape))
      return m1::makeError(
          "expected \"", Name, "\" of ", m1::name(Type), " ",
          m1::formatShape(Shape), " in ", Weights->fileOf(*Info), ", found ",
          m1::name(Info->Type), " ", m1::formatShape(Info->Shape));
    return Weights->data(*Info);
  }

private:
  std::unique_ptr<m1::Checkpoint> Weights;
};

class RandomTensors : public TensorSource {
public:
  explicit RandomTensors(uint64_t Seed) : Seed(Seed) {}

  absl::StatusOr<Bytes> read(std::string_view Name, ElementType Type,
                             std::span<const int64_t> Shape) override {
    Last.resize(product(ArrayRef(Shape.data(), Shape.size())) *
                m1::byteSize(Type));
    m1::fillRandom(Seed, Name, Type, Shape, Last.data());
    return Last;
  }

private:
  uint64_t Seed;
  std::vector<std::byte> Last;
};

class NoTensors : public TensorSource {
public:
  absl::StatusOr<Bytes> read(std::string_view, ElementType,
                             std::span<const int64_t>) override {
    return m1::makeError("needs a checkpoint, found none");
  }
};

} // namespace

std::unique_ptr<TensorSource>
m1::reference::checkpointTensors(std::unique_ptr<Checkpoint> Weights) {
  return std::make_unique<CheckpointTensors>(std::move(Weights));
}

std::unique_ptr<TensorSource> m1::reference::randomTensors(uint64_t Seed) {
  return std::make_unique<RandomTensors>(Seed);
}

std::unique_ptr<TensorSource> m1::reference::noTensors() {
  return std::make_unique<NoTensors>();
}

//===----------------------------------------------------------------------===//
// ParameterReader
//===----------------------------------------------------------------------===//

LogicalResult ParameterReader::read(m1::ParameterOp Parameter,
                                    m1::SourceAttr Source,
                                    ArrayRef<int64_t> Shape, double *To) {
  auto Ty = cast<RankedTensorType>(Parameter.getType());
  ElementType Element = *m1::elementTypeOf(
      Source.getStored() ? Source.getStored() : Ty.getElementType());
  SmallVector<int64_t> Whole(Shape);
  if (Source.getAxis() >= 0)
    Whole[Source.getAxis()] = Source.getExtent();
  absl::StatusOr<Bytes> Stored =
      Tensors->read(Source.getTensor().getValue(), Element, Whole);
  if (!Stored.ok())
    return Parameter.emitOpError() << std::string(Stored.status().message());

  // A whole tensor is read as one row.
  int64_t Rows = 1, Begin = 0, Extent = product(Shape), Length = Extent;
  if (Source.getAxis() >= 0) {
    int64_t Inner = product(Shape.drop_front(Source.getAxis() + 1));
    Rows = product(Shape.take_front(Source.getAxis()));
    Begin = Source.getBegin() * Inner;
    Length = (Source.getEnd() - Source.getBegin()) * Inner;
    Extent = Source.getExtent() * Inner;
  }
  int64_t Size = m1::byteSize(Element);
  for (int64_t Row = 0; Row < Rows; ++Row)
    for (int64_t I = 0; I < Length; ++I)
      *To++ =
          toDouble(Element, Stored->data() + (Row * Extent + Begin + I) * Size);
  return success();
}

FailureOr<std::shared_ptr<const Tensor>>
ParameterReader::load(m1::ParameterOp Parameter, int64_t Rank) {
  if (auto Found = Replaced.find(Parameter.getSymName());
      Found != Replaced.end())
    return Found->second;
  FailureOr<std::shared_ptr<const Tensor>> Value = loadStored(Parameter);
  if (failed(Value) || !Parameter.getSlicesAttr())
    return Value;
  for (auto Slice : Parameter.getSlicesAttr().getAsRange<m1::SliceAttr>()) {
    const int64_t Coordinate =
        m1::meshOf(Parameter).getCoordinate(Rank, Slice.getAxis());
    Value = std::make_shared<const Tensor>(slice(**Value, Slice.getDimension(),
                                                 Slice.getBegin(Coordinate),
                                                 Slice.getStep()));
  }
  return Value;
}

FailureOr<std::shared_ptr<const Tensor>>
ParameterReader::loadStored(m1::ParameterOp Parameter) {
  if (auto Found = Cache.find(Parameter.getSymName()); Found != Cache.end())
    return Found->second;
  const RankedTensorType Ty = Parameter.getWholeType();
  auto Sources = Parameter.getSources().getAsRange<m1::SourceAttr>();
  ArrayRef<int64_t> Shape = Ty.getShape();
  if (Parameter.isStacked())
    Shape = Shape.drop_front();
  Tensor Result = Tensor::reals(std::vector<int64_t>(Ty.getShape()));
  double *To = Result.Reals.data();
  for (m1::SourceAttr Source : Sources) {
    if (failed(read(Parameter, Source, Shape, To)))
      return failure();
    To += product(Shape);
  }
  auto Shared = std::make_shared<const Tensor>(std::move(Result));
  const int64_t Size = Shared->size() * sizeof(double);
  if (CachedBytes + Size <= CacheLimit) {
    CachedBytes += Size;
    Cache[Parameter.getSymName()] = Shared;
  }
  return Shared;
}

void ParameterReader::replace(m1::ParameterOp Parameter,
                              std::shared_ptr<const Tensor> Now) {
  Replaced[Parameter.getSymName()] = std::move(Now);
}
