//===- Npy.cpp - reading and writing .npy files ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/Npy.h"

#include "runtime/support/File.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>

using namespace m1;

namespace {
struct Descriptor {
  ElementType Type;
  std::string_view Text;
};
constexpr Descriptor Descriptors[] = {
    {ElementType::F32, "<f4"}, {ElementType::F64, "<f8"},
    {ElementType::F16, "<f2"}, {ElementType::I32, "<i4"},
    {ElementType::I64, "<i8"}, {ElementType::I16, "<i2"},
    {ElementType::I8, "|i1"},  {ElementType::U8, "|u1"},
    {ElementType::U16, "<u2"}, {ElementType::U32, "<u4"},
    {ElementType::U64, "<u8"}, {ElementType::Bool, "|b1"}};

/// Writers of one dictionary of three keys need a few hundred bytes; the most
/// that format 1 can have.
constexpr uint64_t MaxHeaderBytes = 65535;

/// The header, and where the data is.
struct NpyHeader {
  ElementType Type = ElementType::F32;
  std::vector<int64_t> Shape;
  bool FortranOrder = false;
  uint64_t DataOffset = 0, DataBytes = 0;
};

/// Reads the header's Python dictionary literal, as numpy writes it: only the
/// keys descr, fortran_order and shape, each once, in any order.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view Text) : Text(Text) {}

  /// Empty on success, otherwise what is wrong.
  std::string parse(NpyHeader &Array) {
    bool HasDescr = false, HasOrder = false, HasShape = false;
    if (!accept('{'))
      return "no dictionary";
    while (!accept('}')) {
      std::string_view Key;
      if (!string(Key) || !accept(':'))
        return "malformed dictionary";
      if (Key == "descr" && !HasDescr) {
        HasDescr = true;
        skipSpace();
        std::string_view Value = Text.substr(Position);
        if (!string(Value) || !setType(Value, Array))
          return concat("element type ", Value.substr(0, 40),
                        Value.size() > 40 ? "..." : "",
                        ", expected one of f2, f4, f8, i1, i2, i4, i8, u1, u2, "
                        "u4, u8, b1 (little-endian)");
      } else if (Key == "fortran_order" && !HasOrder) {
        HasOrder = true;
        Array.FortranOrder = word("True");
        if (!Array.FortranOrder && !word("False"))
          return "malformed fortran_order";
      } else if (Key == "shape" && !HasShape) {
        HasShape = true;
        if (!shape(Array.Shape))
          return "malformed shape";
      } else {
        return "unknown or repeated key";
      }
      accept(',');
    }
    skipSpace();
    if (!HasDescr || !HasOrder || !HasShape)
      return "descr, fortran_order or shape is missing";
    return Position == Text.size() ? "" : "trailing text";
  }

private:
  void skipSpace() {
    while (Position < Text.size() &&
           (Text[Position] == ' ' || Text[Position] == '\n'))
      ++Position;
  }
  bool accept(char C) {
    skipSpace();
    if (Position >= Text.size() || Text[Position] != C)
      return false;
    ++Position;
    return true;
  }
  bool word(std::string_view Word) {
    skipSpace();
    if (Text.substr(Position, Word.size()) != Word)
      return false;
    Position += Word.size();
    return true;
  }
  bool string(std::string_view &Value) {
    skipSpace();
    char Quote = Position < Text.size() ? Text[Position] : 0;
    if (Quote != '\'' && Quote != '"')
      return false;
    size_t End = Text.find(Quote, Position + 1);
    if (End == std::string_view::npos)
      return false;
    Value = Text.substr(Position + 1, End - Position - 1);
    Position = End + 1;
    return true;
  }
  bool shape(std::vector<int64_t> &Shape) {
    if (!accept('('))
      return false;
    while (!accept(')')) {
      skipSpace();
      int64_t Extent = 0;
      size_t Begin = Position;
      for (; Position < Text.size() && Text[Position] >= '0' &&
             Text[Position] <= '9';
           ++Position)
        if (__builtin_mul_overflow(Extent, 10, &Extent) ||
            __builtin_add_overflow(Extent, Text[Position] - '0', &Extent))
          return false;
      if (Position == Begin || Shape.size() == 8)
        return false;
      Shape.push_back(Extent);
      if (!accept(',')) {
        if (!accept(')'))
          return false;
        break;
      }
    }
    return true;
  }
  static bool setType(std::string_view Value, NpyHeader &Array) {
    // A one-byte type has no byte order, but some writers give it one.
    for (const Descriptor &D : Descriptors)
      if (Value == D.Text ||
          (D.Text[0] == '|' && Value.size() == 3 && Value[0] == '<' &&
           Value.substr(1) == D.Text.substr(1))) {
        Array.Type = D.Type;
        return true;
      }
    return false;
  }

