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
#include <cstring>
#include <set>

using namespace m1;
using json = nlohmann::json;

namespace {
/// The safetensors library has the same limit.
constexpr uint64_t MaxHeaderBytes = 100'000'000;

/// Collects the header's tensors. A SAX handler, because a DOM would silently
/// drop the first of two tensors with one name.
class HeaderReader : public nlohmann::json_sax<json> {
public:
  HeaderReader(const std::string &Path, uint64_t DataOffset, uint64_t DataBytes)
      : Path(Path), DataOffset(DataOffset), DataBytes(DataBytes) {}

  std::vector<TensorInfo> Tensors;
  absl::Status Failure;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override {
    return unexpected("a negative number");
  }
  bool number_unsigned(number_unsigned_t Value) override {
    if (InMetadata || Depth != 3 || !Numbers)
      return unexpected("a number");
    if (Value > static_cast<uint64_t>(INT64_MAX))
      return unexpected("a number above 2^63");
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
    HasType = true;
    return true;
  }
  bool binary(binary_t &) override { return unexpected("binary data"); }

  bool start_object(size_t) override {
    ++Depth;
    if (Depth == 1)
      return true;
    if (Depth != 2 || InMetadata)
      return unexpected("an object");
    InMetadata = TensorName == "__metadata__";
    Current = TensorInfo{TensorName, ElementType::F32, {}, 0, 0, 0};
    Range.clear();
    HasType = HasShape = HasRange = false;
    return true;
  }
  bool key(string_t &Value) override {
    if (Depth == 1) {
      TensorName = Value;
      if (!Names.insert(Value).second)
        return fail("duplicate tensor '", Value, "'");
      return true;
    }
    Key = Value;
    if (!InMetadata && Key != "dtype" && Key != "shape" &&
        Key != "data_offsets")
      return fail(tensor(), "unknown key '", Key.substr(0, 40), "'");
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
    if (Key == "shape") {
      Numbers = &Current.Shape;
      HasShape = true;
    } else if (Key == "data_offsets") {
      Numbers = &Range;
      HasRange = true;
    } else {
      return unexpected("an array");
    }
    Numbers->clear();
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
    Current.Offset = DataOffset + Range[0];
    Current.Bytes = Bytes;
    Tensors.push_back(std::move(Current));
    return true;
  }

  const std::string &Path;
  uint64_t DataOffset, DataBytes;
  std::set<std::string> Names;
  int Depth = 0;
  bool InMetadata = false, HasType = false, HasShape = false, HasRange = false;
  std::string TensorName, Key;
  TensorInfo Current;
  std::vector<int64_t> Range;
  std::vector<int64_t> *Numbers = nullptr;
};
} // namespace

absl::StatusOr<std::vector<TensorInfo>>
m1::readSafetensorsHeader(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(uint64_t Size, fileSize(Path));
  M1_ASSIGN_OR_RETURN(std::string Prefix, readFileRange(Path, 0, 8));
  if (Prefix.size() < 8)
    return makeError(Path, ": not a safetensors file: ", Size,
                     " bytes, too short for a header");
  uint64_t HeaderBytes = 0;
  for (int I = 7; I >= 0; --I)
    HeaderBytes = HeaderBytes << 8 | static_cast<uint8_t>(Prefix[I]);
  if (HeaderBytes > MaxHeaderBytes || HeaderBytes > Size - 8)
    return makeError(Path,
                     ": not a safetensors file, or truncated: a header of ",
                     HeaderBytes, " bytes in a file of ", Size, " bytes");
  M1_ASSIGN_OR_RETURN(std::string Header, readFileRange(Path, 8, HeaderBytes));
  if (Header.size() != HeaderBytes)
    return makeError(Path, ": truncated while it was read");
  if (Header.empty() || Header[0] != '{')
    return makeError(Path, ": not a safetensors file: the header does not "
                           "begin with '{'");

  uint64_t DataOffset = 8 + HeaderBytes;
  HeaderReader Reader(Path, DataOffset, Size - DataOffset);
  if (!json::sax_parse(Header, &Reader))
    return Reader.Failure.ok()
               ? makeError(Path, ": the header is not valid JSON")
               : Reader.Failure;
  std::vector<TensorInfo> &Tensors = Reader.Tensors;
  std::sort(Tensors.begin(), Tensors.end(),
            [](const TensorInfo &A, const TensorInfo &B) {
              return std::tie(A.Offset, A.Bytes) < std::tie(B.Offset, B.Bytes);
            });
  for (size_t I = 1; I < Tensors.size(); ++I)
    if (Tensors[I - 1].Offset + Tensors[I - 1].Bytes > Tensors[I].Offset)
      return makeError(Path, ": tensors '", Tensors[I - 1].Name, "' and '",
                       Tensors[I].Name, "' overlap");
  return std::move(Tensors);
}
