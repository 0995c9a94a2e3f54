//===- Safetensors.cpp - metadata of one safetensors file -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/Safetensors.h"

#include "runtime/support/File.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <new>
#include <optional>
#include <tuple>
#include <utility>

using namespace m1;
using json = nlohmann::json;

namespace {
/// Extents of a shape: as many as a tensor has in PyTorch and numpy.
constexpr size_t MaxRank = 64;

/// Collects the header's tensors. A SAX handler, because a DOM would silently
/// drop the first of two tensors with one name, and takes more memory.
class HeaderReader : public nlohmann::json_sax<json> {
public:
  HeaderReader(const std::string &Path, uint64_t DataOffset, uint64_t DataBytes)
      : Path(Path), DataOffset(DataOffset), DataBytes(DataBytes) {}

  std::vector<TensorInfo> Tensors;
  absl::Status Failure;

  bool null() override {
    // The safetensors library takes it for no metadata.
    return (Depth == 1 && TensorName == MetadataName) || unexpected("null");
  }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override {
    return unexpected("a negative number");
  }
  bool number_unsigned(number_unsigned_t Value) override {
    if (InMetadata || Depth != 3 || !Numbers)
      return unexpected("a number");
    if (Value > static_cast<uint64_t>(INT64_MAX))
      return unexpected("a number above 2^63");
    if (Numbers->size() == (Numbers == &Range ? 2 : MaxRank))
      return fail(tensor(), "more than ", Numbers->size(), " numbers at '", Key,
                  "'");
    Numbers->push_back(static_cast<int64_t>(Value));
    return true;
  }
  bool number_float(number_float_t, const string_t &) override {
    return unexpected("a fractional number");
  }
  bool string(string_t &Value) override {
    if (InMetadata && Depth == 2)
      return true;
    if (Depth != 2 || Key != "dtype")
      return unexpected("a string");
    std::optional<ElementType> Type = elementTypeFromName(Value);
    if (!Type)
      return fail(tensor(), "unknown dtype '", Value.substr(0, 40), "'");
    Current.Type = *Type;
    return true;
  }
  bool binary(binary_t &) override { return unexpected("binary data"); }

  bool start_object(size_t) override {
    ++Depth;
    if (Depth == 1)
      return true;
    if (Depth != 2 || InMetadata)
      return unexpected("an object");
    InMetadata = TensorName == MetadataName;
    Current = TensorInfo{TensorName, ElementType::F32, {}, 0, 0, 0};
    Range.clear();
    HasType = HasShape = HasRange = false;
    return true;
  }
  bool key(string_t &Value) override {
    if (Depth == 1) {
      if (Value.size() > MaxNameBytes)
        return fail("the name of tensor '", Value.substr(0, 40), "...' has ",
                    Value.size(), " bytes, expected at most ", MaxNameBytes);
      TensorName = Value;
      if (TensorName == MetadataName && std::exchange(HasMetadata, true))
        return fail("duplicate key '", MetadataName, "'");
      return true;
    }
    Key = Value;
    if (InMetadata)
      return true;
    bool *Has = Key == "dtype"          ? &HasType
                : Key == "shape"        ? &HasShape
                : Key == "data_offsets" ? &HasRange
                                        : nullptr;
    if (!Has)
      return fail(tensor(), "unknown key '", Key.substr(0, 40), "'");
    if (std::exchange(*Has, true))
      return fail(tensor(), "duplicate key '", Key, "'");
    return true;
  }
  bool end_object() override {
    --Depth;
    if (Depth != 1)
      return true;
    if (InMetadata) {
      InMetadata = false;
      return true;
    }
    return finishTensor();
  }
  bool start_array(size_t) override {
    if (Depth != 2 || InMetadata)
      return unexpected("an array");
    if (Key == "shape")
      Numbers = &Current.Shape;
    else if (Key == "data_offsets")
      Numbers = &Range;
    else
      return unexpected("an array");
    Depth = 3;
    return true;
  }
  bool end_array() override {
    Depth = 2;
    Numbers = nullptr;
    return true;
  }
  bool parse_error(size_t Position, const std::string &,
                   const nlohmann::detail::exception &) override {
    return fail("the header is not valid JSON at byte ", Position + 8);
  }

private:
  template <typename... Parts> bool fail(const Parts &...P) {
    if (Failure.ok())
      Failure = makeError(Path, ": ", P...);
    return false;
  }
  std::string tensor() const { return concat("tensor '", TensorName, "': "); }
  bool unexpected(const char *What) {
    if (Depth <= 1)
      return fail(tensor(), "found ", What, ", expected an object");
    return fail(tensor(), "found ", What, " at '", Key.substr(0, 40), "'");
  }

  bool finishTensor() {
    if (!HasType || !HasShape || !HasRange)
      return fail(tensor(), "no '",
                  !HasType    ? "dtype"
                  : !HasShape ? "shape"
                              : "data_offsets",
                  "'");
    if (Range.size() != 2 || Range[0] > Range[1])
      return fail(tensor(), "data_offsets are not a begin and an end");
    if (static_cast<uint64_t>(Range[1]) > DataBytes)
      return fail(tensor(), "ends at byte ", Range[1], " of ", DataBytes,
                  " bytes of data; the file is truncated or damaged");
    std::optional<int64_t> Count = elementCount(Current.Shape);
    int64_t Bytes = 0;
    if (!Count ||
        __builtin_mul_overflow(*Count, byteSize(Current.Type), &Bytes))
      return fail(tensor(), "shape ", formatShape(Current.Shape),
                  " is too large");
    if (Bytes != Range[1] - Range[0])
      return fail(tensor(), name(Current.Type), " ", formatShape(Current.Shape),
                  " takes ", Bytes, " bytes, but its range has ",
                  Range[1] - Range[0]);
    if (Tensors.size() == MaxTensors)
      return fail("more than ", MaxTensors, " tensors");
    Current.Offset = DataOffset + Range[0];
    Current.Bytes = Bytes;
    Tensors.push_back(std::move(Current));
    return true;
  }

