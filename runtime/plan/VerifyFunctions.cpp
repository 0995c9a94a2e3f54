//===- VerifyFunctions.cpp - verifies functions ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Verifier.h"

#include "runtime/plan/Mesh.h"
#include "runtime/schema/InitFunction.h"

#include <set>
#include <string>

using namespace m1;

namespace {
/// Upper bound of the numbers of an expression: far above any size, and low
/// enough that differences, negations and sums of a few do not overflow.
constexpr int64_t MaxNumber = int64_t(1) << 60;

/// The values of an expression at the least and the greatest value of its
/// symbol, in which it is monotonic.
struct Range {
  int64_t AtLeast, AtMost;
  int64_t low() const { return std::min(AtLeast, AtMost); }
  int64_t high() const { return std::max(AtLeast, AtMost); }
};

class FunctionVerifier : Verifier {
public:
  FunctionVerifier(const plan::Plan &Plan, const std::string &Name)
      : Verifier(Plan, Name) {}

  absl::Status run() {
    for (uint32_t I = 0; I < length(P.parameters()); ++I)
      ParameterBytes.push_back(localBytes(*P.parameters()->Get(I)));
    std::set<std::string_view> Names;
    for (uint32_t I = 0; I < length(P.functions()); ++I)
      M1_RETURN_IF_ERROR(function(*P.functions()->Get(I), Names));
    return absl::OkStatus();
  }

private:
  /// The values that a symbol can have, in the step if there is one.
  struct Values {
    int64_t Least, Most;
  };
  Values valuesOf(uint32_t Symbol) const {
    Values Result = {0, P.symbols()->Get(Symbol)->max()};
    if (Holds && Holds->symbol() == Symbol) {
      Result.Least = std::clamp(Holds->at_least(), int64_t(0), Result.Most);
      // A step that is never executed is verified for its least value.
      Result.Most = std::clamp(Holds->below() - 1, Result.Least, Result.Most);
    }
    return Result;
  }

  /// Whether an expression may be another on each rank.
  enum class Ranks { Same, Differ };

  /// Verifies an expression for all values of its symbol.
  absl::StatusOr<Range> expression(const plan::Expr *E, const char *What,
                                   Ranks May = Ranks::Same) {
    if (!E)
      return fail(What, " is missing");
    if (E->divide() < 1)
      return fail(What, " divides by ", E->divide());
    Values Of = {0, 0};
    if (E->symbol() >= 0) {
      if (static_cast<uint32_t>(E->symbol()) >= length(P.symbols()))
        return fail(What, " uses symbol ", E->symbol(), " of ",
                    length(P.symbols()));
      const bool OfMesh = isMeshSymbol(P, E->symbol());
      if (OfMesh && May == Ranks::Same)
        return fail(What, " is not the same on all ranks: it uses '",
                    view(P.symbols()->Get(E->symbol())->name()),
                    "', which is a coordinate in the mesh");
      if (!OfMesh && !Bound.empty() && !Bound[E->symbol()])
        return fail(What, " uses symbol '",
                    view(P.symbols()->Get(E->symbol())->name()),
                    "', which no input of the function determines");
      Of = valuesOf(E->symbol());
    }
    int64_t Product, Sum;
    if (__builtin_mul_overflow(Of.Most, E->multiply(), &Product) ||
        __builtin_add_overflow(Product, E->add(), &Sum))
      return fail(What, " overflows at the symbol's bound");
    for (int64_t Number : {E->multiply(), E->add(), E->divide(), Product})
      if (Number < -MaxNumber || Number > MaxNumber)
        return fail(What, " has or reaches the number ", Number,
                    ", expected at most 2^60");
    // No more than the product at the bound.
    const int64_t First = Of.Least * E->multiply() + E->add();
    return Range{evaluate(plan::Expr(-1, 0, First, E->divide()), {}),
                 evaluate(plan::Expr(-1, 0, Sum, E->divide()), {})};
  }

