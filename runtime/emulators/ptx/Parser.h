//===- Parser.h - PTX text to a module --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_PARSER_H
#define M1C_RUNTIME_EMULATORS_PTX_PARSER_H

#include "runtime/emulators/ptx/Decoder.h"
#include "runtime/emulators/ptx/Lexer.h"
#include "runtime/emulators/ptx/Module.h"

#include <functional>
#include <map>
#include <unordered_map>

namespace m1::ptx {

/// A variable declaration.
struct Declaration {
  Type T = Type::B8;
  std::string_view Name;
  uint64_t Bytes = 0;
  uint32_t Alignment = 1;
  bool Sized = true; // false: "name[]"
};

/// `Alignment` is a power of two.
inline uint64_t alignTo(uint64_t Value, uint64_t Alignment) {
  return (Value + Alignment - 1) & ~(Alignment - 1);
}

/// A hash table with names as keys.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view Name) const {
    return std::hash<std::string_view>()(Name);
  }
};
template <typename T>
using NameMap = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;

class Parser : Decoder::Context {
public:
  Parser(std::vector<Token> Tokens, GlobalMemory &Memory, Module &M)
      : Tokens(std::move(Tokens)), Memory(Memory), M(M) {}

  absl::Status run();

private:
  /// A function whose body is between the braces at tokens `At` and `End` - 1.
  struct Body {
    uint32_t Number;
    size_t At, End;
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
  template <typename... Parts> absl::Status error(const Parts &...P) const {
    const uint32_t Line =
        Tokens[std::min(At ? At - 1 : 0, Tokens.size() - 1)].Line;
    if (F)
      return makeError("ptx: ", F->IsKernel ? "kernel '" : "function '",
                       F->Name, "' line ", Line, ": ", P...);
    return makeError("ptx: module '", M.Name, "' line ", Line, ": ", P...);
  }
  /// The next token as errors show it.
  std::string_view shown(const Token &T) const {
    return T.K == Token::Kind::EndOfText ? "end of text" : T.Text;
  }
  /// A number of at most 64 bits, as two's complement.
  absl::StatusOr<uint64_t> number();
  /// A number from `Min` to `Max`. `What`: "an alignment".
  absl::StatusOr<uint64_t> number(std::string_view What, uint64_t Min,
                                  uint64_t Max);
  /// `What`: "a label".
  absl::StatusOr<std::string_view> word(std::string_view What);
  absl::Status skipBraces();

  // Module level.
  absl::Status parseTopLevel();
  absl::StatusOr<Declaration> parseDeclaration();
  /// The same, for variables whose size must be given.
  absl::StatusOr<Declaration> parseSized(std::string_view What,
                                         uint64_t MaxBytes);
  absl::Status parseGlobal(Space In);
  absl::Status parseInitialisers(const Declaration &D,
                                 std::vector<std::byte> &Bytes);
  absl::Status parseShared(bool Extern);
  absl::Status parseFunction(bool IsKernel);
  absl::Status parseParameters(Function &Fn, std::vector<ParameterSlot> &Slots);
  absl::Status parseDirectives(Function &Fn);
  absl::Status parseThreads(std::array<uint32_t, 3> &Out);
  absl::Status checkCalls();

  // Function bodies.
  absl::Status parseBody(const Body &B);
  absl::Status parseStatement();
  absl::Status parseRegisters();
  absl::Status parseBranchTargets(std::string_view Name);
  absl::Status parseInstruction();
  absl::StatusOr<TextOperand> parseOperand();
  absl::StatusOr<TextOperand> parseSimpleOperand();
  absl::StatusOr<std::vector<TextOperand>> parseOperands(std::string_view End,
                                                         bool Nested);
  absl::Status addInstruction(Instruction I);
  absl::Status resolveLabels();

  void declare(std::string_view Name, Symbol S) {
    Scopes.back().insert_or_assign(std::string(Name), S);
  }
  absl::Status declareRegisters(Type T, std::string_view Prefix,
                                std::optional<uint64_t> Count);
  Operand newRegister(std::string Name, unsigned Bytes);
  uint32_t newLocal(uint64_t Bytes, uint32_t Alignment);
  /// Notes an error that a function without a status found; parseInstruction
  /// or parseBody reports it.
  template <typename... Parts> void refuse(const Parts &...P) {
    if (Refused.ok())
      Refused = error(P...);
  }

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
  NameMap<Declaration> SharedVariables;
  std::map<std::pair<uint64_t, unsigned>, Operand> KnownConstants;
  /// Of the module so far; see Limits.h.
  uint64_t VariableBytes = 0, Instructions = 0, Registers = 0;

  /// The function being decoded. Each begins with the registers, predicates,
  /// local memory and special registers of the functions before it, which
  /// `Base` has.
  Function *F = nullptr;
  Function Base;
  using Scope = NameMap<Symbol>;
  std::vector<Scope> Scopes; // the module's, the function's, ...
  NameMap<uint32_t> Labels;
  std::vector<std::string_view> LabelNames; // by number
  std::vector<uint32_t> LabelTargets;
  NameMap<std::vector<uint32_t>> LabelLists;
  std::vector<Instruction> Appended;
  absl::Status Refused;
};

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_PARSER_H
