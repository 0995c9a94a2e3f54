//===- Decoder.h - from an instruction's text to its executor ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_DECODER_H
#define M1C_RUNTIME_EMULATORS_PTX_DECODER_H

#include "runtime/emulators/ptx/Module.h"

#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace m1::ptx {

/// A parsed operand.
struct TextOperand {
  enum class Kind : uint8_t {
    Word,    // register, variable, label
    Number,  // 12, -3, 0x1F
    Float,   // 0f3F800000, 0d3FF0000000000000, 1.5
    Vector,  // {a, b}
    List,    // (a, b)
    Address, // [a + 4], [a]
  };
  Kind K = Kind::Word;
  std::string_view Word;
  std::string_view Second;        // of "p|q"
  uint64_t Bits = 0;              // of a number: two's complement
  double Value = 0;               // of a float
  bool Negated = false;           // "!p"
  std::vector<TextOperand> Parts; // of vectors and lists; base of an address
  int64_t Offset = 0;             // of an address
};

/// What a name refers to.
struct Symbol {
  enum class Kind : uint8_t { Register, Predicate, Address, Parameter };
  explicit Symbol(Kind K) : K(K) {}

  Kind K;
  Operand Register;
  Predicate P = 0;
  Space In = Space::Global; // of an address or a parameter
  uint64_t Address = 0;     // offset of a parameter
  uint64_t Bytes = 0;       // of a parameter
};

/// Whether a number, as two's complement of 64 bits, is a signed or unsigned
/// number of `Bytes` bytes.
inline bool fitsBytes(uint64_t Bits, unsigned Bytes) {
  const unsigned Width = 8 * Bytes;
  return Width >= 64 || Bits >> Width == 0 ||
         (int64_t(Bits) < 0 && int64_t(Bits) >= -(int64_t(1) << (Width - 1)));
}

/// Consumes an instruction's modifiers and operands in order. Functions return
/// false if the text does not match: the instruction is then unknown, unless a
/// message was set.
class Decoder {
public:
  /// Services of the enclosing function.
  class Context {
  public:
    virtual ~Context() = default;
    virtual const Symbol *find(std::string_view Name) = 0;
    virtual std::optional<Operand> special(std::string_view Name) = 0;
    virtual Operand constant(uint64_t Bits, unsigned Bytes) = 0;
    virtual uint32_t label(std::string_view Name) = 0;
    virtual std::optional<std::vector<uint32_t>>
    labelList(std::string_view Name) = 0;
    virtual std::optional<uint32_t> function(std::string_view Name) = 0;
    virtual const Function &functionAt(uint32_t Number) = 0;
    /// Adds an instruction after the one being decoded.
    virtual void append(Instruction I) = 0;
  };

  Decoder(Context &C, std::vector<std::string_view> Modifiers,
          std::vector<TextOperand> Operands)
      : C(C), Modifiers(std::move(Modifiers)), Operands(std::move(Operands)) {}

  // Modifiers.
  /// Consumes the next modifier if it is this one.
  bool take(std::string_view Modifier);
  /// Consumes the next modifier if it is in the list; its index there.
  std::optional<unsigned> takeAny(std::span<const std::string_view> List);
  std::optional<unsigned>
  takeAny(std::initializer_list<std::string_view> List) {
    return takeAny(std::span(List.begin(), List.size()));
  }
  bool type(Type &T);
  /// Whether the last modifier is a floating-point type.
  bool isFloat() const;
  /// Consumes following modifiers that are only hints (caching).
  void takeHints();

  // Operands.
  size_t remaining() const { return Operands.size() - NextOperand; }
  const TextOperand &peek(size_t Ahead = 0) const {
    return Operands[NextOperand + Ahead];
  }
  /// A result register of this many bytes.
  bool out(Operand &O, unsigned Bytes);
  /// A register or a number of type T.
  bool in(Operand &O, Type T);
  /// One of any width, for conversions; T is the type of an immediate.
  bool outAny(Operand &O);
  bool inAny(Operand &O, Type T);
  /// {a, b, ...} or a single register; 0 bytes and AnyWidth: see above.
  /// `Skips`: some may be "_", which become operands without bytes.
  bool outVector(std::vector<Operand> &Os, unsigned Count, unsigned Bytes,
                 bool Skips = false);
  bool inVector(std::vector<Operand> &Os, unsigned Count, Type T,
                bool AnyWidth = false);
  /// An immediate from 0 to `Max`.
  bool immediate(int64_t &Value, int64_t Max);
  bool outPredicate(Predicate &P);
  /// A predicate and an optional second one after '|' (else AlwaysFalse).
  bool outPredicates(Predicate &P, Predicate &Q);
  /// A result and an optional predicate after '|' (else AlwaysFalse).
  bool outWithPredicate(Operand &O, unsigned Bytes, Predicate &P);
  bool inPredicate(Predicate &P, bool &Negated);
  /// [register + offset], [variable + offset]. `In`, if given, becomes the
  /// state space of a parameter: a function's are in local memory.
  bool address(Operand &Base, int64_t &Offset, Space *In = nullptr);
  bool label(int64_t &Target);

  /// Whether all modifiers and operands have been consumed.
  bool done();
  /// Fails with a message.
  bool error(std::string Message);

  Context &context() { return C; }
  const std::string &message() const { return Message; }

  const TextOperand *next();

private:
  /// Convert an operand or one element of a vector operand.
  bool outOperand(const TextOperand &T, Operand &O, unsigned Bytes);
  bool inOperand(const TextOperand &X, Operand &O, Type T, bool AnyWidth);

  Context &C;
  std::vector<std::string_view> Modifiers;
  std::vector<TextOperand> Operands;
  size_t NextModifier = 0, NextOperand = 0;
  std::string Message;
};

/// The first word of an opcode and its decoder, which sets the executor and
/// operands; false for an unknown modifier or operand.
struct Family {
  std::string_view Name;
  bool (*Decode)(Decoder &D, Instruction &I);
};

std::span<const Family> integerFamilies();
std::span<const Family> floatFamilies();
std::span<const Family> logicFamilies();
std::span<const Family> convertFamilies();
std::span<const Family> memoryFamilies();
std::span<const Family> asyncFamilies();
std::span<const Family> warpFamilies();
std::span<const Family> matrixFamilies();
std::span<const Family> controlFamilies();

/// The family of an opcode's first word, or null.
const Family *findFamily(std::string_view Name);

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_DECODER_H