  /// Verifies an input or output; its bytes at the symbols' bounds.
  absl::StatusOr<uint64_t> tensor(const plan::Tensor &Tensor, bool IsInput,
                                  std::set<std::string_view> &Names) {
    std::string_view Name = view(Tensor.name());
    M1_RETURN_IF_ERROR(uniqueName(Name, "tensor", Names));
    // Results are written to files of this name.
    for (char C : Name)
      if (!std::isalnum(static_cast<unsigned char>(C)) && C != '_' &&
          C != '-' && (C != '.' || Name[0] == '.'))
        return fail("tensor name '", Name,
                    "' has characters other than "
                    "letters, digits, '_', '-', '.'");
    M1_RETURN_IF_ERROR(dtype(Tensor.dtype(), Name));
    M1_RETURN_IF_ERROR(shape(Tensor.shape(), Name));
    uint64_t Bytes = byteSize(elementType(Tensor.dtype()));
    for (uint32_t I = 0; I < length(Tensor.shape()); ++I) {
      const plan::Expr *Extent = Tensor.shape()->Get(I);
      M1_ASSIGN_OR_RETURN(Range R, expression(Extent, "an extent"));
      if (R.low() < 0)
        return fail("tensor '", Name, "' can have a negative extent");
      if (IsInput && Extent->symbol() >= 0 &&
          (Extent->multiply() != 1 || Extent->divide() != 1))
        return fail("input '", Name,
                    "': an extent must be a number, a symbol, "
                    "or a symbol plus a number");
      // Also if another extent is 0.
      if (static_cast<uint64_t>(R.high()) > MaxBytes ||
          __builtin_mul_overflow(Bytes, static_cast<uint64_t>(R.high()),
                                 &Bytes) ||
          Bytes > MaxBytes)
        return fail("tensor '", Name, "' is too large");
    }
    TensorBytes += Bytes;
    if (TensorBytes > MaxBytes)
      return fail("tensor '", Name, "' has ", Bytes,
                  " bytes, and with those before it ", TensorBytes,
                  ", expected at most ", MaxBytes, " for all of a function");
    return Bytes;
  }

  absl::Status function(const plan::Function &F,
                        std::set<std::string_view> &Functions) {
    Context.clear();
    M1_RETURN_IF_ERROR(uniqueName(view(F.name()), "function", Functions));
    IsInit = view(F.name()) == plan::kInitFunction;
    Context = concat("function '", view(F.name()), "': ");
    if (IsInit && (length(F.inputs()) || length(F.outputs())))
      return fail("'init' can have neither inputs nor outputs");
    InputBytes.clear();
    OutputBytes.clear();
    TensorBytes = 0;
    EndsAt.clear();
    Bound.clear();
    std::set<std::string_view> Names;
    for (uint32_t I = 0; I < length(F.inputs()); ++I) {
      M1_ASSIGN_OR_RETURN(uint64_t Bytes,
                          tensor(*F.inputs()->Get(I), true, Names));
      InputBytes.push_back(Bytes);
    }
    // From here on, expressions use only symbols that the inputs determine. One
    // more entry than there are symbols, so that the list is never empty.
    std::vector<bool> Determined(length(P.symbols()) + 1);
    for (uint32_t I = 0; I < length(F.inputs()); ++I)
      for (uint32_t J = 0; J < length(F.inputs()->Get(I)->shape()); ++J)
        if (int S = F.inputs()->Get(I)->shape()->Get(J)->symbol(); S >= 0)
          Determined[S] = true;
    Bound = std::move(Determined);
    for (uint32_t I = 0; I < length(F.outputs()); ++I) {
      M1_ASSIGN_OR_RETURN(uint64_t Bytes,
                          tensor(*F.outputs()->Get(I), false, Names));
      OutputBytes.push_back(Bytes);
    }
    for (uint32_t I = 0; I < length(F.checks()); ++I)
      M1_RETURN_IF_ERROR(check(F, I));
    if (length(F.drawn()) > length(F.outputs()))
      return fail(length(F.drawn()), " outputs of ", length(F.outputs()),
                  " are drawn");
    for (uint32_t I = 0; I < length(F.drawn()); ++I) {
      uint32_t Output = F.drawn()->Get(I);
      if (Output >= length(F.outputs()))
        return fail("output ", Output, " of ", length(F.outputs()),
                    " is drawn");
      if (F.outputs()->Get(Output)->dtype() != plan::DType::I32)
        return fail("output '", view(F.outputs()->Get(Output)->name()),
                    "' is drawn and is not I32");
    }
    std::string FunctionContext = Context;
    for (uint32_t I = 0; I < length(F.steps()); ++I) {
      const plan::Step &Step = *F.steps()->Get(I);
      M1_RETURN_IF_ERROR(text("step's source", view(Step.source())));
      Context = concat(FunctionContext, "step ", I);
      if (Step.source())
        Context += concat(" (", view(Step.source()), ")");
      Context += ": ";
      M1_RETURN_IF_ERROR(condition(Step.condition()));
      Holds = Step.condition();
      M1_RETURN_IF_ERROR(step(Step));
      Holds = nullptr;
    }
    Context.clear();
    Bound.clear();
    return absl::OkStatus();
  }