  std::string_view Text;
  size_t Position = 0;
};

float loadFloat(ElementType Type, const std::byte *Data, int64_t I) {
  uint16_t Bits;
  std::memcpy(&Bits, Data + 2 * I, 2);
  return Type == ElementType::BF16 ? floatFromBF16(Bits) : floatFromF16(Bits);
}

template <typename T> T load(const std::byte *Data, int64_t I) {
  T Value;
  std::memcpy(&Value, Data + I * sizeof(T), sizeof(T));
  return Value;
}
template <typename T> void store(std::byte *Data, int64_t I, T Value) {
  std::memcpy(Data + I * sizeof(T), &Value, sizeof(T));
}

bool isFloat(ElementType Type) {
  return Type == ElementType::F32 || Type == ElementType::F64 ||
         Type == ElementType::F16 || Type == ElementType::BF16;
}

double loadDouble(ElementType Type, const std::byte *Data, int64_t I) {
  switch (Type) {
  case ElementType::F32:
    return load<float>(Data, I);
  case ElementType::F64:
    return load<double>(Data, I);
  default:
    return loadFloat(Type, Data, I);
  }
}

int64_t loadInteger(ElementType Type, const std::byte *Data, int64_t I) {
  switch (Type) {
  case ElementType::I64:
  case ElementType::U64: // above 2^63: negative
    return load<int64_t>(Data, I);
  case ElementType::I32:
    return load<int32_t>(Data, I);
  case ElementType::I16:
    return load<int16_t>(Data, I);
  case ElementType::I8:
    return load<int8_t>(Data, I);
  case ElementType::U16:
    return load<uint16_t>(Data, I);
  case ElementType::U32:
    return load<uint32_t>(Data, I);
  default:
    return load<uint8_t>(Data, I);
  }
}

/// The error of an unsigned element of 2^63 or more; `Value` has its bits.
absl::Status tooLarge(const std::string &Where, int64_t Index, int64_t Value) {
  return makeError(Where, ": element ", Index, " is ",
                   static_cast<uint64_t>(Value), ", expected less than 2^63");
}

void storeFloat(ElementType Type, std::byte *Data, int64_t I, double Value) {
  switch (Type) {
  case ElementType::F64:
    return store<double>(Data, I, Value);
  case ElementType::F32:
    return store<float>(Data, I, static_cast<float>(Value));
  case ElementType::BF16:
    return store<uint16_t>(Data, I, bf16FromFloat(static_cast<float>(Value)));
  default:
    return store<uint16_t>(Data, I, f16FromFloat(static_cast<float>(Value)));
  }
}

/// Whether elements are in the same order in C and in Fortran order: at most
/// one extent is above 1.
bool hasOneOrder(std::span<const int64_t> Shape) {
  return std::count_if(Shape.begin(), Shape.end(),
                       [](int64_t Extent) { return Extent > 1; }) <= 1;
}

absl::StatusOr<NpyHeader> readHeader(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(uint64_t FileBytes, fileSize(Path));
  M1_ASSIGN_OR_RETURN(std::string Text,
                      readFileRange(Path, 0, 12 + MaxHeaderBytes));
  if (std::string_view(Text).substr(0, 6) != std::string_view("\x93NUMPY", 6) ||
      Text.size() < 10)
    return makeError(Path, ": not a .npy file");
  unsigned Major = static_cast<uint8_t>(Text[6]);
  size_t LengthBytes = Major == 1 ? 2 : 4;
  if (Major < 1 || Major > 3)
    return makeError(Path, ": .npy format ", Major, ", expected 1, 2 or 3");
  if (Text.size() < 8 + LengthBytes)
    return makeError(Path, ": truncated .npy header: a file of ", FileBytes,
                     " bytes");
  uint64_t HeaderBytes = 0;
  for (size_t I = LengthBytes; I-- > 0;)
    HeaderBytes = HeaderBytes << 8 | static_cast<uint8_t>(Text[8 + I]);
  NpyHeader Header;
  Header.DataOffset = 8 + LengthBytes + HeaderBytes;
  if (Header.DataOffset > FileBytes)
    return makeError(Path, ": truncated .npy header: ", HeaderBytes,
                     " bytes in a file of ", FileBytes);
  if (HeaderBytes > MaxHeaderBytes)
    return makeError(Path, ": .npy header of ", HeaderBytes,
                     " bytes, expected at most ", MaxHeaderBytes);
  Header.DataBytes = FileBytes - Header.DataOffset;
  HeaderParser Parser(
      std::string_view(Text).substr(8 + LengthBytes, HeaderBytes));
  if (std::string Problem = Parser.parse(Header); !Problem.empty())
    return makeError(Path, ": unreadable .npy header: ", Problem);
  std::optional<int64_t> Count = elementCount(Header.Shape);
  int64_t Wanted = 0;
  if (!Count ||
      __builtin_mul_overflow(*Count, byteSize(Header.Type), &Wanted) ||
      static_cast<uint64_t>(Wanted) != Header.DataBytes)
    return makeError(Path, ": ", name(Header.Type), " ",
                     formatShape(Header.Shape), " does not take the ",
                     Header.DataBytes, " bytes that follow the header");
  return Header;
}

