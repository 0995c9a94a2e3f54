//===- ParseBody.cpp - the body of a PTX function -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Instructions.h"
#include "runtime/emulators/ptx/Limits.h"
#include "runtime/emulators/ptx/Parser.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

//===----------------------------------------------------------------------===//
// Function bodies
//===----------------------------------------------------------------------===//

Operand Parser::newRegister(std::string Name, unsigned Bytes) {
  constexpr uint32_t Line = 64; // of the host's cache
  if (F->RegisterCount > MaxKernelRegisters || Registers >= MaxRegisters) {
    refuse("more than ", MaxKernelRegisters, " registers, or ", MaxRegisters,
           " in the module");
    return {};
  }
  Operand O;
  O.Offset = F->RegisterBytes;
  O.Number = F->RegisterCount++;
  O.Bytes = Bytes;
  F->RegisterBytes = alignTo(F->RegisterBytes + Lanes * Bytes, Line);
  (F->IsKernel ? F->RegisterNames : M.RegisterNames).push_back(std::move(Name));
  ++Registers;
  return O;
}

uint32_t Parser::newLocal(uint64_t Bytes, uint32_t Alignment) {
  const uint64_t Offset = alignTo(F->LocalBytes, Alignment);
  if (Bytes > MaxLocalBytes || Offset + Bytes > MaxLocalBytes) {
    refuse(Offset + Bytes, " bytes of local memory, expected at most ",
           MaxLocalBytes, " with that of all functions");
    return LocalBase;
  }
  F->LocalBytes = Offset + Bytes;
  return LocalBase + Offset;
}

absl::Status Parser::parseBody(const Body &B) {
  F = &M.Functions[B.Number];
  At = B.At + 1;
  F->RegisterBytes = Base.RegisterBytes;
  F->RegisterCount = Base.RegisterCount;
  F->PredicateCount = Base.PredicateCount;
  F->LocalBytes = Base.LocalBytes;
  F->Specials = Base.Specials;
  Scopes.resize(1);
  Scopes.emplace_back();
  Labels.clear();
  LabelNames.clear();
  LabelTargets.clear();
  LabelLists.clear();
  for (std::vector<ParameterSlot> *Slots : {&F->Parameters, &F->Results})
    for (ParameterSlot &Slot : *Slots) {
      if (!F->IsKernel)
        Slot.Offset = newLocal(Slot.Bytes, Slot.Alignment);
      Symbol S(Symbol::Kind::Parameter);
      S.In = F->IsKernel ? Space::Param : Space::Local;
      S.Address = Slot.Offset;
      S.Bytes = Slot.Bytes;
      declare(Slot.Name, S);
    }
  while (Scopes.size() > 1) {
    if (At >= B.End)
      return error("the body ends inside a statement");
    M1_RETURN_IF_ERROR(parseStatement());
    M1_RETURN_IF_ERROR(Refused);
  }
  // Execution neither falls off the end nor branches there.
  const uint32_t End = F->Code.size();
  if (End == 0 || !isEnd(F->Code.back()) ||
      F->Code.back().Guard != AlwaysTrue ||
      std::find(LabelTargets.begin(), LabelTargets.end(), End) !=
          LabelTargets.end())
    M1_RETURN_IF_ERROR(
        addInstruction(makeReturn(F->IsKernel, Tokens[At - 1].Line)));
  M1_RETURN_IF_ERROR(resolveLabels());
  findReconvergencePoints(*F);
  if (!F->IsKernel) {
    Base.RegisterBytes = F->RegisterBytes;
    Base.RegisterCount = F->RegisterCount;
    Base.PredicateCount = F->PredicateCount;
    Base.LocalBytes = F->LocalBytes;
    Base.Specials = F->Specials;
  }
  F = nullptr;
  return absl::OkStatus();
}