  /// Verifies check `Number` of a function; those before it are valid.
  absl::Status check(const plan::Function &F, uint32_t Number) {
    const plan::Check &Check = *F.checks()->Get(Number);
    if (!inEnum(Check.kind(), plan::CheckKind::MIN, plan::CheckKind::MAX))
      return fail("check ", Number, " is of unknown kind ",
                  static_cast<int>(Check.kind()));
    if (Check.input() >= length(F.inputs()))
      return fail("check ", Number, " refers to input ", Check.input(), " of ",
                  length(F.inputs()));
    const plan::Tensor &Input = *F.inputs()->Get(Check.input());
    if (Input.dtype() != plan::DType::I32)
      return fail("check ", Number, " is about input '", view(Input.name()),
                  "', which is not I32");
    if (Check.kind() == plan::CheckKind::Below && Check.limit() < 1)
      return fail("check ", Number, ": elements of input '", view(Input.name()),
                  "' must be below ", Check.limit(), ", expected at least 1");
    if (Check.kind() == plan::CheckKind::RowOrNone)
      return expression(Check.total(), "a total").status();
    if (Check.kind() != plan::CheckKind::Offsets &&
        Check.kind() != plan::CheckKind::Consecutive)
      return absl::OkStatus();
    if (length(Input.shape()) != 1)
      return fail("check ", Number, " is about input '", view(Input.name()),
                  "', which has ", length(Input.shape()),
                  " dimensions, expected 1");
    const plan::Expr &Extent = *Input.shape()->Get(0);
    if (Check.kind() == plan::CheckKind::Offsets) {
      M1_RETURN_IF_ERROR(expression(Check.total(), "a total").status());
      M1_ASSIGN_OR_RETURN(Range R, expression(&Extent, "an extent"));
      if (R.low() < 1)
        return fail("check ", Number, " is about input '", view(Input.name()),
                    "', which can be empty");
      EndsAt.emplace(Check.input(), form(*Check.total()));
      return absl::OkStatus();
    }
    if (EndsAt.count({Check.offsets(), form(Extent)}))
      return absl::OkStatus();
    return fail("check ", Number, ": no earlier Offsets check of input ",
                Check.offsets(), " has the extent of '", view(Input.name()),
                "' as its total");
  }

  absl::Status step(const plan::Step &Step) {
    switch (Step.instruction_type()) {
    case plan::Instruction::Launch:
      return launch(*Step.instruction_as_Launch());
    case plan::Instruction::Copy: {
      const plan::Copy &Copy = *Step.instruction_as_Copy();
      M1_RETURN_IF_ERROR(argument(Copy.destination(), true, true));
      M1_RETURN_IF_ERROR(argument(Copy.source(), false, true));
      if (form(*Copy.destination()->bytes()) != form(*Copy.source()->bytes()))
        return fail("the two sides of a copy differ in size");
      return absl::OkStatus();
    }
    case plan::Instruction::Collective:
      return collective(*Step.instruction_as_Collective());
    default:
      return fail("unknown instruction ",
                  static_cast<int>(Step.instruction_type()));
    }
  }