/// Calls `Take` with the data piece by piece, each of whole elements.
absl::Status
readData(const std::string &Path, const NpyHeader &Header,
         const std::function<absl::Status(std::string_view)> &Take) {
  // Large enough for the disk, small beside an array that is large. A multiple
  // of every element's size.
  constexpr uint64_t PieceBytes = uint64_t(1) << 20;
  for (uint64_t Done = 0; Done < Header.DataBytes;) {
    uint64_t Wanted = std::min(PieceBytes, Header.DataBytes - Done);
    M1_ASSIGN_OR_RETURN(std::string Piece,
                        readFileRange(Path, Header.DataOffset + Done, Wanted));
    if (Piece.size() != Wanted)
      return makeError(Path, ": the file became shorter while it was read");
    M1_RETURN_IF_ERROR(Take(Piece));
    Done += Wanted;
  }
  return absl::OkStatus();
}
} // namespace

absl::StatusOr<NpyArray> m1::readNpy(const std::string &Path) {
  M1_ASSIGN_OR_RETURN(NpyHeader Header, readHeader(Path));
  if (Header.FortranOrder && Header.DataBytes > 0 && !hasOneOrder(Header.Shape))
    return makeError(Path, ": ", formatShape(Header.Shape),
                     " in Fortran order, expected C order: save "
                     "numpy.ascontiguousarray(x)");
  NpyArray Array;
  Array.Type = Header.Type;
  Array.Shape = std::move(Header.Shape);
  try {
    Array.Data.reserve(Header.DataBytes);
  } catch (const std::exception &) {
    return makeError(Path, ": not enough memory for its ", Header.DataBytes,
                     " bytes of data");
  }
  M1_RETURN_IF_ERROR(readData(Path, Header, [&](std::string_view Piece) {
    const auto *Begin = reinterpret_cast<const std::byte *>(Piece.data());
    Array.Data.insert(Array.Data.end(), Begin, Begin + Piece.size());
    return absl::OkStatus();
  }));
  return Array;
}

absl::StatusOr<NpyArray> m1::convert(NpyArray Array, ElementType Type,
                                     const std::string &Where) {
  if (Array.Type == Type)
    return Array;
  if (isFloat(Array.Type) && !isFloat(Type))
    return makeError(Where, ": has ", name(Array.Type), " elements, expected ",
                     name(Type));
  int64_t Count = Array.count();
  NpyArray Result;
  Result.Type = Type;
  Result.Shape = std::move(Array.Shape);
  Result.Data.resize(Count * byteSize(Type));
  for (int64_t I = 0; I < Count; ++I) {
    if (isFloat(Array.Type)) {
      storeFloat(Type, Result.Data.data(), I,
                 loadDouble(Array.Type, Array.Data.data(), I));
      continue;
    }
    int64_t Value = loadInteger(Array.Type, Array.Data.data(), I);
    if (Array.Type == ElementType::U64 && Value < 0)
      return tooLarge(Where, I, Value);
    if (isFloat(Type)) {
      storeFloat(Type, Result.Data.data(), I, static_cast<double>(Value));
      continue;
    }
    bool Fits = true;
    switch (Type) {
    case ElementType::I64:
      store<int64_t>(Result.Data.data(), I, Value);
      break;
    case ElementType::I32:
      Fits = Value == static_cast<int32_t>(Value);
      store<int32_t>(Result.Data.data(), I, static_cast<int32_t>(Value));
      break;
    case ElementType::U8:
      Fits = Value == static_cast<uint8_t>(Value);
      store<uint8_t>(Result.Data.data(), I, static_cast<uint8_t>(Value));
      break;
    default:
      return makeError(Where, ": cannot convert ", name(Array.Type), " to ",
                       name(Type));
    }
    if (!Fits)
      return makeError(Where, ": element ", I, " is ", Value,
                       ", which does not fit ", name(Type));
  }
  return Result;
}