absl::Status Parser::parseStatement() {
  if (accept("{")) {
    if (Scopes.size() == MaxScopes)
      return error("more than ", MaxScopes, " nested '{'");
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
    if (const Token &T = next(); T.K != Token::Kind::String)
      return error("expected a string, found '", shown(T), "'");
    return expect(";");
  }
  if (accept(".reg"))
    return parseRegisters();
  if (accept(".shared"))
    return parseShared(/*Extern=*/false);
  const bool IsLocal = peek().is(".local");
  if (accept(".local") || accept(".param")) {
    M1_ASSIGN_OR_RETURN(
        Declaration D,
        parseSized(IsLocal ? "variable" : "parameter", MaxLocalBytes));
    Symbol S(IsLocal ? Symbol::Kind::Address : Symbol::Kind::Parameter);
    S.In = Space::Local;
    S.Address = newLocal(D.Bytes, D.Alignment);
    S.Bytes = D.Bytes;
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
    return error("registers of type '", shown(TypeName), "' are not known");
  do {
    M1_ASSIGN_OR_RETURN(std::string_view Prefix, word("a register's name"));
    std::optional<uint64_t> Count;
    if (accept("<")) {
      M1_ASSIGN_OR_RETURN(
          Count, number("a number of registers", 1, MaxKernelRegisters));
      M1_RETURN_IF_ERROR(expect(">"));
    }
    M1_RETURN_IF_ERROR(declareRegisters(*T, Prefix, Count));
  } while (accept(","));
  return expect(";");
}

absl::Status Parser::declareRegisters(Type T, std::string_view Prefix,
                                      std::optional<uint64_t> Count) {
  for (uint64_t I = 0; I < Count.value_or(1) && Refused.ok(); ++I) {
    std::string Name = Count ? concat(Prefix, I) : std::string(Prefix);
    Symbol S(Symbol::Kind::Register);
    if (T == Type::Pred) {
      if (F->PredicateCount == std::numeric_limits<Predicate>::max() ||
          Registers++ == MaxRegisters)
        return error("too many predicates for the emulator");
      S.K = Symbol::Kind::Predicate;
      S.P = F->PredicateCount++;
      (F->IsKernel ? F->PredicateNames : M.PredicateNames).push_back(Name);
    } else {
      S.Register = newRegister(Name, std::max(sizeOf(T), 2u));
    }
    declare(Name, S);
  }
  return Refused;
}

absl::Status Parser::parseBranchTargets(std::string_view Name) {
  std::vector<uint32_t> &Targets = LabelLists[std::string(Name)];
  if (!Targets.empty())
    return error("duplicate label '", Name, "'");
  do {
    if (Targets.size() == MaxTargets)
      return error("more than ", MaxTargets, " targets of a branch");
    M1_ASSIGN_OR_RETURN(std::string_view Target, word("a label"));
    Targets.push_back(label(Target));
  } while (accept(","));
  return expect(";");
}

absl::StatusOr<TextOperand> Parser::parseSimpleOperand() {
  TextOperand O;
  O.Negated = accept("!");
  const bool Minus = accept("-");
  const Token &T = next();
  if (T.K == Token::Kind::Number) {
    if (Minus && T.Bits > uint64_t(1) << 63)
      return error("the number -", T.Text, " has more than 64 bits");
    O.K = TextOperand::Kind::Number;
    O.Bits = Minus ? -T.Bits : T.Bits;
  } else if (T.K == Token::Kind::Float) {
    O.K = TextOperand::Kind::Float;
    O.Value = Minus ? -T.Value : T.Value;
  } else if (T.K == Token::Kind::Word && !Minus) {
    O.Word = T.Text;
    if (accept("|")) {
      M1_ASSIGN_OR_RETURN(O.Second, word("a predicate"));
    }
  } else {
    return error("expected an operand, found '", shown(T), "'");
  }
  return O;
}

/// Operands up to `End`, between commas. Only those of an instruction can be
/// vectors, lists or addresses: there is no recursion.
absl::StatusOr<std::vector<TextOperand>>
Parser::parseOperands(std::string_view End, bool Nested) {
  std::vector<TextOperand> Operands;
  while (!accept(End)) {
    if (Operands.size() == MaxOperands)
      return error("more than ", MaxOperands, " operands");
    M1_ASSIGN_OR_RETURN(TextOperand O,
                        Nested ? parseSimpleOperand() : parseOperand());
    Operands.push_back(std::move(O));
    if (!peek().is(End))
      M1_RETURN_IF_ERROR(expect(","));
  }
  return Operands;
}

absl::StatusOr<TextOperand> Parser::parseOperand() {
  TextOperand O;
  if (accept("{")) {
    O.K = TextOperand::Kind::Vector;
    M1_ASSIGN_OR_RETURN(O.Parts, parseOperands("}", /*Nested=*/true));
    return O;
  }
  if (accept("(")) {
    O.K = TextOperand::Kind::List;
    M1_ASSIGN_OR_RETURN(O.Parts, parseOperands(")", /*Nested=*/true));
    return O;
  }
  if (accept("[")) {
    O.K = TextOperand::Kind::Address;
    M1_ASSIGN_OR_RETURN(TextOperand Part, parseSimpleOperand());
    O.Parts.push_back(std::move(Part));
    // "+4", "-4" and also "+-4".
    const bool Plus = accept("+");
    if (Plus || peek().is("-")) {
      M1_ASSIGN_OR_RETURN(O.Offset, number());
    }
    M1_RETURN_IF_ERROR(expect("]"));
    return O;
  }
  return parseSimpleOperand();
}

absl::Status Parser::addInstruction(Instruction I) {
  Instructions += 1 + I.List.size();
  if (Instructions > MaxInstructions)
    return error("more than ", MaxInstructions,
                 " instructions and targets of branches in the module");
  F->Code.push_back(std::move(I));
  return absl::OkStatus();
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

  M1_ASSIGN_OR_RETURN(std::vector<TextOperand> Operands,
                      parseOperands(";", /*Nested=*/false));
  Decoder D(*this, std::move(Modifiers), std::move(Operands));
  if (!Known->Decode(D, I) || !D.done() || !I.Run)
    return Refused.ok() ? Unknown(D.message()) : Refused;
  for (Instruction &Extra : Appended) {
    Extra.Guard = I.Guard;
    Extra.GuardNegated = I.GuardNegated;
    Extra.Line = I.Line;
    Extra.Name = I.Name;
  }
  M1_RETURN_IF_ERROR(addInstruction(std::move(I)));
  for (Instruction &Extra : Appended)
    M1_RETURN_IF_ERROR(addInstruction(std::move(Extra)));
  Appended.clear();
  return absl::OkStatus();
}

absl::Status Parser::resolveLabels() {
  for (size_t Number = 0; Number < LabelTargets.size(); ++Number)
    if (LabelTargets[Number] == NoIndex)
      return error("there is no label '", LabelNames[Number], "'");
  for (Instruction &I : F->Code) {
    if (isBranch(I))
      I.Immediate = LabelTargets[I.Immediate];
    if (isIndirectBranch(I))
      for (uint32_t &Target : I.List)
        Target = LabelTargets[Target];
  }
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
    const uint64_t Offset = alignTo(F->StaticShared, D.Alignment);
    if (Offset + D.Bytes > MaxStaticShared) {
      refuse(Offset + D.Bytes, " bytes of static shared memory, at most ",
             MaxStaticShared, " are possible");
      return nullptr;
    }
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
  if ((M.Constants.size() + Words) * sizeof(uint64_t) > MaxConstantBytes) {
    refuse("constants of more than ", MaxConstantBytes, " bytes in the module");
    return O;
  }
  M.Constants.resize(M.Constants.size() + Words, Word);
  return O;
}

uint32_t Parser::label(std::string_view Name) {
  auto [It, New] = Labels.try_emplace(std::string(Name), LabelTargets.size());
  if (New) {
    LabelNames.push_back(Name);
    LabelTargets.push_back(NoIndex);
  }
  return It->second;
}

std::optional<std::vector<uint32_t>> Parser::labelList(std::string_view Name) {
  auto It = LabelLists.find(Name);
  if (It == LabelLists.end())
    return std::nullopt;
  return It->second;
}

std::optional<uint32_t> Parser::function(std::string_view Name) {
  auto Found = M.FunctionNumbers.find(Name);
  if (Found == M.FunctionNumbers.end())
    return std::nullopt;
  return Found->second;
}