  absl::Status launch(const plan::Launch &Launch) {
    if (Launch.kernel() >= length(P.kernels()))
      return fail("launches kernel ", Launch.kernel(), " of ",
                  length(P.kernels()));
    const plan::Kernel &Kernel = *P.kernels()->Get(Launch.kernel());
    if (length(Launch.args()) != Kernel.argument_count())
      return fail("kernel '", view(Kernel.name()), "' is given ",
                  length(Launch.args()), " arguments, expected ",
                  Kernel.argument_count());
    constexpr int64_t MaxGpuCells = 65535; // along y and z
    bool OnGpu = isForGpu(*P.images()->Get(Kernel.image()));
    uint64_t Cells = 1;
    for (const plan::Expr *Size :
         {Launch.grid_x(), Launch.grid_y(), Launch.grid_z()}) {
      M1_ASSIGN_OR_RETURN(Range R,
                          expression(Size, "a grid size", Ranks::Differ));
      if (OnGpu && Size != Launch.grid_x() && R.high() > MaxGpuCells)
        return fail("kernel '", view(Kernel.name()), "' is launched on up to ",
                    R.high(), " cells along ",
                    Size == Launch.grid_y() ? "y" : "z", ", GPUs have at most ",
                    MaxGpuCells);
      const bool Fits = R.low() >= 0 && R.high() <= INT32_MAX;
      if (Fits)
        Cells *= std::max<uint64_t>(R.high(), 1);
      if (!Fits || Cells > INT32_MAX)
        return fail("expected a grid of 0 to 2^31 - 1 cells");
    }
    for (uint32_t I = 0; I < length(Launch.args()); ++I) {
      const plan::Arg *Arg = Launch.args()->Get(I);
      M1_RETURN_IF_ERROR(argument(Arg, Arg->written(), false));
    }
    M1_RETURN_IF_ERROR(terms(Launch.operations()));
    return dtype(Launch.operand(), view(Kernel.name()));
  }

  /// What estimates are made from.
  absl::Status
  terms(const flatbuffers::Vector<flatbuffers::Offset<plan::Term>> *Terms) {
    for (uint32_t I = 0; I < length(Terms); ++I) {
      const plan::Term &Term = *Terms->Get(I);
      if (!inEnum(Term.quantity(), plan::Quantity::MIN, plan::Quantity::MAX))
        return fail("unknown quantity ", static_cast<int>(Term.quantity()));
      const char *Name = plan::EnumNameQuantity(Term.quantity());
      // NaN is in no range.
      if (!(Term.factor() >= 0 && Term.factor() <= 0x1p80))
        return fail("a term with the factor ", Term.factor(),
                    ", expected 0 to 2^80");
      if (Term.size() || Term.quantity() == plan::Quantity::Size)
        M1_RETURN_IF_ERROR(
            expression(Term.size(), "a size", Ranks::Differ).status());
      const bool IsChosen = Term.quantity() == plan::Quantity::Chosen;
      const bool IsClosed = Term.quantity() == plan::Quantity::Closed;
      if (Term.most() < 0 ||
          (IsChosen && (Term.choices() < 1 || Term.of() < Term.choices())) ||
          (IsClosed && Term.of() < 1))
        return fail("a term ", Name, " with choices ", Term.choices(), " of ",
                    Term.of(), ", at most ", Term.most());
    }
    return absl::OkStatus();
  }

  absl::Status argument(const plan::Arg *Arg, bool Written, bool NeedsMemory) {
    uint64_t ObjectBytes = 0;
    uint32_t Index = Arg->index(), Limit = 0;
    // What the argument's kind does not use must be valid too: no reader of
    // the plan needs to know which it is.
    if (Arg->bytes())
      M1_RETURN_IF_ERROR(
          expression(Arg->bytes(), "a size", Ranks::Differ).status());
    if (Arg->value())
      M1_RETURN_IF_ERROR(
          expression(Arg->value(), "a scalar", Ranks::Differ).status());
    if (Arg->shift())
      M1_RETURN_IF_ERROR(
          expression(Arg->shift(), "a shift", Ranks::Differ).status());
    M1_RETURN_IF_ERROR(terms(Arg->touched()));
    switch (Arg->kind()) {
    case plan::ArgKind::Scalar:
      if (NeedsMemory || Written)
        return fail("expected memory, found a scalar");
      return expression(Arg->value(), "a scalar", Ranks::Differ).status();
    case plan::ArgKind::Arena:
      Limit = length(P.arenas());
      if (Index < Limit) {
        const plan::Arena &Arena = *P.arenas()->Get(Index);
        ObjectBytes = Arena.bytes();
        if (Written && Arena.kind() == plan::ArenaKind::Constants)
          return fail("writes arena '", view(Arena.name()),
                      "': constants are read only");
      }
      break;
    case plan::ArgKind::Parameter:
      Limit = ParameterBytes.size();
      if (Index < Limit)
        ObjectBytes = ParameterBytes[Index];
      break;
    case plan::ArgKind::Input:
      Limit = InputBytes.size();
      if (Index < Limit)
        ObjectBytes = InputBytes[Index];
      break;
    case plan::ArgKind::Output:
      Limit = OutputBytes.size();
      if (Index < Limit)
        ObjectBytes = OutputBytes[Index];
      break;
    default:
      return fail("an argument of unknown kind ",
                  static_cast<int>(Arg->kind()));
    }
    const char *Kind = plan::EnumNameArgKind(Arg->kind());
    if (Index >= Limit)
      return fail("an argument refers to ", Kind, " ", Index, " of ", Limit);
    if (Written && (Arg->kind() == plan::ArgKind::Parameter ||
                    Arg->kind() == plan::ArgKind::Input))
      return fail("writes ", Kind, " ", Index, ", which is read-only");
    M1_ASSIGN_OR_RETURN(Range R,
                        expression(Arg->bytes(), "a size", Ranks::Differ));
    // A view of columns ends inside its last row; without rows the number is
    // negative, and nothing is accessed.
    uint64_t Reach = std::max<int64_t>(R.high(), 0);
    if (Arg->offset() > ObjectBytes || Reach > ObjectBytes - Arg->offset())
      return fail("an argument covers ", Reach, " bytes from byte ",
                  Arg->offset(), " of ", Kind, " ", Index, ", which has ",
                  ObjectBytes);
    M1_ASSIGN_OR_RETURN(Range Shift, shifts(*Arg));
    // Neither overflows: objects and numbers are small.
    const int64_t Offset = static_cast<int64_t>(Arg->offset());
    if (Offset + Shift.low() < 0 || Offset + Shift.high() + Reach > ObjectBytes)
      return fail("an argument covers ", Reach, " bytes from byte ", Offset,
                  " plus ", Shift.low(), " to ", Shift.high(), " of ", Kind,
                  " ", Index, ", which has ", ObjectBytes);
    // Kernels rely on elements of bf16 being aligned.
    if (Arg->kind() == plan::ArgKind::Arena && Arg->offset() % 2 != 0)
      return fail("an argument at the odd offset ", Arg->offset(), " of ", Kind,
                  " ", Index);
    return absl::OkStatus();
  }