absl::StatusOr<std::vector<int64_t>> m1::readTokens(const std::string &Path,
                                                    int64_t MaxTokens) {
  M1_ASSIGN_OR_RETURN(NpyHeader Header, readHeader(Path));
  const ElementType Type = Header.Type;
  if (Header.Shape.size() != 1 || isFloat(Type) || Type == ElementType::Bool)
    return makeError(Path,
                     ": tokens are a 1-D array of integers (int8 to int64, "
                     "uint8 to uint64), found ",
                     name(Type), " ", formatShape(Header.Shape));
  if (Header.Shape[0] > MaxTokens)
    return makeError(Path, ": ", Header.Shape[0],
                     " tokens, the plan was compiled for sequences of at most ",
                     MaxTokens);
  std::vector<int64_t> Tokens;
  Tokens.reserve(Header.Shape[0]);
  M1_RETURN_IF_ERROR(readData(Path, Header, [&](std::string_view Piece) {
    const auto *Data = reinterpret_cast<const std::byte *>(Piece.data());
    const int64_t Count = Piece.size() / byteSize(Type);
    for (int64_t I = 0; I < Count; ++I) {
      Tokens.push_back(loadInteger(Type, Data, I));
      if (Type == ElementType::U64 && Tokens.back() < 0)
        return tooLarge(Path, Tokens.size() - 1, Tokens.back());
    }
    return absl::OkStatus();
  }));
  return Tokens;
}

absl::StatusOr<std::unique_ptr<NpyWriter>>
NpyWriter::create(const std::string &Path, ElementType Type,
                  std::span<const int64_t> Shape) {
  std::unique_ptr<NpyWriter> Result(new NpyWriter);
  std::optional<int64_t> Count = elementCount(Shape);
  std::string_view Descr;
  for (const Descriptor &D : Descriptors)
    if (D.Type == Type)
      Descr = D.Text;
  if (!Count || Descr.empty())
    return makeError("cannot write ", Path, ": ", name(Type), " ",
                     formatShape(Shape), " has no .npy form");
  Result->Expected = *Count * byteSize(Type);
  std::string Extents;
  for (size_t I = 0; I < Shape.size(); ++I)
    Extents += (I ? ", " : "") + std::to_string(Shape[I]);
  if (Shape.size() == 1)
    Extents += ",";
  std::string Header =
      concat("{'descr': '", Descr, "', 'fortran_order': False, 'shape': (",
             Extents, "), }");
  // The data begins at a multiple of 64 bytes.
  Header.append(63 - (10 + Header.size()) % 64, ' ');
  Header += '\n';
  std::string Prefix("\x93NUMPY\x01\x00", 8);
  Prefix += static_cast<char>(Header.size() & 255);
  Prefix += static_cast<char>(Header.size() >> 8);
  M1_ASSIGN_OR_RETURN(Result->File, OutputFile::create(Path));
  M1_RETURN_IF_ERROR(Result->File->write(Prefix.data(), Prefix.size()));
  M1_RETURN_IF_ERROR(Result->File->write(Header.data(), Header.size()));
  return Result;
}

NpyWriter::~NpyWriter() = default;

absl::Status NpyWriter::append(const void *Data, size_t Bytes) {
  Written += Bytes;
  return File->write(Data, Bytes);
}

absl::StatusOr<std::unique_ptr<OutputFile>> NpyWriter::finish() {
  if (Written != Expected)
    return absl::InternalError(concat("an array of ", Expected,
                                      " bytes was given ", Written, " bytes"));
  M1_RETURN_IF_ERROR(File->close());
  return std::move(File);
}

absl::StatusOr<std::unique_ptr<OutputFile>>
m1::prepareNpy(const std::string &Path, ElementType Type,
               std::span<const int64_t> Shape, const void *Data) {
  NpyArray Widened;
  if (Type == ElementType::BF16 || Type == ElementType::F16) {
    int64_t Count = elementCount(Shape).value_or(0);
    Widened.Data.resize(Count * 4);
    for (int64_t I = 0; I < Count; ++I)
      store<float>(Widened.Data.data(), I,
                   loadFloat(Type, static_cast<const std::byte *>(Data), I));
    Type = ElementType::F32;
    Data = Widened.Data.data();
  }
  M1_ASSIGN_OR_RETURN(std::unique_ptr<NpyWriter> Writer,
                      NpyWriter::create(Path, Type, Shape));
  M1_RETURN_IF_ERROR(
      Writer->append(Data, elementCount(Shape).value_or(0) * byteSize(Type)));
  return Writer->finish();
}

absl::Status m1::writeNpy(const std::string &Path, ElementType Type,
                          std::span<const int64_t> Shape, const void *Data) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File,
                      prepareNpy(Path, Type, Shape, Data));
  return commit(std::move(File));
}
