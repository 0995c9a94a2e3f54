//===- SafetensorsWriter.cpp - writes a safetensors file ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/SafetensorsWriter.h"

#include "runtime/weights/Safetensors.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <tuple>

using namespace m1;
using nlohmann::json;

namespace {
/// The order of element types in a file: that of the safetensors library, from
/// its last to its first.
int rank(ElementType Type) {
  constexpr ElementType Order[] = {
      ElementType::U64,  ElementType::I64,    ElementType::F64,
      ElementType::F32,  ElementType::U32,    ElementType::I32,
      ElementType::BF16, ElementType::F16,    ElementType::U16,
      ElementType::I16,  ElementType::F8E4M3, ElementType::F8E5M2,
      ElementType::I8,   ElementType::U8,     ElementType::Bool};
  return static_cast<int>(std::find(std::begin(Order), std::end(Order), Type) -
                          std::begin(Order));
}

/// "name", as JSON.
std::string quote(std::string_view Text) {
  return json(Text).dump(-1, ' ', false, json::error_handler_t::replace);
}
} // namespace

absl::StatusOr<std::unique_ptr<SafetensorsWriter>>
SafetensorsWriter::create(const std::string &Path,
                          std::vector<TensorSpec> Tensors) {
  std::unique_ptr<SafetensorsWriter> Result(new SafetensorsWriter);
  std::sort(Tensors.begin(), Tensors.end(),
            [](const TensorSpec &A, const TensorSpec &B) {
              return std::make_tuple(rank(A.Type), std::string_view(A.Name)) <
                     std::make_tuple(rank(B.Type), std::string_view(B.Name));
            });
  std::vector<std::string_view> Names;
  std::string Header = "{\"__metadata__\":{\"format\":\"pt\"}";
  uint64_t Offset = 0;
  for (const TensorSpec &Tensor : Tensors) {
    if (Tensor.Name.size() > MaxNameBytes)
      return makeError("cannot write ", Path, ": the name of tensor '",
                       Tensor.Name.substr(0, 40), "...' has ",
                       Tensor.Name.size(), " bytes, expected at most ",
                       MaxNameBytes);
    Names.push_back(Tensor.Name);
    const std::optional<int64_t> Count = elementCount(Tensor.Shape);
    int64_t Bytes = 0;
    if (!Count || __builtin_mul_overflow(*Count, byteSize(Tensor.Type), &Bytes))
      return makeError("cannot write ", Path, ": tensor '", Tensor.Name,
                       "': shape ", formatShape(Tensor.Shape), " is too large");
    Header +=
        concat(",", quote(Tensor.Name), ":{\"dtype\":\"", name(Tensor.Type),
               "\",\"shape\":", json(Tensor.Shape).dump(),
               ",\"data_offsets\":[", Offset, ",", Offset + Bytes, "]}");
    Offset += Bytes;
    Result->Bytes.push_back(Bytes);
  }
  Header += '}';
  Header.append((8 - Header.size() % 8) % 8, ' ');
  std::sort(Names.begin(), Names.end());
  if (auto Twice = std::adjacent_find(Names.begin(), Names.end());
      Twice != Names.end())
    return makeError("cannot write ", Path, ": duplicate tensor '", *Twice,
                     "'");
  if (Header.size() > MaxSafetensorsHeaderBytes)
    return makeError("cannot write ", Path, ": ", Tensors.size(),
                     " tensors take a header of ", Header.size(),
                     " bytes, expected at most ", MaxSafetensorsHeaderBytes);
  M1_ASSIGN_OR_RETURN(Result->File, OutputFile::create(Path));
  Result->Path = Path;
  Result->Tensors = std::move(Tensors);
  char Prefix[8];
  for (int I = 0; I < 8; ++I)
    Prefix[I] = static_cast<char>(Header.size() >> (8 * I));
  M1_RETURN_IF_ERROR(Result->File->write(Prefix, sizeof Prefix));
  M1_RETURN_IF_ERROR(Result->File->write(Header.data(), Header.size()));
  Result->finishTensors(); // without elements
  return Result;
}

void SafetensorsWriter::finishTensors() {
  while (Digests.size() < Tensors.size() && Written == Bytes[Digests.size()]) {
    Digests.push_back(Hasher.finish());
    Written = 0;
  }
}

absl::Status SafetensorsWriter::write(std::span<const std::byte> Data) {
  M1_RETURN_IF_ERROR(File->write(Data.data(), Data.size()));
  while (!Data.empty()) {
    if (Digests.size() == Tensors.size())
      return makeError("cannot write ", Path, ": ", Data.size(),
                       " bytes more than its tensors have");
    const uint64_t Count =
        std::min<uint64_t>(Data.size(), Bytes[Digests.size()] - Written);
    Hasher.add(Data.first(Count));
    Written += Count;
    Data = Data.subspan(Count);
    finishTensors();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<OutputFile>> SafetensorsWriter::finish() {
  if (Digests.size() < Tensors.size())
    return makeError("cannot write ", Path, ": tensor '",
                     Tensors[Digests.size()].Name, "' is incomplete: ", Written,
                     " of ", Bytes[Digests.size()], " bytes");
  M1_RETURN_IF_ERROR(File->close());
  return std::move(File);
}
