//===- Decoder.cpp - from an instruction's text to its executor -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Decoder.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

const Family *ptx::findFamily(std::string_view Name) {
  static const auto *Table = [] {
    auto *T = new std::unordered_map<std::string_view, const Family *>;
    for (std::span<const Family> Group :
         {integerFamilies(), floatFamilies(), logicFamilies(),
          convertFamilies(), memoryFamilies(), asyncFamilies(), warpFamilies(),
          matrixFamilies(), controlFamilies()})
      for (const Family &F : Group)
        T->emplace(F.Name, &F);
    return T;
  }();
  auto It = Table->find(Name);
  return It == Table->end() ? nullptr : It->second;
}

bool Decoder::error(std::string Text) {
  if (Message.empty())
    Message = std::move(Text);
  return false;
}

//===----------------------------------------------------------------------===//
// Modifiers
//===----------------------------------------------------------------------===//

bool Decoder::take(std::string_view Modifier) {
  if (NextModifier == Modifiers.size() || Modifiers[NextModifier] != Modifier)
    return false;
  ++NextModifier;
  return true;
}

std::optional<unsigned>
Decoder::takeAny(std::span<const std::string_view> List) {
  unsigned Index = 0;
  for (std::string_view Modifier : List) {
    if (take(Modifier))
      return Index;
    ++Index;
  }
  return std::nullopt;
}

bool Decoder::type(Type &T) {
  if (NextModifier == Modifiers.size())
    return false;
  std::optional<Type> Found = parseType(Modifiers[NextModifier]);
  if (!Found)
    return false;
  ++NextModifier;
  T = *Found;
  return true;
}

bool Decoder::isFloat() const {
  if (Modifiers.empty())
    return false;
  std::optional<Type> T = parseType(Modifiers.back());
  return T && *T >= Type::F16;
}