  /// What ranks add to an argument's offset, all of it even.
  absl::StatusOr<Range> shifts(const plan::Arg &Arg) {
    const plan::Expr *E = Arg.shift();
    if (!E)
      return Range{0, 0};
    if (E->symbol() >= 0 && !isMeshSymbol(P, E->symbol()))
      return fail("a shift uses symbol '",
                  view(P.symbols()->Get(E->symbol())->name()),
                  "', expected a coordinate in the mesh");
    const int64_t Last =
        E->symbol() < 0 ? 0 : P.symbols()->Get(E->symbol())->max();
    for (int64_t Coordinate = 0; Coordinate <= Last; ++Coordinate) {
      const plan::Expr Here(-1, 0, Coordinate * E->multiply() + E->add(),
                            E->divide());
      if (const int64_t Bytes = evaluate(Here, {}); Bytes % 2 != 0)
        return fail("an argument's shift is ", Bytes, " on coordinate ",
                    Coordinate, ", expected an even number");
    }
    return expression(E, "a shift", Ranks::Differ);
  }

  /// Ranks that do not execute the same steps would wait for each other.
  absl::Status condition(const plan::Condition *Condition) {
    if (!Condition)
      return absl::OkStatus();
    const uint32_t Symbol = Condition->symbol();
    if (Symbol >= length(P.symbols()))
      return fail("a condition uses symbol ", Symbol, " of ",
                  length(P.symbols()));
    if (isMeshSymbol(P, Symbol))
      return fail("a condition is not the same on all ranks: it uses '",
                  view(P.symbols()->Get(Symbol)->name()),
                  "', which is a coordinate in the mesh");
    if (!Bound[Symbol])
      return fail("a condition uses symbol '",
                  view(P.symbols()->Get(Symbol)->name()),
                  "', which no input of the function determines");
    if (Condition->at_least() >= Condition->below())
      return fail("a condition asks for at least ", Condition->at_least(),
                  " and below ", Condition->below());
    return absl::OkStatus();
  }

