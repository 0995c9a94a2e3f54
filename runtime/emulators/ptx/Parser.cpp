//===- Parser.cpp - PTX text to a module ----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Parser.h"

#include "runtime/emulators/ptx/Instructions.h"
#include "runtime/emulators/ptx/Limits.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

absl::Status Parser::expect(std::string_view Text) {
  const Token &T = next();
  if (T.is(Text))
    return absl::OkStatus();
  return error("expected '", Text, "', found '", shown(T), "'");
}

absl::StatusOr<uint64_t> Parser::number() {
  const bool Negative = accept("-");
  const Token &T = next();
  if (T.K != Token::Kind::Number)
    return error("expected a number, found '", shown(T), "'");
  if (Negative && T.Bits > uint64_t(1) << 63)
    return error("the number -", T.Text, " has more than 64 bits");
  return Negative ? -T.Bits : T.Bits;
}

absl::StatusOr<uint64_t> Parser::number(std::string_view What, uint64_t Min,
                                        uint64_t Max) {
  const bool Negative = accept("-");
  const Token &T = next();
  if (T.K != Token::Kind::Number)
    return error("expected ", What, ", found '", shown(T), "'");
  if ((Negative && T.Bits > 0) || T.Bits < Min || T.Bits > Max)
    return error(What, " is ", Negative ? "-" : "", T.Text, ", expected ", Min,
                 " to ", Max);
  return T.Bits;
}

absl::StatusOr<std::string_view> Parser::word(std::string_view What) {
  const Token &T = next();
  if (T.K != Token::Kind::Word)
    return error("expected ", What, ", found '", shown(T), "'");
  return T.Text;
}

