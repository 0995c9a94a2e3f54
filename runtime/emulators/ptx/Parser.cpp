//===- Parser.cpp - PTX text to a module ----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Decoder.h"
#include "runtime/emulators/ptx/Instructions.h"
#include "runtime/emulators/ptx/Lexer.h"
#include "runtime/emulators/ptx/Module.h"

#include <algorithm>
#include <map>

using namespace m1;
using namespace m1::ptx;

namespace {
/// A variable declaration.
struct Declaration {
  Type T = Type::B8;
  std::string_view Name;
  uint64_t Bytes = 0;
  uint32_t Alignment = 1;
  bool Sized = true; // false: "name[]"
};

uint64_t alignTo(uint64_t Value, uint64_t Alignment) {
  return (Value + Alignment - 1) / Alignment * Alignment;
}

class Parser : Decoder::Context {
public:
  Parser(std::vector<Token> Tokens, GlobalMemory &Memory, Module &M)
      : Tokens(std::move(Tokens)), Memory(Memory), M(M) {}

  absl::Status run();

private:
  /// A function whose body begins at token `At`.
  struct Body {
    uint32_t Number;
    size_t At;
  };

  // Tokens.
  const Token &peek(size_t Ahead = 0) const {
    return Tokens[std::min(At + Ahead, Tokens.size() - 1)];
  }
  const Token &next() {
    const Token &T = peek();
    ++At;
    return T;
  }
  bool accept(std::string_view Text) {
    if (!peek().is(Text))
      return false;
    ++At;
    return true;
  }
  absl::Status expect(std::string_view Text);
  template <typename... Parts> absl::Status error(const Parts &...P) const;
  absl::StatusOr<int64_t> number();
  absl::Status skipBraces();

  // Module level.
  absl::Status parseTopLevel();
  absl::StatusOr<Declaration> parseDeclaration();
  absl::Status parseGlobal(Space In);
  absl::Status parseShared(bool Extern);
  absl::Status parseFunction(bool IsKernel);
  absl::Status parseParameters(Function &Fn, std::vector<ParameterSlot> &Slots);

  // Function bodies.
  absl::Status parseBody(const Body &B);
  absl::Status parseStatement();
  absl::Status parseRegisters();
  absl::Status parseBranchTargets(std::string_view Name);
  absl::Status parseInstruction();
  absl::StatusOr<TextOperand> parseOperand();
  absl::Status resolveLabels();
  absl::Status checkRecursion(uint32_t Number, std::vector<uint8_t> &Seen);

  void declare(std::string_view Name, Symbol S) {
    Scopes.back().insert_or_assign(std::string(Name), S);
  }
  Operand newRegister(std::string Name, unsigned Bytes);
  uint32_t newLocal(uint64_t Bytes, uint32_t Alignment);

  // Services for the decoder.
  const Symbol *find(std::string_view Name) override;
  std::optional<Operand> special(std::string_view Name) override;
  Operand constant(uint64_t Bits, unsigned Bytes) override;
  uint32_t label(std::string_view Name) override;
  std::optional<std::vector<uint32_t>>
  labelList(std::string_view Name) override;
  std::optional<uint32_t> function(std::string_view Name) override;
  const Function &functionAt(uint32_t Number) override {
    return M.Functions[Number];
  }
  void append(Instruction I) override { Appended.push_back(std::move(I)); }

  std::vector<Token> Tokens;
  size_t At = 0;
  GlobalMemory &Memory;
  Module &M;
  std::vector<Body> Bodies;
  std::map<std::string, Declaration, std::less<>> SharedVariables;
  std::map<std::pair<uint64_t, unsigned>, Operand> KnownConstants;

  /// The function being decoded; kernels inherit the functions' registers.
  Function *F = nullptr;
  Function Base;
  using Scope = std::map<std::string, Symbol, std::less<>>;
  std::vector<Scope> Scopes; // the module's, the function's, ...
  std::map<std::string, uint32_t, std::less<>> Labels;
  std::vector<uint32_t> LabelTargets;
  std::map<std::string, std::vector<uint32_t>, std::less<>> LabelLists;
  std::vector<Instruction> Appended;
};
} // namespace

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