void Decoder::takeHints() {
  static constexpr std::string_view Hints[] = {
      "nc", "ca", "cg",      "cs",       "lu",      "cv",
      "wb", "wt", "L2::64B", "L2::128B", "L2::256B"};
  auto IsHint = [](std::string_view M) {
    return M.starts_with("L1::") || M.starts_with("L2::evict") ||
           std::find(std::begin(Hints), std::end(Hints), M) != std::end(Hints);
  };
  Modifiers.erase(
      std::remove_if(Modifiers.begin() + NextModifier, Modifiers.end(), IsHint),
      Modifiers.end());
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

const TextOperand *Decoder::next() {
  if (remaining() == 0) {
    error("too few operands");
    return nullptr;
  }
  return &Operands[NextOperand++];
}

/// "!a" and "a|b" are for predicates.
static bool isPlain(const TextOperand &T) {
  return !T.Negated && T.Second.empty();
}

bool Decoder::outOperand(const TextOperand &T, Operand &O, unsigned Bytes) {
  const Symbol *S = T.K == TextOperand::Kind::Word ? C.find(T.Word) : nullptr;
  if (!S || S->K != Symbol::Kind::Register)
    return error(concat("'", T.Word, "' is not a register"));
  if (Bytes && S->Register.Bytes != Bytes)
    return error(concat("register ", T.Word, " has ", S->Register.Bytes * 8,
                        " bits, expected ", Bytes * 8));
  O = S->Register;
  return true;
}

bool Decoder::inOperand(const TextOperand &X, Operand &O, Type T,
                        bool AnyWidth) {
  const unsigned Bytes = std::max(sizeOf(T), 2u);
  if (!isPlain(X))
    return error(concat("'", X.Negated ? "!" : "", X.Word,
                        X.Second.empty() ? "" : concat("|", X.Second),
                        "' is not a register or a number"));
  switch (X.K) {
  case TextOperand::Kind::Number: {
    uint64_t Bits = X.Bits;
    if (T == Type::F32)
      Bits = std::bit_cast<uint32_t>(float(int64_t(X.Bits)));
    else if (T == Type::F64)
      Bits = std::bit_cast<uint64_t>(double(int64_t(X.Bits)));
    else if (const unsigned Size = std::max(sizeOf(T), 1u);
             !fitsBytes(Bits, Size))
      return error(concat("the number ", int64_t(Bits), " has more than ",
                          Size * 8, " bits"));
    O = C.constant(Bits, Bytes);
    return true;
  }
  case TextOperand::Kind::Float:
    if (Bytes == 8)
      O = C.constant(std::bit_cast<uint64_t>(X.Value), 8);
    else if (Bytes == 4)
      O = C.constant(std::bit_cast<uint32_t>(float(X.Value)), 4);
    else
      return error("a floating-point number where 16 bits are expected");
    return true;
  case TextOperand::Kind::Word: {
    if (const Symbol *S = C.find(X.Word)) {
      if (S->K == Symbol::Kind::Register) {
        if (!AnyWidth && S->Register.Bytes != Bytes)
          return error(concat("register ", X.Word, " has ",
                              S->Register.Bytes * 8, " bits, expected ",
                              Bytes * 8));
        O = S->Register;
        return true;
      }
      if (S->K == Symbol::Kind::Address && Bytes >= 4) {
        if (!fitsBytes(S->Address, Bytes))
          return error(concat("the address of ", X.Word, " has more than ",
                              Bytes * 8, " bits"));
        O = C.constant(S->Address, Bytes);
        return true;
      }
    }
    if (std::optional<Operand> Special = C.special(X.Word)) {
      if (!AnyWidth && Special->Bytes != Bytes)
        return error(concat("register ", X.Word, " has ", Special->Bytes * 8,
                            " bits, expected ", Bytes * 8));
      O = *Special;
      return true;
    }
    return error(concat("'", X.Word, "' is not a known register or variable"));
  }
  case TextOperand::Kind::Vector:
  case TextOperand::Kind::List:
  case TextOperand::Kind::Address:
    return error("a register or a number is expected");
  }
  return false;
}

bool Decoder::out(Operand &O, unsigned Bytes) {
  const TextOperand *T = next();
  return T && (isPlain(*T) || error("one result is expected")) &&
         outOperand(*T, O, Bytes);
}

bool Decoder::in(Operand &O, Type T) {
  const TextOperand *X = next();
  return X && inOperand(*X, O, T, /*AnyWidth=*/false);
}

bool Decoder::outAny(Operand &O) { return out(O, 0); }

bool Decoder::inAny(Operand &O, Type T) {
  const TextOperand *X = next();
  return X && inOperand(*X, O, T, /*AnyWidth=*/true);
}

bool Decoder::outVector(std::vector<Operand> &Os, unsigned Count,
                        unsigned Bytes, bool Skips) {
  const TextOperand *T = next();
  if (!T)
    return false;
  if (Count == 1 && T->K == TextOperand::Kind::Word)
    return (isPlain(*T) || error("one result is expected")) &&
           outOperand(*T, Os.emplace_back(), Bytes);
  if (T->K != TextOperand::Kind::Vector || T->Parts.size() != Count)
    return error(concat("a vector of ", Count, " registers is expected"));
  for (const TextOperand &Part : T->Parts) {
    Os.emplace_back();
    if (!isPlain(Part))
      return error("one result is expected");
    if (!(Skips && Part.Word == "_") && !outOperand(Part, Os.back(), Bytes))
      return false;
  }
  return true;
}

bool Decoder::inVector(std::vector<Operand> &Os, unsigned Count, Type T,
                       bool AnyWidth) {
  const TextOperand *X = next();
  if (!X)
    return false;
  if (Count == 1 && X->K != TextOperand::Kind::Vector)
    return inOperand(*X, Os.emplace_back(), T, AnyWidth);
  if (X->K != TextOperand::Kind::Vector || X->Parts.size() != Count)
    return error(concat("a vector of ", Count, " registers is expected"));
  for (const TextOperand &Part : X->Parts)
    if (!inOperand(Part, Os.emplace_back(), T, AnyWidth))
      return false;
  return true;
}

bool Decoder::immediate(int64_t &Value, int64_t Max) {
  const TextOperand *X = next();
  if (!X)
    return false;
  if (X->K != TextOperand::Kind::Number)
    return error("a number is expected");
  if (X->Bits > uint64_t(Max))
    return error(
        concat("the number ", int64_t(X->Bits), ", expected 0 to ", Max));
  Value = int64_t(X->Bits);
  return true;
}

bool Decoder::outPredicate(Predicate &P) {
  Predicate None;
  return outPredicates(P, None) &&
         (None == AlwaysFalse || error("one predicate is expected"));
}

bool Decoder::outPredicates(Predicate &P, Predicate &Q) {
  const TextOperand *X = next();
  if (!X)
    return false;
  auto Find = [&](std::string_view Name, Predicate &To) {
    const Symbol *S = C.find(Name);
    if (!S || S->K != Symbol::Kind::Predicate)
      return error(concat("'", Name, "' is not a predicate"));
    To = S->P;
    return true;
  };
  P = Q = AlwaysFalse;
  if (X->Negated)
    return error("a result cannot be negated");
  return (X->Word == "_" || Find(X->Word, P)) &&
         (X->Second.empty() || X->Second == "_" || Find(X->Second, Q));
}

bool Decoder::outWithPredicate(Operand &O, unsigned Bytes, Predicate &P) {
  const TextOperand *X = next();
  if (!X || !outOperand(*X, O, Bytes))
    return false;
  P = AlwaysFalse;
  if (X->Negated)
    return error("a result cannot be negated");
  if (X->Second.empty())
    return true;
  const Symbol *S = C.find(X->Second);
  if (!S || S->K != Symbol::Kind::Predicate)
    return error(concat("'", X->Second, "' is not a predicate"));
  P = S->P;
  return true;
}

bool Decoder::inPredicate(Predicate &P, bool &Negated) {
  const TextOperand *X = next();
  if (!X)
    return false;
  Negated = X->Negated;
  if (!X->Second.empty())
    return error("one predicate is expected");
  if (X->K == TextOperand::Kind::Number) {
    P = X->Bits ? AlwaysTrue : AlwaysFalse;
    return true;
  }
  const Symbol *S = C.find(X->Word);
  if (!S || S->K != Symbol::Kind::Predicate)
    return error(concat("'", X->Word, "' is not a predicate"));
  P = S->P;
  return true;
}

bool Decoder::address(Operand &Base, int64_t &Offset, Space *In) {
  const TextOperand *X = next();
  if (!X)
    return false;
  if (X->K != TextOperand::Kind::Address)
    return error("an address in [] is expected");
  const TextOperand &Part = X->Parts[0];
  Offset = X->Offset;
  if (const Symbol *S = C.find(Part.Word);
      In && S && S->K == Symbol::Kind::Parameter) {
    *In = S->In;
    Base = C.constant(S->Address, 8);
    return true;
  }
  if (!inOperand(Part, Base, Type::B64, /*AnyWidth=*/true))
    return false;
  return Base.Bytes >= 4 || error("an address of 16 bits");
}

bool Decoder::label(int64_t &Target) {
  const TextOperand *X = next();
  if (!X)
    return false;
  if (X->K != TextOperand::Kind::Word || !isPlain(*X))
    return error("a label is expected");
  Target = C.label(X->Word);
  return true;
}

bool Decoder::done() {
  if (remaining() != 0)
    return error("too many operands");
  return NextModifier == Modifiers.size();
}