absl::Status Parser::skipBraces() {
  M1_RETURN_IF_ERROR(expect("{"));
  for (unsigned Depth = 1; Depth > 0;) {
    const Token &T = next();
    if (T.K == Token::Kind::EndOfText)
      return error("unterminated '{'");
    Depth += T.is("{") ? 1 : T.is("}") ? -1 : 0;
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Module level
//===----------------------------------------------------------------------===//

absl::Status Parser::run() {
  Scopes.emplace_back();
  while (peek().K != Token::Kind::EndOfText)
    M1_RETURN_IF_ERROR(parseTopLevel());
  // Functions first: kernels number their registers after those of all
  // functions.
  for (bool Kernels : {false, true})
    for (const Body &B : Bodies)
      if (M.Functions[B.Number].IsKernel == Kernels)
        M1_RETURN_IF_ERROR(parseBody(B));
  return checkCalls();
}

absl::Status Parser::parseTopLevel() {
  bool Extern = false;
  while (true) {
    const Token &T = next();
    if (T.is(".extern")) {
      Extern = true;
    } else if (T.is(".visible") || T.is(".weak") || T.is(".common")) {
      continue;
    } else if (T.is(".version")) {
      if (const Token &Version = next(); Version.K != Token::Kind::Float)
        return error("expected a version such as 8.0, found '", shown(Version),
                     "'");
      return absl::OkStatus();
    } else if (T.is(".target")) {
      do
        M1_RETURN_IF_ERROR(word("a target").status());
      while (accept(","));
      return absl::OkStatus();
    } else if (T.is(".address_size")) {
      M1_ASSIGN_OR_RETURN(uint64_t Size, number());
      return Size == 64 ? absl::OkStatus()
                        : error("addresses of ", Size, " bits, expected 64");
    } else if (T.is(".file")) {
      while (peek().Line == T.Line && peek().K != Token::Kind::EndOfText)
        next();
      return absl::OkStatus();
    } else if (T.is(".section")) {
      next();
      return skipBraces();
    } else if (T.is(".pragma")) {
      next();
      return expect(";");
    } else if (T.is(".global")) {
      return Extern ? error("external global variables are not known")
                    : parseGlobal(Space::Global);
    } else if (T.is(".const")) {
      return parseGlobal(Space::Const);
    } else if (T.is(".shared")) {
      return parseShared(Extern);
    } else if (T.is(".entry") || T.is(".func")) {
      return parseFunction(T.is(".entry"));
    } else {
      return error("'", shown(T), "' is not known to the emulator");
    }
  }
}

absl::StatusOr<Declaration> Parser::parseDeclaration() {
  Declaration D;
  uint64_t Elements = 1;
  bool Typed = false, OfPointee = false;
  while (peek().K == Token::Kind::Word && peek().Text[0] == '.') {
    std::string_view Word = next().Text;
    if (Word == ".align") {
      M1_ASSIGN_OR_RETURN(uint64_t Alignment,
                          number("an alignment", 1,
                                 OfPointee
                                     ? std::numeric_limits<uint32_t>::max()
                                     : MaxAlignment));
      if (!std::has_single_bit(Alignment))
        return error("an alignment is ", Alignment, ", expected a power of 2");
      if (!OfPointee)
        D.Alignment = Alignment;
    } else if (Word == ".ptr") {
      OfPointee = true; // what follows is about what the parameter points to
    } else if (Word == ".global" || Word == ".shared" || Word == ".const" ||
               Word == ".local") {
      continue;
    } else if (Word == ".v2" || Word == ".v4") {
      Elements = Word == ".v2" ? 2 : 4;
    } else if (std::optional<Type> T = parseType(Word.substr(1));
               T && sizeOf(*T) > 0) {
      D.T = *T;
      Typed = true;
    } else {
      return error("'", Word, "' is not known in a declaration");
    }
  }
  if (!Typed || peek().K != Token::Kind::Word)
    return error("expected a type and a name");
  D.Name = next().Text;
  D.Bytes = Elements * sizeOf(D.T);
  while (accept("[")) {
    if (D.Sized && accept("]")) {
      D.Sized = false;
      continue;
    }
    M1_ASSIGN_OR_RETURN(
        uint64_t Count,
        number("an array's size", 1, std::numeric_limits<uint32_t>::max()));
    if (__builtin_mul_overflow(D.Bytes, Count, &D.Bytes))
      return error("variable '", D.Name, "' has 2^64 bytes or more");
    M1_RETURN_IF_ERROR(expect("]"));
  }
  D.Alignment = std::max(D.Alignment, sizeOf(D.T));
  return D;
}

absl::StatusOr<Declaration> Parser::parseSized(std::string_view What,
                                               uint64_t MaxBytes) {
  M1_ASSIGN_OR_RETURN(Declaration D, parseDeclaration());
  if (!D.Sized)
    return error(What, " '", D.Name, "' has no size");
  if (D.Bytes > MaxBytes)
    return error(What, " '", D.Name, "' has ", D.Bytes,
                 " bytes, expected at most ", MaxBytes);
  return D;
}

absl::Status Parser::parseInitialisers(const Declaration &D,
                                       std::vector<std::byte> &Bytes) {
  // Nested braces only mirror the dimensions: ignore them.
  size_t Offset = 0;
  const unsigned Size = sizeOf(D.T);
  while (!peek().is(";")) {
    if (accept("{") || accept("}") || accept(","))
      continue;
    uint64_t Bits;
    if (peek().K == Token::Kind::Float) {
      const Token &T = next();
      if (Size < 4)
        return error("initialiser ", T.Text, " of '", D.Name, "', which has ",
                     Size * 8, " bits, expected an integer");
      Bits = Size == 4 ? std::bit_cast<uint32_t>(float(T.Value))
                       : std::bit_cast<uint64_t>(T.Value);
    } else {
      M1_ASSIGN_OR_RETURN(Bits, number());
      if (!fitsBytes(Bits, Size))
        return error("initialiser ", int64_t(Bits), " of '", D.Name,
                     "' has more than ", Size * 8, " bits");
    }
    if (Offset + Size > Bytes.size())
      return error("too many initialisers for '", D.Name, "'");
    std::memcpy(Bytes.data() + Offset, &Bits, Size);
    Offset += Size;
  }
  return absl::OkStatus();
}

absl::Status Parser::parseGlobal(Space In) {
  M1_ASSIGN_OR_RETURN(Declaration D,
                      parseSized("variable", MaxVariableBytes - VariableBytes));
  VariableBytes += D.Bytes;
  if (M.Variables.size() == MaxVariables)
    return error("more than ", MaxVariables, " variables");
  std::vector<std::byte> Bytes(D.Bytes);
  if (accept("="))
    M1_RETURN_IF_ERROR(parseInitialisers(D, Bytes));
  M1_RETURN_IF_ERROR(expect(";"));
  M1_ASSIGN_OR_RETURN(
      uint64_t Address,
      Memory.allocate(D.Bytes, true, concat("variable '", D.Name, "'")));
  M.Variables.push_back(Address);
  M1_RETURN_IF_ERROR(Memory.write(Address, Bytes.data(), Bytes.size()));
  Symbol S(Symbol::Kind::Address);
  S.In = In;
  S.Address = Address;
  declare(D.Name, S);
  return absl::OkStatus();
}

absl::Status Parser::parseShared(bool Extern) {
  M1_ASSIGN_OR_RETURN(Declaration D, parseDeclaration());
  if (D.Sized == Extern)
    return error("shared variable '", D.Name,
                 "': an .extern variable must be unsized, any other sized");
  if (D.Sized && D.Bytes > MaxStaticShared)
    return error("shared variable '", D.Name, "' has ", D.Bytes,
                 " bytes, expected at most ", MaxStaticShared);
  SharedVariables.insert_or_assign(std::string(D.Name), D);
  return expect(";");
}

absl::Status Parser::parseParameters(Function &Fn,
                                     std::vector<ParameterSlot> &Slots) {
  Slots.clear();
  while (!accept(")")) {
    if (!accept(".param"))
      return error("expected '.param', found '", shown(next()), "'");
    M1_ASSIGN_OR_RETURN(Declaration D,
                        parseSized("parameter", MaxParameterBytes));
    if (Slots.size() == MaxOperands)
      return error("more than ", MaxOperands, " parameters");
    Slots.push_back(
        {std::string(D.Name), /*Offset=*/0, uint32_t(D.Bytes), D.Alignment});
    if (!peek().is(")"))
      M1_RETURN_IF_ERROR(expect(","));
  }
  // Parameters of functions are in local memory, which is laid out with the
  // body.
  if (!Fn.IsKernel)
    return absl::OkStatus();
  for (ParameterSlot &S : Slots) {
    S.Offset = alignTo(Fn.ParameterBytes, S.Alignment);
    Fn.ParameterBytes = S.Offset + S.Bytes;
    if (Fn.ParameterBytes > MaxParameterBytes)
      return error("parameters of ", Fn.ParameterBytes,
                   " bytes up to parameter '", S.Name, "', expected at most ",
                   MaxParameterBytes);
  }
  return absl::OkStatus();
}

absl::Status Parser::parseThreads(std::array<uint32_t, 3> &Out) {
  Out = {1, 1, 1};
  for (uint32_t &Axis : Out) {
    M1_ASSIGN_OR_RETURN(Axis,
                        number("a number of threads", 1, MaxThreadsOfBlock));
    if (!accept(","))
      break;
  }
  return absl::OkStatus();
}

absl::Status Parser::parseDirectives(Function &Fn) {
  while (!peek().is("{") && !peek().is(";")) {
    if (accept(".maxntid")) {
      M1_RETURN_IF_ERROR(parseThreads(Fn.MaxThreads));
    } else if (accept(".reqntid")) {
      M1_RETURN_IF_ERROR(parseThreads(Fn.RequiredThreads));
    } else if (accept(".minnctapersm") || accept(".maxnctapersm") ||
               accept(".maxnreg")) {
      M1_RETURN_IF_ERROR(number().status());
    } else if (!accept(".noreturn")) {
      return error("'", shown(next()), "' is not known to the emulator");
    }
  }
  return absl::OkStatus();
}

absl::Status Parser::parseFunction(bool IsKernel) {
  Function New;
  New.IsKernel = IsKernel;
  if (!IsKernel && accept("("))
    M1_RETURN_IF_ERROR(parseParameters(New, New.Results));
  New.Line = peek().Line;
  M1_ASSIGN_OR_RETURN(std::string_view Name, word("a function's name"));
  New.Name = Name;
  if (accept("("))
    M1_RETURN_IF_ERROR(parseParameters(New, New.Parameters));
  M1_RETURN_IF_ERROR(parseDirectives(New));
  New.IsDefined = !accept(";");
  auto [Known, IsNew] =
      M.FunctionNumbers.try_emplace(Name, uint32_t(M.Functions.size()));
  const uint32_t Number = Known->second;
  if (IsNew) {
    if (Number == MaxFunctions)
      return error("more than ", MaxFunctions, " functions");
    M.Functions.emplace_back();
  } else if (M.Functions[Number].IsDefined && New.IsDefined) {
    return error("'", Name, "' is defined twice");
  }
  if (New.IsDefined) {
    const size_t Begin = At;
    M1_RETURN_IF_ERROR(skipBraces());
    Bodies.push_back({Number, Begin, At});
  }
  if (IsNew || New.IsDefined)
    M.Functions[Number] = std::move(New);
  return absl::OkStatus();
}

/// Rejects calls of functions that are not defined, and recursion: a function's
/// registers and parameters are allocated once for all of its calls.
absl::Status Parser::checkCalls() {
  enum : uint8_t { Fresh, Open, Closed };
  std::vector<uint8_t> Seen(M.Functions.size(), Fresh);
  struct Step {
    uint32_t Number;
    size_t Next; // instruction
  };
  std::vector<Step> Path; // of calls; in a vector, for it may be long
  auto Enter = [&](uint32_t Number) {
    Seen[Number] = Open;
    Path.push_back({Number, 0});
  };
  for (uint32_t First = 0; First < M.Functions.size(); ++First) {
    if (Seen[First] == Fresh)
      Enter(First);
    while (!Path.empty()) {
      Step &Top = Path.back();
      const Function &Fn = M.Functions[Top.Number];
      if (Top.Next == Fn.Code.size()) {
        Seen[Top.Number] = Closed;
        Path.pop_back();
        continue;
      }
      const Instruction &I = Fn.Code[Top.Next++];
      if (!isCall(I))
        continue;
      const Function &Callee = M.Functions[I.Callee];
      if (!Callee.IsDefined)
        return makeError("ptx: function '", Fn.Name, "' line ", I.Line,
                         ": call of '", Callee.Name,
                         "', which the module does not define");
      if (Seen[I.Callee] == Open)
        return makeError("ptx: function '", Callee.Name, "' line ", Callee.Line,
                         ": recursion is not known to the emulator");
      if (Seen[I.Callee] == Fresh)
        Enter(I.Callee);
    }
  }
  return absl::OkStatus();
}

absl::Status ptx::parseModule(std::string_view Text, std::string_view Name,
                              GlobalMemory &Memory, Module &Out) {
  if (Text.size() > MaxTextBytes)
    return makeError("ptx: module '", Name, "' has ", Text.size(),
                     " bytes of text, expected at most ", MaxTextBytes);
  Out.Name = Name;
  Out.Text = Text;
  M1_ASSIGN_OR_RETURN(std::vector<Token> Tokens, tokenize(Out.Text, Name));
  return Parser(std::move(Tokens), Memory, Out).run();
}