template <typename... Parts>
absl::Status Parser::error(const Parts &...P) const {
  const uint32_t Line =
      Tokens[std::min(At ? At - 1 : 0, Tokens.size() - 1)].Line;
  if (F)
    return makeError("ptx: ", F->IsKernel ? "kernel '" : "function '", F->Name,
                     "' line ", Line, ": ", P...);
  return makeError("ptx: module '", M.Name, "' line ", Line, ": ", P...);
}

absl::Status Parser::expect(std::string_view Text) {
  const Token &T = next();
  if (T.is(Text))
    return absl::OkStatus();
  return error("expected '", Text, "', found '",
               T.K == Token::Kind::EndOfText ? "end of text" : T.Text, "'");
}

absl::StatusOr<int64_t> Parser::number() {
  const bool Negative = accept("-");
  const Token &T = next();
  if (T.K != Token::Kind::Number)
    return error("expected a number, found '", T.Text, "'");
  return int64_t(Negative ? -T.Bits : T.Bits);
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
  std::vector<uint8_t> Seen(M.Functions.size(), 0);
  for (uint32_t Number = 0; Number < M.Functions.size(); ++Number)
    M1_RETURN_IF_ERROR(checkRecursion(Number, Seen));
  return absl::OkStatus();
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
      next();
      return absl::OkStatus();
    } else if (T.is(".target")) {
      do
        next();
      while (accept(","));
      return absl::OkStatus();
    } else if (T.is(".address_size")) {
      M1_ASSIGN_OR_RETURN(int64_t Size, number());
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
      return error("'", T.Text, "' is not known to the emulator");
    }
  }
}

absl::StatusOr<Declaration> Parser::parseDeclaration() {
  Declaration D;
  uint64_t Elements = 1;
  bool Typed = false;
  while (peek().K == Token::Kind::Word && peek().Text[0] == '.') {
    std::string_view Word = next().Text;
    if (Word == ".align") {
      M1_ASSIGN_OR_RETURN(int64_t Alignment, number());
      D.Alignment = Alignment;
    } else if (Word == ".ptr" || Word == ".global" || Word == ".shared" ||
               Word == ".const" || Word == ".local") {
      continue; // what a pointer parameter points to
    } else if (Word == ".v2" || Word == ".v4") {
      Elements = Word == ".v2" ? 2 : 4;
    } else if (std::optional<Type> T = parseType(Word.substr(1))) {
      D.T = *T;
      Typed = true;
    } else {
      return error("'", Word, "' is not known in a declaration");
    }
  }
  if (!Typed || peek().K != Token::Kind::Word)
    return error("expected a type and a name");
  D.Name = next().Text;
  while (accept("[")) {
    if (accept("]")) {
      D.Sized = false;
      continue;
    }
    M1_ASSIGN_OR_RETURN(int64_t Count, number());
    Elements *= Count;
    M1_RETURN_IF_ERROR(expect("]"));
  }
  D.Bytes = Elements * sizeOf(D.T);
  D.Alignment = std::max(D.Alignment, sizeOf(D.T));
  return D;
}

absl::Status Parser::parseGlobal(Space In) {
  M1_ASSIGN_OR_RETURN(Declaration D, parseDeclaration());
  std::vector<std::byte> Bytes(D.Bytes);
  if (accept("=")) {
    // Nested braces only mirror the dimensions: ignore them.
    size_t Offset = 0;
    const unsigned Size = sizeOf(D.T);
    while (!peek().is(";")) {
      if (accept("{") || accept("}") || accept(","))
        continue;
      uint64_t Bits;
      if (peek().K == Token::Kind::Float) {
        double Value = next().Value;
        Bits = Size == 4 ? std::bit_cast<uint32_t>(float(Value))
                         : std::bit_cast<uint64_t>(Value);
      } else {
        M1_ASSIGN_OR_RETURN(int64_t Value, number());
        Bits = Value;
      }
      if (Offset + Size > Bytes.size())
        return error("too many initialisers for '", D.Name, "'");
      std::memcpy(Bytes.data() + Offset, &Bits, Size);
      Offset += Size;
    }
  }
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
  SharedVariables.insert_or_assign(std::string(D.Name), D);
  return expect(";");
}

