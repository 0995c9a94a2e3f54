//===- CheckpointParameters.cpp - parameters from safetensors -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/CheckpointParameters.h"

#include "dialects/Support/ElementTypes.h"

#include <cstring>
#include <numeric>

using namespace mlir;
using namespace m1::reference;
using m1::ElementType;

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

LogicalResult CheckpointParameters::read(m1::ParameterOp Parameter,
                                         m1::SourceAttr Source,
                                         ArrayRef<int64_t> Shape, double *To) {
  const TensorInfo *Info = Weights->find(Source.getTensor().getValue());
  if (!Info)
    return Parameter.emitOpError()
           << "expected the checkpoint to hold " << Source.getTensor();
  auto Ty = cast<RankedTensorType>(Parameter.getType());
  ElementType Element = *m1::elementTypeOf(
      Source.getStored() ? Source.getStored() : Ty.getElementType());
  SmallVector<int64_t> Whole(Shape);
  if (Source.getAxis() >= 0)
    Whole[Source.getAxis()] = Source.getExtent();
  if (Info->Type != Element ||
      ArrayRef<int64_t>(Info->Shape) != ArrayRef(Whole))
    return Parameter.emitOpError()
           << "expected " << Source.getTensor() << " of "
           << StringRef(m1::name(Element)) << " " << m1::formatShape(Whole)
           << " in " << Weights->fileOf(*Info) << ", found "
           << StringRef(m1::name(Info->Type)) << " "
           << m1::formatShape(Info->Shape);
  absl::StatusOr<std::span<const std::byte>> Bytes = Weights->data(*Info);
  if (!Bytes.ok())
    return Parameter.emitOpError() << std::string(Bytes.status().message());

  // A whole tensor is a range of all of axis 0 of one row.
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
          toDouble(Element, Bytes->data() + (Row * Extent + Begin + I) * Size);
  return success();
}

FailureOr<std::shared_ptr<const Tensor>>
CheckpointParameters::load(m1::ParameterOp Parameter) {
  if (auto Found = Cache.find(Parameter.getSymName()); Found != Cache.end())
    return Found->second;
  if (!Weights)
    return Parameter.emitOpError("needs a checkpoint, found none");
  auto Ty = cast<RankedTensorType>(Parameter.getType());
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
  int64_t Bytes = Shared->size() * sizeof(double);
  if (CachedBytes + Bytes <= CacheLimit) {
    CachedBytes += Bytes;
    Cache[Parameter.getSymName()] = Shared;
  }
  return Shared;
}