  absl::Status collective(const plan::Collective &Collective) {
    if (!inEnum(Collective.kind(), plan::CollectiveKind::MIN,
                plan::CollectiveKind::MAX))
      return fail("a collective of unknown kind ",
                  static_cast<int>(Collective.kind()));
    if (Collective.axis() >= length(P.mesh()))
      return fail("a collective on axis ", Collective.axis(), " of ",
                  length(P.mesh()));
    M1_ASSIGN_OR_RETURN(Range Block, expression(Collective.block(), "a block"));
    if (Block.low() < 0 || Collective.unit() < 1 ||
        static_cast<uint64_t>(Collective.unit()) > MaxBytes)
      return fail("a collective's block has ", Block.low(), " units of ",
                  Collective.unit(), " bytes");
    const plan::Arg &Source = *Collective.source();
    const plan::Arg &Destination = *Collective.destination();
    M1_RETURN_IF_ERROR(argument(&Destination, true, true));
    M1_RETURN_IF_ERROR(argument(&Source, false, true));
    const int64_t Ranks = P.mesh()->Get(Collective.axis())->extent();
    M1_RETURN_IF_ERROR(blocksFit(
        Collective, Source, "source",
        Collective.kind() == plan::CollectiveKind::AllGather ? 1 : Ranks));
    M1_RETURN_IF_ERROR(
        blocksFit(Collective, Destination, "destination", Ranks));
    if (Source.kind() == Destination.kind() &&
        Source.index() == Destination.index()) {
      M1_ASSIGN_OR_RETURN(Extent From, extentOf(Source));
      M1_ASSIGN_OR_RETURN(Extent To, extentOf(Destination));
      if (From.Begin < To.End && To.Begin < From.End)
        return fail("the two sides of a collective share bytes");
    }
    return absl::OkStatus();
  }

  /// The bytes of its object that a verified argument covers on some rank for
  /// some values of the symbols.
  struct Extent {
    int64_t Begin, End;
  };
  absl::StatusOr<Extent> extentOf(const plan::Arg &Arg) {
    M1_ASSIGN_OR_RETURN(Range Bytes,
                        expression(Arg.bytes(), "a size", Ranks::Differ));
    M1_ASSIGN_OR_RETURN(Range Shift, shifts(Arg));
    const int64_t Offset = static_cast<int64_t>(Arg.offset());
    return Extent{Offset + Shift.low(),
                  Offset + Shift.high() + std::max<int64_t>(Bytes.high(), 0)};
  }

  /// `Count` blocks of a collective fit an argument for all values of symbols.
  absl::Status blocksFit(const plan::Collective &Collective,
                         const plan::Arg &Arg, const char *Side,
                         int64_t Count) {
    using Wide = __int128; // products of two numbers of 2^60
    const plan::Expr &Block = *Collective.block(), &Bytes = *Arg.bytes();
    M1_ASSIGN_OR_RETURN(Range OfBlock, expression(&Block, "a block"));
    M1_ASSIGN_OR_RETURN(Range OfBytes, expression(&Bytes, "a size"));
    bool Fits =
        Wide(OfBlock.high()) * Collective.unit() * Count <= Wide(OfBytes.low());
    if (Block.symbol() >= 0 && Block.symbol() == Bytes.symbol() &&
        Bytes.divide() == 1) {
      // ceil(n / d) is at most (n + d - 1) / d, so that both sides have linear
      // bounds: what holds at both ends holds in between.
      const Wide Factor = Wide(Collective.unit()) * Count;
      const Values Of = valuesOf(Block.symbol());
      auto fitsAt = [&](int64_t Value) {
        const Wide Wanted =
            Wide(Block.multiply()) * Value + Block.add() + Block.divide() - 1;
        const Wide Given = Wide(Bytes.multiply()) * Value + Bytes.add();
        return Wanted * Factor <= Given * Block.divide();
      };
      Fits |= fitsAt(Of.Least) && fitsAt(Of.Most);
    }
    if (Fits)
      return absl::OkStatus();
    return fail("expected ", Count, " blocks of up to ", OfBlock.high(), " x ",
                Collective.unit(), " bytes to fit the collective's ", Side,
                ", which has up to ", OfBytes.high());
  }

  /// The condition of the step that is verified; null if it has none.
  const plan::Condition *Holds = nullptr;
  bool IsInit = false;
  std::vector<uint64_t> ParameterBytes, InputBytes, OutputBytes;
  uint64_t TensorBytes = 0; // of the function's tensors so far
  /// Inputs that Offsets checks are about, and the totals that these say.
  std::set<std::pair<uint32_t, Form>> EndsAt;
  /// By symbol: whether the function's inputs determine it. Empty outside of
  /// functions.
  std::vector<bool> Bound;
};
} // namespace

absl::Status m1::verifyFunctions(const plan::Plan &Plan,
                                 const std::string &Name) {
  return FunctionVerifier(Plan, Name).run();
}