absl::Status Parser::parseParameters(Function &Fn,
                                     std::vector<ParameterSlot> &Slots) {
  Slots.clear();
  while (!accept(")")) {
    if (!accept(".param"))
      return error("expected '.param', found '", next().Text, "'");
    M1_ASSIGN_OR_RETURN(Declaration D, parseDeclaration());
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
  }
  return absl::OkStatus();
}

absl::Status Parser::parseFunction(bool IsKernel) {
  Function New;
  New.IsKernel = IsKernel;
  if (accept("("))
    M1_RETURN_IF_ERROR(parseParameters(New, New.Results));
  New.Line = peek().Line;
  New.Name = next().Text;
  if (accept("("))
    M1_RETURN_IF_ERROR(parseParameters(New, New.Parameters));
  auto Triple = [&](std::array<uint32_t, 3> &Out) -> absl::Status {
    Out = {1, 1, 1};
    for (unsigned Axis = 0; Axis < 3; ++Axis) {
      M1_ASSIGN_OR_RETURN(int64_t Value, number());
      Out[Axis] = Value;
      if (!accept(","))
        break;
    }
    return absl::OkStatus();
  };
  while (!peek().is("{") && !peek().is(";")) {
    if (accept(".maxntid")) {
      M1_RETURN_IF_ERROR(Triple(New.MaxThreads));
    } else if (accept(".reqntid")) {
      M1_RETURN_IF_ERROR(Triple(New.RequiredThreads));
    } else if (accept(".minnctapersm") || accept(".maxnctapersm") ||
               accept(".maxnreg")) {
      M1_RETURN_IF_ERROR(number().status());
    } else if (!accept(".noreturn")) {
      return error("'", next().Text, "' is not known to the emulator");
    }
  }
  New.IsDefined = !accept(";");
  std::optional<uint32_t> Known = function(New.Name);
  const uint32_t Number = Known ? *Known : uint32_t(M.Functions.size());
  if (Known && M.Functions[Number].IsDefined && New.IsDefined)
    return error("'", New.Name, "' is defined twice");
  if (New.IsDefined) {
    Bodies.push_back({Number, At});
    M1_RETURN_IF_ERROR(skipBraces());
  }
  if (!Known)
    M.Functions.push_back(std::move(New));
  else if (New.IsDefined)
    M.Functions[Number] = std::move(New);
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Function bodies
//===----------------------------------------------------------------------===//

Operand Parser::newRegister(std::string Name, unsigned Bytes) {
  constexpr uint32_t Line = 64; // of the host's cache
  Operand O;
  O.Offset = F->RegisterBytes;
  O.Number = F->RegisterCount++;
  O.Bytes = Bytes;
  F->RegisterBytes = alignTo(F->RegisterBytes + Lanes * Bytes, Line);
  F->RegisterNames.push_back(std::move(Name));
  return O;
}

uint32_t Parser::newLocal(uint64_t Bytes, uint32_t Alignment) {
  const uint32_t Offset = alignTo(F->LocalBytes, Alignment);
  F->LocalBytes = Offset + Bytes;
  return LocalBase + Offset;
}

absl::Status Parser::parseBody(const Body &B) {
  F = &M.Functions[B.Number];
  At = B.At + 1;
  F->RegisterBytes = Base.RegisterBytes;
  F->RegisterCount = Base.RegisterCount;
  F->PredicateCount = Base.PredicateCount;
  F->RegisterNames = Base.RegisterNames;
  F->RegisterNames.resize(F->RegisterCount);
  F->PredicateNames = Base.PredicateNames;
  F->PredicateNames.resize(F->PredicateCount);
  F->LocalBytes = Base.LocalBytes;
  F->Specials = Base.Specials;
  Scopes.resize(1);
  Scopes.emplace_back();
  Labels.clear();
  LabelTargets.clear();
  LabelLists.clear();
  for (std::vector<ParameterSlot> *Slots : {&F->Parameters, &F->Results})
    for (ParameterSlot &Slot : *Slots) {
      if (!F->IsKernel)
        Slot.Offset = newLocal(Slot.Bytes, Slot.Alignment);
      Symbol S(Symbol::Kind::Parameter);
      S.In = F->IsKernel ? Space::Param : Space::Local;
      S.Address = Slot.Offset;
      declare(Slot.Name, S);
    }
  while (Scopes.size() > 1)
    M1_RETURN_IF_ERROR(parseStatement());
  if (F->Code.empty() || !isEnd(F->Code.back()) ||
      F->Code.back().Guard != AlwaysTrue)
    F->Code.push_back(makeReturn(F->IsKernel, Tokens[At - 1].Line));
  M1_RETURN_IF_ERROR(resolveLabels());
  if (F->StaticShared > MaxStaticShared)
    return error(F->StaticShared, " bytes of static shared memory, at most ",
                 MaxStaticShared, " are possible");
  findReconvergencePoints(*F);
  if (!F->IsKernel) {
    Base.RegisterBytes = F->RegisterBytes;
    Base.RegisterCount = F->RegisterCount;
    Base.PredicateCount = F->PredicateCount;
    Base.RegisterNames = F->RegisterNames;
    Base.PredicateNames = F->PredicateNames;
    Base.LocalBytes = F->LocalBytes;
    Base.Specials = F->Specials;
  }
  F = nullptr;
  return absl::OkStatus();
}

absl::Status Parser::parseStatement() {
  if (accept("{")) {
    Scopes.emplace_back();
    return absl::OkStatus();
  }
  if (accept("}")) {
    Scopes.pop_back();
    return absl::OkStatus();
  }
  if (accept(";"))
    return absl::OkStatus();
  if (peek().is(".loc") || peek().is(".file")) {
    const uint32_t Line = peek().Line;
    while (peek().Line == Line && peek().K != Token::Kind::EndOfText)
      next();
    return absl::OkStatus();
  }
  if (accept(".pragma")) {
    next();
    return expect(";");
  }
  if (accept(".reg"))
    return parseRegisters();
  if (accept(".shared"))
    return parseShared(/*Extern=*/false);
  const bool IsLocal = peek().is(".local");
  if (accept(".local") || accept(".param")) {
    M1_ASSIGN_OR_RETURN(Declaration D, parseDeclaration());
    Symbol S(IsLocal ? Symbol::Kind::Address : Symbol::Kind::Parameter);
    S.In = Space::Local;
    S.Address = newLocal(D.Bytes, D.Alignment);
    declare(D.Name, S);
    return expect(";");
  }
  if (peek().K == Token::Kind::Word && peek(1).is(":")) {
    std::string_view Name = next().Text;
    next();
    if (accept(".branchtargets"))
      return parseBranchTargets(Name);
    uint32_t &Target = LabelTargets[label(Name)];
    if (Target != NoIndex)
      return error("duplicate label '", Name, "'");
    Target = F->Code.size();
    return absl::OkStatus();
  }
  return parseInstruction();
}

absl::Status Parser::parseRegisters() {
  const Token &TypeName = next();
  std::optional<Type> T =
      TypeName.Text.empty() ? std::nullopt : parseType(TypeName.Text.substr(1));
  if (!T)
    return error("registers of type '", TypeName.Text, "' are not known");
  do {
    std::string_view Prefix = next().Text;
    uint64_t Count = 0;
    if (accept("<")) {
      M1_ASSIGN_OR_RETURN(int64_t N, number());
      Count = N;
      M1_RETURN_IF_ERROR(expect(">"));
    }
    for (uint64_t I = 0; I < std::max<uint64_t>(Count, 1); ++I) {
      std::string Name = Count ? concat(Prefix, I) : std::string(Prefix);
      Symbol S(Symbol::Kind::Register);
      if (*T == Type::Pred) {
        if (F->PredicateCount == std::numeric_limits<Predicate>::max())
          return error("too many predicates for the emulator");
        S.K = Symbol::Kind::Predicate;
        S.P = F->PredicateCount++;
        F->PredicateNames.push_back(Name);
      } else {
        S.Register = newRegister(Name, std::max(sizeOf(*T), 2u));
      }
      declare(Name, S);
    }
  } while (accept(","));
  return expect(";");
}

absl::Status Parser::parseBranchTargets(std::string_view Name) {
  std::vector<uint32_t> &Targets = LabelLists[std::string(Name)];
  do
    Targets.push_back(label(next().Text));
  while (accept(","));
  return expect(";");
}

absl::StatusOr<TextOperand> Parser::parseOperand() {
  TextOperand O;
  auto Several = [&](std::string_view End) -> absl::Status {
    while (!accept(End)) {
      M1_ASSIGN_OR_RETURN(TextOperand Part, parseOperand());
      O.Parts.push_back(std::move(Part));
      if (!peek().is(End))
        M1_RETURN_IF_ERROR(expect(","));
    }
    return absl::OkStatus();
  };
  if (accept("{")) {
    O.K = TextOperand::Kind::Vector;
    M1_RETURN_IF_ERROR(Several("}"));
    return O;
  }
  if (accept("(")) {
    O.K = TextOperand::Kind::List;
    M1_RETURN_IF_ERROR(Several(")"));
    return O;
  }
  if (accept("[")) {
    O.K = TextOperand::Kind::Address;
    M1_ASSIGN_OR_RETURN(TextOperand Part, parseOperand());
    O.Parts.push_back(std::move(Part));
    // "+4", "-4" and also "+-4".
    const bool Plus = accept("+");
    if (Plus || peek().is("-")) {
      M1_ASSIGN_OR_RETURN(O.Offset, number());
    }
    M1_RETURN_IF_ERROR(expect("]"));
    return O;
  }
  O.Negated = accept("!");
  const bool Minus = accept("-");
  const Token &T = next();
  if (T.K == Token::Kind::Number) {
    O.K = TextOperand::Kind::Number;
    O.Bits = Minus ? -T.Bits : T.Bits;
  } else if (T.K == Token::Kind::Float) {
    O.K = TextOperand::Kind::Float;
    O.Value = Minus ? -T.Value : T.Value;
  } else if (T.K == Token::Kind::Word && !Minus) {
    O.Word = T.Text;
    if (accept("|"))
      O.Second = next().Text;
  } else {
    return error("expected an operand, found '", T.Text, "'");
  }
  return O;
}

absl::Status Parser::parseInstruction() {
  Instruction I;
  I.Line = peek().Line;
  if (accept("@")) {
    I.GuardNegated = accept("!");
    const Symbol *S = find(next().Text);
    if (!S || S->K != Symbol::Kind::Predicate)
      return error("'", Tokens[At - 1].Text, "' is not a predicate");
    I.Guard = S->P;
  }
  const Token &Opcode = next();
  I.Name = Opcode.Text;
  std::vector<std::string_view> Modifiers;
  for (size_t Begin = 0; Begin <= I.Name.size();) {
    size_t End = std::min(I.Name.find('.', Begin), I.Name.size());
    Modifiers.push_back(I.Name.substr(Begin, End - Begin));
    Begin = End + 1;
  }
  const Family *Known = findFamily(Modifiers[0]);
  auto Unknown = [&](std::string_view Why) {
    return error("instruction '", I.Name, "' is not known to the emulator",
                 Why.empty() ? "" : ": ", Why);
  };
  if (Opcode.K != Token::Kind::Word || !Known)
    return Unknown("");
  Modifiers.erase(Modifiers.begin());

  std::vector<TextOperand> Operands;
  while (!accept(";")) {
    M1_ASSIGN_OR_RETURN(TextOperand O, parseOperand());
    Operands.push_back(std::move(O));
    if (!peek().is(";"))
      M1_RETURN_IF_ERROR(expect(","));
  }
  Decoder D(*this, std::move(Modifiers), std::move(Operands));
  if (!Known->Decode(D, I) || !D.done() || !I.Run)
    return Unknown(D.message());
  Instruction Model = I; // its guard, line and name
  F->Code.push_back(std::move(I));
  for (Instruction &Extra : Appended) {
    Extra.Guard = Model.Guard;
    Extra.GuardNegated = Model.GuardNegated;
    Extra.Line = Model.Line;
    Extra.Name = Model.Name;
    F->Code.push_back(std::move(Extra));
  }
  Appended.clear();
  return absl::OkStatus();
}

absl::Status Parser::resolveLabels() {
  for (const auto &[Name, Number] : Labels)
    if (LabelTargets[Number] == NoIndex)
      return error("there is no label '", Name, "'");
  for (Instruction &I : F->Code) {
    if (isBranch(I))
      I.Immediate = LabelTargets[I.Immediate];
    if (isIndirectBranch(I))
      for (uint32_t &Target : I.List)
        Target = LabelTargets[Target];
  }
  return absl::OkStatus();
}

/// Rejects recursion: a function's registers and parameters are allocated once
/// for all of its calls.
absl::Status Parser::checkRecursion(uint32_t Number,
                                    std::vector<uint8_t> &Seen) {
  enum : uint8_t { Fresh, Open, Closed };
  if (Seen[Number] == Closed)
    return absl::OkStatus();
  const Function &Fn = M.Functions[Number];
  if (Seen[Number] == Open)
    return makeError("ptx: function '", Fn.Name, "' line ", Fn.Line,
                     ": recursion is not known to the emulator");
  Seen[Number] = Open;
  for (const Instruction &I : Fn.Code) {
    if (!isCall(I))
      continue;
    if (!M.Functions[I.Callee].IsDefined)
      return makeError("ptx: function '", Fn.Name, "' line ", I.Line,
                       ": call of '", M.Functions[I.Callee].Name,
                       "', which the module does not define");
    M1_RETURN_IF_ERROR(checkRecursion(I.Callee, Seen));
  }
  Seen[Number] = Closed;
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

const Symbol *Parser::find(std::string_view Name) {
  for (auto It = Scopes.rbegin(); It != Scopes.rend(); ++It)
    if (auto Found = It->find(Name); Found != It->end())
      return &Found->second;
  // A shared variable is allocated in each kernel that uses it.
  auto Shared = SharedVariables.find(Name);
  if (Shared == SharedVariables.end() || !F->IsKernel)
    return nullptr;
  const Declaration &D = Shared->second;
  Symbol S(Symbol::Kind::Address);
  S.In = Space::Shared;
  if (D.Sized) {
    const uint32_t Offset = alignTo(F->StaticShared, D.Alignment);
    F->StaticShared = Offset + D.Bytes;
    S.Address = StaticSharedBase + Offset;
  } else {
    S.Address = DynamicSharedBase;
  }
  return &Scopes[1].insert_or_assign(std::string(Name), S).first->second;
}

std::optional<Operand> Parser::special(std::string_view Name) {
  if (!isSpecialRegister(Name))
    return std::nullopt;
  for (const auto &[Spelling, O] : F->Specials)
    if (Spelling == Name)
      return O;
  Operand O = newRegister(std::string(Name), 4);
  F->Specials.emplace_back(Name, O);
  return O;
}

Operand Parser::constant(uint64_t Bits, unsigned Bytes) {
  if (Bytes < 8)
    Bits &= (1ull << (8 * Bytes)) - 1;
  Operand &O = KnownConstants[{Bits, Bytes}];
  if (O.Bytes)
    return O;
  O.Bytes = Bytes;
  O.Constant = true;
  O.Offset = M.Constants.size() * sizeof(uint64_t);
  uint64_t Word = Bits;
  for (unsigned Have = Bytes; Have < sizeof(uint64_t); Have *= 2)
    Word |= Word << (8 * Have);
  const size_t Words = Lanes * size_t(Bytes) / sizeof(uint64_t);
  M.Constants.resize(M.Constants.size() + Words, Word);
  return O;
}

uint32_t Parser::label(std::string_view Name) {
  auto [It, New] = Labels.try_emplace(std::string(Name), LabelTargets.size());
  if (New)
    LabelTargets.push_back(NoIndex);
  return It->second;
}

std::optional<std::vector<uint32_t>> Parser::labelList(std::string_view Name) {
  auto It = LabelLists.find(Name);
  if (It == LabelLists.end())
    return std::nullopt;
  return It->second;
}

std::optional<uint32_t> Parser::function(std::string_view Name) {
  for (uint32_t Number = 0; Number < M.Functions.size(); ++Number)
    if (M.Functions[Number].Name == Name)
      return Number;
  return std::nullopt;
}

absl::Status ptx::parseModule(std::string_view Text, std::string_view Name,
                              GlobalMemory &Memory, Module &Out) {
  Out.Name = Name;
  Out.Text = Text;
  M1_ASSIGN_OR_RETURN(std::vector<Token> Tokens, tokenize(Out.Text, Name));
  return Parser(std::move(Tokens), Memory, Out).run();
}