  const std::string &Path;
  uint64_t DataOffset, DataBytes;
  static constexpr std::string_view MetadataName = "__metadata__";
  int Depth = 0;
  bool InMetadata = false, HasMetadata = false;
  bool HasType = false, HasShape = false, HasRange = false;
  std::string TensorName, Key;
  TensorInfo Current;
  std::vector<int64_t> Range;
  std::vector<int64_t> *Numbers = nullptr;
};

/// An error if two tensors have one name.
absl::Status checkNames(const std::string &Path,
                        const std::vector<TensorInfo> &Tensors) {
  std::vector<std::string_view> Names;
  Names.reserve(Tensors.size());
  for (const TensorInfo &Tensor : Tensors)
    Names.push_back(Tensor.Name);
  std::sort(Names.begin(), Names.end());
  auto Twice = std::adjacent_find(Names.begin(), Names.end());
  if (Twice != Names.end())
    return makeError(Path, ": duplicate tensor '", *Twice, "'");
  return absl::OkStatus();
}

/// An error unless the tensors, which are in order of offset, cover the data:
/// the bytes from `Begin` to `End` of the file.
absl::Status checkRanges(const std::string &Path,
                         const std::vector<TensorInfo> &Tensors, uint64_t Begin,
                         uint64_t End) {
  for (size_t I = 1; I < Tensors.size(); ++I)
    if (Tensors[I - 1].Offset + Tensors[I - 1].Bytes > Tensors[I].Offset)
      return makeError(Path, ": tensors '", Tensors[I - 1].Name, "' and '",
                       Tensors[I].Name, "' overlap");
  uint64_t Covered = Begin;
  auto Gap = [&](uint64_t Next, const std::string &Where) {
    return makeError(Path, ": ", Next - Covered, " bytes of data ", Where,
                     " belong to no tensor; the file is damaged");
  };
  for (const TensorInfo &Tensor : Tensors) {
    if (Tensor.Offset != Covered)
      return Gap(Tensor.Offset, concat("before tensor '", Tensor.Name, "'"));
    Covered += Tensor.Bytes;
  }
  if (Covered != End)
    return Gap(End, Tensors.empty() ? "of a header without tensors"
                                    : concat("after the last tensor, '",
                                             Tensors.back().Name, "',"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorInfo>> readHeader(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(uint64_t Size, fileSize(Path));
  M1_ASSIGN_OR_RETURN(std::string Prefix, readFileRange(Path, 0, 8));
  if (Prefix.size() < 8)
    return makeError(Path, ": not a safetensors file: ", Size,
                     " bytes, too short for a header");
  // "version https://git-lfs.github.com/spec/v1"
  if (Prefix == "version ")
    return makeError(Path, ": a Git LFS pointer in place of the file, which "
                           "git lfs pull fetches");
  uint64_t HeaderBytes = 0;
  for (int I = 7; I >= 0; --I)
    HeaderBytes = HeaderBytes << 8 | static_cast<uint8_t>(Prefix[I]);
  if (HeaderBytes > MaxSafetensorsHeaderBytes || HeaderBytes > Size - 8)
    return makeError(Path,
                     ": not a safetensors file, or truncated: a header of ",
                     HeaderBytes, " bytes in a file of ", Size, " bytes");
  M1_ASSIGN_OR_RETURN(std::string Header, readFileRange(Path, 8, HeaderBytes));
  if (Header.size() != HeaderBytes)
    return makeError(Path, ": truncated while it was read");
  if (Header.empty() || Header[0] != '{')
    return makeError(Path, ": not a safetensors file: the header does not "
                           "begin with '{'");
  // nlohmann's lexer takes a null byte for the end of the text.
  if (size_t Null = Header.find('\0'); Null != Header.npos)
    return makeError(Path, ": the header is not valid JSON at byte ", Null + 8,
                     ": a null byte");

  uint64_t DataOffset = 8 + HeaderBytes;
  HeaderReader Reader(Path, DataOffset, Size - DataOffset);
  if (!json::sax_parse(Header, &Reader))
    return Reader.Failure.ok()
               ? makeError(Path, ": the header is not valid JSON")
               : Reader.Failure;
  std::vector<TensorInfo> &Tensors = Reader.Tensors;
  M1_RETURN_IF_ERROR(checkNames(Path, Tensors));
  std::sort(Tensors.begin(), Tensors.end(),
            [](const TensorInfo &A, const TensorInfo &B) {
              return std::tie(A.Offset, A.Bytes) < std::tie(B.Offset, B.Bytes);
            });
  M1_RETURN_IF_ERROR(checkRanges(Path, Tensors, DataOffset, Size));
  return std::move(Tensors);
}
} // namespace

absl::StatusOr<std::vector<TensorInfo>>
m1::readSafetensorsHeader(const std::string &Path) {
  try {
    return readHeader(Path);
  } catch (const std::bad_alloc &) {
    return makeError(Path, ": not enough memory to read the header");
  }
}
