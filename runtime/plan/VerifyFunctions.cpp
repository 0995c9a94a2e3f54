//===- VerifyFunctions.cpp - verifies functions ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Verifier.h"

#include "runtime/schema/InitFunction.h"

#include <set>
#include <string>
#include <tuple>

using namespace m1;

namespace {
/// Upper bound of the numbers of an expression: far above any size, and low
/// enough that differences, negations and sums of a few do not overflow.
constexpr int64_t MaxNumber = int64_t(1) << 60;

/// The values of an expression at 0 and at the bound of its symbol, in which it
/// is monotonic.
struct Range {
  int64_t AtZero, AtMax;
  int64_t low() const { return std::min(AtZero, AtMax); }
  int64_t high() const { return std::max(AtZero, AtMax); }
};

class FunctionVerifier : Verifier {
public:
  FunctionVerifier(const plan::Plan &Plan, const std::string &Name)
      : Verifier(Plan, Name) {}

  absl::Status run() {
    for (uint32_t I = 0; I < length(P.parameters()); ++I)
      ParameterBytes.push_back(bytesOf(*P.parameters()->Get(I)));
    std::set<std::string_view> Names;
    for (uint32_t I = 0; I < length(P.functions()); ++I)
      M1_RETURN_IF_ERROR(function(*P.functions()->Get(I), Names));
    return absl::OkStatus();
  }

private:
  /// Verifies an expression for all values of its symbol.
  absl::StatusOr<Range> expression(const plan::Expr *E, const char *What) {
    if (!E)
      return fail(What, " is missing");
    if (E->divide() < 1)
      return fail(What, " divides by ", E->divide());
    int64_t Max = 0;
    if (E->symbol() >= 0) {
      if (static_cast<uint32_t>(E->symbol()) >= length(P.symbols()))
        return fail(What, " uses symbol ", E->symbol(), " of ",
                    length(P.symbols()));
      if (!Bound.empty() && !Bound[E->symbol()])
        return fail(What, " uses symbol '",
                    view(P.symbols()->Get(E->symbol())->name()),
                    "', which no input of the function determines");
      Max = P.symbols()->Get(E->symbol())->max();
    }
    int64_t Product, Sum;
    if (__builtin_mul_overflow(Max, E->multiply(), &Product) ||
        __builtin_add_overflow(Product, E->add(), &Sum))
      return fail(What, " overflows at the symbol's bound");
    for (int64_t Number : {E->multiply(), E->add(), E->divide(), Product})
      if (Number < -MaxNumber || Number > MaxNumber)
        return fail(What, " has or reaches the number ", Number,
                    ", expected at most 2^60");
    int64_t Zero[1] = {0};
    plan::Expr AtZero(-1, 0, E->add(), E->divide());
    plan::Expr AtMax(-1, 0, Sum, E->divide());
    return Range{evaluate(AtZero, Zero), evaluate(AtMax, Zero)};
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
      M1_RETURN_IF_ERROR(step(Step));
    }
    Context.clear();
    Bound.clear();
    return absl::OkStatus();
  }

  /// Equal for expressions that are always equal.
  using Form = std::tuple<int32_t, int64_t, int64_t, int64_t>;
  static Form form(const plan::Expr &E) {
    if (E.symbol() < 0)
      return {-1, 0, E.add(), E.divide()};
    return {E.symbol(), E.multiply(), E.add(), E.divide()};
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
      M1_ASSIGN_OR_RETURN(Range R, expression(Size, "a grid size"));
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
    return absl::OkStatus();
  }

  absl::Status argument(const plan::Arg *Arg, bool Written, bool NeedsMemory) {
    uint64_t ObjectBytes = 0;
    uint32_t Index = Arg->index(), Limit = 0;
    // What the argument's kind does not use must be valid too: no reader of
    // the plan needs to know which it is.
    if (Arg->bytes())
      M1_RETURN_IF_ERROR(expression(Arg->bytes(), "a size").status());
    if (Arg->value())
      M1_RETURN_IF_ERROR(expression(Arg->value(), "a scalar").status());
    switch (Arg->kind()) {
    case plan::ArgKind::Scalar:
      if (NeedsMemory || Written)
        return fail("expected memory, found a scalar");
      return expression(Arg->value(), "a scalar").status();
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
    M1_ASSIGN_OR_RETURN(Range R, expression(Arg->bytes(), "a size"));
    // A view of columns ends inside its last row; without rows the number is
    // negative, and nothing is accessed.
    uint64_t Reach = std::max<int64_t>(R.high(), 0);
    // Kernels rely on elements of bf16 being aligned.
    if (Arg->kind() == plan::ArgKind::Arena && Arg->offset() % 2 != 0)
      return fail("an argument at the odd offset ", Arg->offset(), " of ", Kind,
                  " ", Index);
    if (Arg->offset() > ObjectBytes || Reach > ObjectBytes - Arg->offset())
      return fail("an argument covers ", Reach, " bytes from byte ",
                  Arg->offset(), " of ", Kind, " ", Index, ", which has ",
                  ObjectBytes);
    return absl::OkStatus();
  }

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
