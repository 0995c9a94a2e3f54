//===- PlanTest.cpp - plans that the loader rejects -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/schema/Digest.h"
#include "runtime/schema/Version.h"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>

using namespace m1;
using namespace m1::test;
using plan::ArenaKind;
using plan::ArgKind;
using plan::DType;

namespace {
TEST(Plan, LoadsFromFile) {
  plan::PlanT Adder = adderPlan();
  std::vector<uint8_t> Bytes = serialize(Adder);
  TemporaryDirectory Directory;
  std::string Path = Directory.path("a.m1plan");
  writeFile(Path, {Bytes.begin(), Bytes.end()});
  std::unique_ptr<LoadedPlan> Plan = value(LoadedPlan::load(Path));
  EXPECT_EQ(view((*Plan)->producer()), "runtime tests");
  EXPECT_NE(Plan->function("add"), nullptr);
  EXPECT_EQ(Plan->function("sub"), nullptr);
  EXPECT_NE(message(LoadedPlan::load(Directory.path("b.m1plan")).status())
                .find("b.m1plan: No such file"),
            std::string::npos);
}

TEST(Plan, NotAPlan) {
  EXPECT_EQ(loadError({}), "test.m1plan: not a plan");
  EXPECT_EQ(loadError(std::vector<uint8_t>(100)), "test.m1plan: not a plan");
}

TEST(Plan, AnotherFormat) {
  plan::PlanT Plan = adderPlan();
  Plan.format_version = plan::kFormatVersion + 1;
  EXPECT_EQ(
      loadError(serialize(Plan))
          .find(concat("test.m1plan: plan format ", plan::kFormatVersion + 1,
                       ", this runtime reads ", plan::kFormatVersion)),
      0u);
}

TEST(Plan, EveryFlippedByteIsDetected) {
  plan::PlanT Plan = adderPlan();
  Plan.images[0]->data.resize(64); // code is not verified
  std::vector<uint8_t> Bytes = serialize(Plan);
  ASSERT_EQ(loadError(Bytes), "");
  for (size_t I = 0; I < Bytes.size(); ++I) {
    std::vector<uint8_t> Damaged = Bytes;
    Damaged[I] ^= 1 << (I % 8);
    EXPECT_NE(loadError(Damaged), "") << "byte " << I;
  }
}

TEST(Plan, EveryTruncationIsDetected) {
  plan::PlanT Plan = adderPlan();
  Plan.images[0]->data.resize(64);
  std::vector<uint8_t> Bytes = serialize(Plan);
  for (size_t Size = 0; Size < Bytes.size(); ++Size)
    EXPECT_NE(loadError({Bytes.begin(), Bytes.begin() + Size}), "") << Size;
}

TEST(Plan, ReportsDigests) {
  plan::PlanT Plan = adderPlan();
  std::vector<uint8_t> Bytes = serialize(Plan);
  // A byte in the middle of the image: the FlatBuffer stays well formed.
  Bytes[Bytes.size() / 2] ^= 1;
  EXPECT_EQ(loadError(Bytes).find("test.m1plan: truncated or damaged: digest "),
            0u);
}

/// A valid plan but for one change.
struct BadCase {
  const char *Name;
  std::function<void(plan::PlanT &)> Change;
  const char *Message;
};
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for it.
void PrintTo(const BadCase &Case, std::ostream *Out) { *Out << Case.Name; }

plan::LaunchT &launchOf(plan::PlanT &Plan) {
  return *Plan.functions[0]->steps[0]->instruction.AsLaunch();
}
plan::TermT &addTerm(std::vector<std::unique_ptr<plan::TermT>> &Terms,
                     plan::Quantity Quantity, double Factor) {
  Terms.push_back(std::make_unique<plan::TermT>());
  Terms.back()->quantity = Quantity;
  Terms.back()->factor = Factor;
  return *Terms.back();
}
plan::CopyT &copyOf(plan::PlanT &Plan) {
  return *Plan.functions[0]->steps[1]->instruction.AsCopy();
}
std::unique_ptr<plan::Expr> expr(int32_t Symbol, int64_t Multiply, int64_t Add,
                                 int64_t Divide) {
  return std::make_unique<plan::Expr>(Symbol, Multiply, Add, Divide);
}

/// Adds a check of input 'i', which it adds before the first check.
plan::CheckT &addCheck(plan::PlanT &Plan, plan::CheckKind Kind) {
  plan::FunctionT &Add = *Plan.functions[0];
  if (Add.checks.empty())
    Add.inputs.push_back(tensor("i", DType::I32, {symbol(0, 1, 1)}));
  plan::CheckT &Check =
      *Add.checks.emplace_back(std::make_unique<plan::CheckT>());
  Check.kind = Kind;
  Check.input = static_cast<uint32_t>(Add.inputs.size() - 1);
  return Check;
}

class BadPlan : public testing::TestWithParam<BadCase> {};

TEST_P(BadPlan, IsRejected) {
  plan::PlanT Plan = adderPlan();
  ASSERT_EQ(loadError(serialize(Plan)), "");
  GetParam().Change(Plan);
  std::string Error = loadError(serialize(Plan));
  EXPECT_EQ(Error.find("test.m1plan: invalid plan: "), 0u) << Error;
  EXPECT_NE(Error.find(GetParam().Message), std::string::npos) << Error;
}

INSTANTIATE_TEST_SUITE_P(
    Plan, BadPlan,
    testing::Values(
        BadCase{"KernelIndex", [](auto &P) { launchOf(P).kernel = 1; },
                "step 0 (here): launches kernel 1 of 1"},
        BadCase{"ImageIndex", [](auto &P) { P.kernels[0]->image = 3; },
                "in image 3 of 1"},
        BadCase{"ImageFormat", [](auto &P) { P.images[0]->format = "coff"; },
                "image 0 has the unknown format 'coff', expected elf or ptx"},
        BadCase{"TwoDevices",
                [](auto &P) {
                  P.images.push_back(
                      std::make_unique<plan::ImageT>(*P.images[0]));
                  P.images[1]->format = "ptx";
                },
                "image 1 is ptx, image 0 is elf"},
        BadCase{"GpuTarget",
                [](auto &P) {
                  forGpu(P);
                  P.images[0]->target = "sm_";
                },
                "image 0 is ptx for 'sm_', expected a target such as sm_80"},
        BadCase{"GpuTargetDigits",
                [](auto &P) {
                  forGpu(P);
                  P.images[0]->target = "sm_99999999999";
                },
                "image 0 is ptx for 'sm_99999999999', expected a target such "
                "as sm_80"},
        BadCase{"GpuTargetLetter",
                [](auto &P) {
                  forGpu(P);
                  P.images[0]->target = "sm_90x";
                },
                "image 0 is ptx for 'sm_90x', expected a target such as sm_80"},
        BadCase{"CpuThreads", [](auto &P) { P.kernels[0]->threads = 2; },
                "kernel 'add_scaled' has 2 threads, expected 1 to 1"},
        BadCase{"GpuThreads",
                [](auto &P) {
                  forGpu(P);
                  P.kernels[0]->threads = 1025;
                },
                "kernel 'add_scaled' has 1025 threads, expected 1 to 1024"},
        BadCase{"GpuGrid",
                [](auto &P) {
                  forGpu(P);
                  launchOf(P).grid_z = expr(0, 8192, 0, 1);
                },
                "kernel 'add_scaled' is launched on up to 65536 cells along z, "
                "GPUs have at most 65535"},
        BadCase{"ArgumentCount", [](auto &P) { launchOf(P).args.pop_back(); },
                "is given 3 arguments, expected 4"},
        BadCase{"ArenaIndex", [](auto &P) { launchOf(P).args[0]->index = 1; },
                "refers to Arena 1 of 1"},
        BadCase{"InputIndex", [](auto &P) { launchOf(P).args[1]->index = 2; },
                "refers to Input 2 of 2"},
        BadCase{"ParameterIndex",
                [](auto &P) { launchOf(P).args[1]->kind = ArgKind::Parameter; },
                "refers to Parameter 0 of 0"},
        BadCase{"OutputIndex",
                [](auto &P) { copyOf(P).destination->index = 1; },
                "refers to Output 1 of 1"},
        BadCase{"ArgKind",
                [](auto &P) {
                  launchOf(P).args[1]->kind = static_cast<ArgKind>(9);
                },
                "unknown kind 9"},
        BadCase{"ArenaTooSmall", [](auto &P) { P.arenas[0]->bytes = 63; },
                "covers 32 bytes from byte 32 of Arena 0, which has 63"},
        BadCase{"OffsetPastEnd",
                [](auto &P) { launchOf(P).args[0]->offset = 1u << 31; },
                "bytes from byte 2147483648"},
        BadCase{"OffsetWraps",
                [](auto &P) { launchOf(P).args[0]->offset = ~uint64_t(1); },
                "bytes from byte 18446744073709551614"},
        BadCase{"LargerBound", [](auto &P) { P.symbols[0]->max = 9; },
                "covers 36 bytes from byte 32"},
        BadCase{"InputTooSmall",
                [](auto &P) { launchOf(P).args[1]->bytes = expr(0, 8, 0, 1); },
                "covers 64 bytes from byte 0 of Input 0, which has 32"},
        BadCase{"NoBytes", [](auto &P) { launchOf(P).args[1]->bytes.reset(); },
                "a size is missing"},
        BadCase{"NoScalar", [](auto &P) { launchOf(P).args[3]->value.reset(); },
                "a scalar is missing"},
        BadCase{"NoGrid", [](auto &P) { launchOf(P).grid_y.reset(); },
                "a grid size is missing"},
        BadCase{"HugeGrid",
                [](auto &P) {
                  launchOf(P).grid_x = expr(0, 1 << 20, 0, 1);
                  launchOf(P).grid_y = expr(-1, 0, 1 << 20, 1);
                },
                "expected a grid of 0 to 2^31 - 1 cells"},
        BadCase{"DividedWithoutModel",
                [](auto &P) {
                  P.arenas[0]->kind = ArenaKind::State;
                  P.arenas[0]->division = plan::Division::Slot;
                },
                "arena 'activations' is divided, expected a language model's "
                "state"},
        BadCase{"PartsWithoutDivision", [](auto &P) { P.arenas[0]->parts = 2; },
                "arena 'activations' has 2 parts, expected 0"},
        BadCase{"UnknownDivision",
                [](auto &P) { P.arenas[0]->division = plan::Division(3); },
                "arena 'activations' has the unknown division 3"},
        BadCase{"UnknownQuantity",
                [](auto &P) {
                  addTerm(launchOf(P).operations, plan::Quantity(9), 1);
                },
                "unknown quantity 9"},
        BadCase{"InfiniteFactor",
                [](auto &P) {
                  addTerm(launchOf(P).operations, plan::Quantity::Keys,
                          INFINITY);
                },
                "expected 0 to 2^80"},
        BadCase{"TermWithoutSize",
                [](auto &P) {
                  addTerm(launchOf(P).args[0]->touched, plan::Quantity::Size,
                          1);
                },
                "a size is missing"},
        BadCase{"ChosenOfFewer",
                [](auto &P) {
                  auto &Term = addTerm(launchOf(P).operations,
                                       plan::Quantity::Chosen, 1);
                  Term.choices = 3;
                  Term.of = 2;
                },
                "a term Chosen with choices 3 of 2"},
        BadCase{"ClosedOfNothing",
                [](auto &P) {
                  addTerm(launchOf(P).operations, plan::Quantity::Closed, 1);
                },
                "a term Closed with choices 0 of 0"},
        BadCase{"UnknownOperand",
                [](auto &P) { launchOf(P).operand = plan::DType(9); },
                "has the unknown dtype 9"},
        BadCase{"NegativeGrid",
                [](auto &P) { launchOf(P).grid_x = expr(0, 1, -1, 1); },
                "expected a grid of 0 to 2^31 - 1 cells"},
        BadCase{"DivideByZero",
                [](auto &P) { launchOf(P).grid_x = expr(0, 1, 0, 0); },
                "divides by 0"},
        BadCase{"Overflow",
                [](auto &P) {
                  launchOf(P).args[3]->value = expr(0, INT64_MAX / 4, 0, 1);
                },
                "overflows"},
        BadCase{"HugeNumber",
                [](auto &P) {
                  launchOf(P).args[3]->value = expr(0, 1ll << 59, 0, 1);
                },
                "a scalar has or reaches the number 4611686018427387904, "
                "expected at most 2^60"},
        BadCase{"SmallestNumber",
                [](auto &P) {
                  launchOf(P).args[1]->bytes = expr(0, 1, INT64_MIN, 1);
                },
                "a size has or reaches the number -9223372036854775808"},
        BadCase{"SizeOfAScalar",
                [](auto &P) { launchOf(P).args[3]->bytes = expr(4, 1, 0, 0); },
                "a size divides by 0"},
        BadCase{"ValueOfMemory",
                [](auto &P) { launchOf(P).args[1]->value = expr(4, 1, 0, 1); },
                "a scalar uses symbol 4 of 1"},
        BadCase{"SymbolIndex",
                [](auto &P) { launchOf(P).args[3]->value = expr(4, 1, 0, 1); },
                "uses symbol 4 of 1"},
        BadCase{"SymbolNotDetermined",
                [](auto &P) {
                  addSymbol(P, "M", 8);
                  launchOf(P).args[3]->value = expr(1, 1, 0, 1);
                },
                "symbol 'M', which no input of the function determines"},
        BadCase{"Symbols",
                [](auto &P) {
                  for (int I = 0; I < 1024; ++I)
                    addSymbol(P, concat("s", I), 1);
                },
                "1025 symbols, expected at most 1024"},
        BadCase{"SymbolBound", [](auto &P) { P.symbols[0]->max = 0; },
                "has the bound 0"},
        BadCase{"SmallestLimit",
                [](auto &P) {
                  addCheck(P, plan::CheckKind::Below).limit = INT64_MIN;
                },
                "check 0: elements of input 'i' must be below "
                "-9223372036854775808, expected at least 1"},
        BadCase{"LimitOfZero",
                [](auto &P) { addCheck(P, plan::CheckKind::Below).limit = 0; },
                "must be below 0, expected at least 1"},
        BadCase{"TotalOfAnother",
                [](auto &P) {
                  addCheck(P, plan::CheckKind::Offsets).total =
                      expr(0, 1, 0, 1);
                  addCheck(P, plan::CheckKind::Consecutive).offsets = 2;
                },
                "check 1: no earlier Offsets check of input 2 has the extent "
                "of 'i' as its total"},
        BadCase{"CopySizes",
                [](auto &P) { copyOf(P).source->bytes = expr(0, 2, 0, 1); },
                "two sides of a copy differ"},
        BadCase{"CopyToInput",
                [](auto &P) { copyOf(P).destination->kind = ArgKind::Input; },
                "writes Input 0"},
        BadCase{"CopyOfScalar",
                [](auto &P) { copyOf(P).source = scalar(constant(1)); },
                "expected memory, found a scalar"},
        BadCase{"KernelWritesInput",
                [](auto &P) { launchOf(P).args[1]->written = true; },
                "writes Input 0, which is read-only"},
        BadCase{"WritesConstants",
                [](auto &P) {
                  launchOf(P).args[0]->index =
                      addConstants(P, std::vector<uint8_t>(64));
                },
                "'add': step 0 (here): writes arena 'constants'"},
        BadCase{"InitWritesConstants",
                [](auto &P) {
                  uint32_t To = addConstants(P, {1, 2, 3, 4});
                  addFunction(P, "init").steps.push_back(
                      copy(memory(ArgKind::Arena, To, constant(4), true),
                           memory(ArgKind::Arena, To, constant(4))));
                },
                "'init': step 0: writes arena 'constants'"},
        BadCase{"ConstantsTooSmall",
                [](auto &P) {
                  copyOf(P).source->index =
                      addConstants(P, std::vector<uint8_t>(63));
                },
                "covers 32 bytes from byte 32 of Arena 1, which has 63"},
        BadCase{"ConstantsWithoutData",
                [](auto &P) { addArena(P, "c", ArenaKind::Constants, 64); },
                "arena 'c' has 64 bytes and the plan holds 0 of them"},
        BadCase{"ConstantsWithTooMuchData",
                [](auto &P) {
                  const size_t Arena = addConstants(P, {1, 2});
                  P.arenas[Arena]->bytes = 1;
                },
                "arena 'constants' has 1 bytes and the plan holds 2 of them"},
        BadCase{"StateWithData",
                [](auto &P) {
                  P.arenas[addConstants(P, {1, 2})]->kind = ArenaKind::State;
                },
                "arena 'constants' has 2 bytes and the plan holds 2 of them, "
                "expected none"},
        BadCase{"InitWithInputs",
                [](auto &P) { P.functions[0]->name = "init"; },
                "'init' can have neither"},
        BadCase{"ArenaKind",
                [](auto &P) { P.arenas[0]->kind = static_cast<ArenaKind>(7); },
                "unknown kind 7"},
        BadCase{"DType",
                [](auto &P) {
                  P.functions[0]->inputs[0]->dtype = static_cast<DType>(77);
                },
                "'a' has the unknown dtype 77"},
        BadCase{"FileNames",
                [](auto &P) { P.functions[0]->outputs[0]->name = "../x"; },
                "tensor name '../x'"},
        BadCase{"TwoFunctions", [](auto &P) { addFunction(P, "add"); },
                "two functions are named 'add'"},
        BadCase{
            "ScaledInput",
            [](auto &P) { P.functions[0]->inputs[0]->shape[0] = symbol(0, 2); },
            "an extent must be"},
        BadCase{"ParameterShape",
                [](auto &P) {
                  addParameter(P, "w", DType::F32, {1ll << 40, 1ll << 40});
                },
                "parameter 'w' has the shape [1099511627776, 1099511627776]"},
        BadCase{"ParametersTogether",
                [](auto &P) {
                  for (const char *Name : {"u", "v", "w"})
                    addParameter(P, Name, DType::F64, {1ll << 42});
                },
                "parameter 'w' has 35184372088832 bytes, and with those before "
                "it 105553116266496, expected at most 70368744177664 for all"},
        BadCase{"ArenasTogether",
                [](auto &P) {
                  addArena(P, "s", ArenaKind::State, (1ull << 46) - 63);
                },
                "arena 's' has 70368744177601 bytes, and those before it have "
                "64, expected at most 70368744177664 for all"},
        BadCase{"TensorsTogether",
                [](auto &P) {
                  P.functions[0]->outputs.push_back(
                      tensor("large", DType::U8, {constant(1ll << 46)}));
                },
                "tensor 'large' has 70368744177664 bytes, and with those "
                "before it "},
        BadCase{"HugeExtentOfNothing",
                [](auto &P) {
                  P.functions[0]->outputs.push_back(tensor(
                      "none", DType::U8, {constant(0), constant(1ll << 47)}));
                },
                "tensor 'none' is too large"},
        BadCase{"Dimensions",
                [](auto &P) {
                  addParameter(P, "w", DType::F32, std::vector<int64_t>(33, 1));
                },
                "'w' has 33 dimensions, expected at most 32"},
        BadCase{"LongName",
                [](auto &P) { P.kernels[0]->name = std::string(5000, 'k'); },
                "a kernel's name of 5000 bytes, expected at most 4096"},
        BadCase{"LongSource",
                [](auto &P) {
                  P.functions[0]->steps[0]->source = std::string(5000, 'k');
                },
                "a step's source of 5000 bytes, expected at most 4096"},
        BadCase{"DrawnTwice", [](auto &P) { P.functions[0]->drawn = {0, 0}; },
                "2 outputs of 1 are drawn"},
        BadCase{"DrawnOutput", [](auto &P) { P.functions[0]->drawn = {1}; },
                "output 1 of 1 is drawn"},
        BadCase{"DrawnType", [](auto &P) { P.functions[0]->drawn = {0}; },
                "'sum' is drawn and is not I32"},
        BadCase{"Model",
                [](auto &P) {
                  P.model = std::make_unique<plan::ModelT>();
                  P.model->vocabulary = 1ll << 40;
                },
                "model: vocabulary 1099511627776"}),
    [](const auto &Info) { return std::string(Info.param.Name); });

TEST(Plan, StatesAreDividedIntoEqualParts) {
  auto error = [](const std::function<void(plan::PlanT &)> &Change) {
    plan::PlanT Plan = modelPlan(3, 8, 16);
    addStateParts(Plan, 5);
    Change(Plan);
    return loadError(serialize(Plan));
  };
  auto arena = [](plan::PlanT &Plan, std::string_view Name) -> plan::ArenaT & {
    for (auto &Arena : Plan.arenas)
      if (Arena->name == Name)
        return *Arena;
    std::abort();
  };
  EXPECT_EQ(error([](auto &) {}), "");
  EXPECT_EQ(error([&](auto &P) { arena(P, "first").parts = 2; }),
            "test.m1plan: invalid plan: arena 'first' has 2 parts, expected 3");
  EXPECT_EQ(error([&](auto &P) { arena(P, "keys").parts = 3; }),
            "test.m1plan: invalid plan: arena 'keys' has 3 parts, expected 5");
  EXPECT_EQ(error([&](auto &P) { arena(P, "keys").bytes = 12; }),
            "test.m1plan: invalid plan: arena 'keys' has 12 bytes, which 5 "
            "parts do not divide");
  EXPECT_EQ(error([&](auto &P) { arena(P, "keys").kind = ArenaKind::Weights; }),
            "test.m1plan: invalid plan: arena 'keys' is divided, expected a "
            "language model's state");
  EXPECT_EQ(error([&](auto &P) {
              P.model->cache_blocks = P.model->block_positions = 0;
              arena(P, "keys").parts = 0;
            }),
            "test.m1plan: invalid plan: arena 'keys' is divided into 0 parts, "
            "expected at least 1");
  for (auto [Blocks, Positions] : {std::pair<int64_t, int64_t>(5, 0),
                                   {-5, 4},
                                   {5, -4},
                                   {int64_t(1) << 31, 4},
                                   {5, int64_t(1) << 31}})
    EXPECT_THAT(
        error([&, N = Blocks, Of = Positions](auto &P) {
          arena(P, "keys").division = plan::Division::None;
          arena(P, "keys").parts = 0;
          P.model->cache_blocks = N;
          P.model->block_positions = Of;
        }),
        testing::HasSubstr(concat("model: ", Blocks, " cache blocks of ",
                                  Positions, " positions; expected")));
}

TEST(Plan, ChunksHavePositions) {
  for (int64_t Chunk : {int64_t(0), int64_t(-64), int64_t(1) << 31}) {
    plan::PlanT Plan = modelPlan(2, 8, 16);
    EXPECT_EQ(Plan.model->chunk, 64);
    Plan.model->chunk = Chunk;
    EXPECT_THAT(loadError(serialize(Plan)),
                testing::HasSubstr(concat("model: chunks of ", Chunk,
                                          " positions, expected a positive")));
  }
}

TEST(Plan, MisalignedConstantsAreRejected) {
  plan::PlanT Plan = adderPlan();
  std::vector<uint8_t> Data(36);
  Data[0] = 32; // seen as a length, once the vector begins 4 bytes later
  addConstants(Plan, Data);
  std::vector<uint8_t> Bytes = serialize(Plan);
  ASSERT_EQ(loadError(Bytes), "");
  using flatbuffers::ReadScalar;
  using flatbuffers::uoffset_t;
  auto *Arena = reinterpret_cast<const flatbuffers::Table *>(
      plan::GetPlan(Bytes.data())->arenas()->Get(1));
  auto *Size =
      const_cast<uint8_t *>(Arena->GetAddressOf(plan::Arena::VT_BYTES));
  auto *Where =
      const_cast<uint8_t *>(Arena->GetAddressOf(plan::Arena::VT_DATA));
  flatbuffers::WriteScalar<uint64_t>(Size, 32);
  flatbuffers::WriteScalar<uoffset_t>(Where, ReadScalar<uoffset_t>(Where) + 4);
  ASSERT_TRUE(plan::sealPlan(Bytes));
  EXPECT_EQ(loadError(Bytes),
            "test.m1plan: invalid plan: the contents of arena 'constants' are "
            "not aligned to 16 bytes");
}

/// The error of a plan in which the vector in a field of a table begins 4 bytes
/// later. What follows its length is taken as its length.
std::string errorOfShifted(std::vector<uint8_t> Bytes, const void *Table,
                           flatbuffers::voffset_t Field) {
  auto *Where = const_cast<uint8_t *>(
      static_cast<const flatbuffers::Table *>(Table)->GetAddressOf(Field));
  using flatbuffers::uoffset_t;
  flatbuffers::WriteScalar<uoffset_t>(
      Where, flatbuffers::ReadScalar<uoffset_t>(Where) + 4);
  EXPECT_TRUE(plan::sealPlan(Bytes));
  return loadError(Bytes);
}

TEST(Plan, MisalignedShapesAreRejected) {
  plan::PlanT Plan = adderPlan();
  addParameter(Plan, "w", DType::F32, {1, 1});
  const std::vector<uint8_t> Bytes = serialize(Plan);
  ASSERT_EQ(loadError(Bytes), "");
  // Vectors are moved: pointers into `Copy` stay valid.
  std::vector<uint8_t> Copy = Bytes;
  const plan::Plan *Root = plan::GetPlan(Copy.data());
  EXPECT_EQ(errorOfShifted(std::move(Copy), Root->parameters()->Get(0),
                           plan::Parameter::VT_SHAPE),
            "test.m1plan: invalid plan: the shape of 'w' is not aligned to 8 "
            "bytes");
  Copy = Bytes;
  Root = plan::GetPlan(Copy.data());
  const plan::Function *Add = Root->functions()->Get(0);
  EXPECT_EQ(errorOfShifted(std::move(Copy), Add->inputs()->Get(0),
                           plan::Tensor::VT_SHAPE),
            "test.m1plan: invalid plan: function 'add': the shape of 'a' is "
            "not aligned to 8 bytes");
  Copy = Bytes;
  Root = plan::GetPlan(Copy.data());
  Add = Root->functions()->Get(0);
  EXPECT_EQ(errorOfShifted(std::move(Copy), Add->outputs()->Get(0),
                           plan::Tensor::VT_SHAPE),
            "test.m1plan: invalid plan: function 'add': the shape of 'sum' is "
            "not aligned to 8 bytes");
}

TEST(Plan, ExpressionsRoundUp) {
  const int64_t Symbols[] = {65};
  EXPECT_EQ(evaluate(plan::Expr(0, 1, 0, 64), Symbols), 2);
  EXPECT_EQ(evaluate(plan::Expr(0, 1, -1, 64), Symbols), 1);
  EXPECT_EQ(evaluate(plan::Expr(0, 3, 5, 1), Symbols), 200);
  EXPECT_EQ(evaluate(plan::Expr(-1, 9, 7, 2), Symbols), 4);
  EXPECT_EQ(evaluate(plan::Expr(0, -1, 0, 64), Symbols), -1);
}
} // namespace
