//===- TestSupport.cpp - plans and files for the tests --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/schema/Digest.h"
#include "runtime/schema/Version.h"

#include <cstdlib>

using namespace m1;
using namespace m1::test;

TemporaryDirectory::TemporaryDirectory() {
  std::string Template =
      (std::filesystem::temp_directory_path() / "m1-test-XXXXXX").string();
  Root = ::mkdtemp(Template.data());
}
TemporaryDirectory::~TemporaryDirectory() {
  std::error_code Ignored;
  std::filesystem::remove_all(Root, Ignored);
}

void test::writeFile(const std::string &Path, const std::string &Bytes) {
  std::ofstream(Path, std::ios::binary) << Bytes;
}
std::string test::readFile(const std::string &Path) {
  std::ifstream File(Path, std::ios::binary);
  return {std::istreambuf_iterator<char>(File), {}};
}

std::string test::safetensors(const std::string &Header, size_t DataBytes) {
  std::string Result;
  for (int I = 0; I < 8; ++I)
    Result += static_cast<char>(Header.size() >> (8 * I));
  Result += Header;
  for (size_t I = 0; I < DataBytes; ++I)
    Result += static_cast<char>(I);
  return Result;
}

plan::Expr test::constant(int64_t Value) { return {-1, 0, Value, 1}; }
plan::Expr test::symbol(int32_t Index, int64_t Multiply, int64_t Add) {
  return {Index, Multiply, Add, 1};
}

std::unique_ptr<plan::ArgT> test::memory(plan::ArgKind Kind, uint32_t Index,
                                         plan::Expr Bytes, bool Written,
                                         uint64_t Offset) {
  auto Arg = std::make_unique<plan::ArgT>();
  Arg->kind = Kind;
  Arg->index = Index;
  Arg->offset = Offset;
  Arg->bytes = std::make_unique<plan::Expr>(Bytes);
  Arg->written = Written;
  return Arg;
}
std::unique_ptr<plan::ArgT> test::scalar(plan::Expr Value) {
  auto Arg = std::make_unique<plan::ArgT>();
  Arg->kind = plan::ArgKind::Scalar;
  Arg->value = std::make_unique<plan::Expr>(Value);
  return Arg;
}
std::unique_ptr<plan::TensorT>
test::tensor(const std::string &Name, plan::DType Type,
             const std::vector<plan::Expr> &Shape) {
  auto Result = std::make_unique<plan::TensorT>();
  Result->name = Name;
  Result->dtype = Type;
  Result->shape = Shape;
  return Result;
}

std::unique_ptr<plan::StepT>
test::launch(uint32_t Kernel, plan::Expr X, plan::Expr Y, plan::Expr Z,
             std::vector<std::unique_ptr<plan::ArgT>> Args) {
  plan::LaunchT Launch;
  Launch.kernel = Kernel;
  Launch.grid_x = std::make_unique<plan::Expr>(X);
  Launch.grid_y = std::make_unique<plan::Expr>(Y);
  Launch.grid_z = std::make_unique<plan::Expr>(Z);
  Launch.args = std::move(Args);
  auto Step = std::make_unique<plan::StepT>();
  Step->instruction.Set(std::move(Launch));
  Step->source = "here";
  return Step;
}
std::unique_ptr<plan::StepT> test::copy(std::unique_ptr<plan::ArgT> Destination,
                                        std::unique_ptr<plan::ArgT> Source) {
  plan::CopyT Copy;
  Copy.destination = std::move(Destination);
  Copy.source = std::move(Source);
  auto Step = std::make_unique<plan::StepT>();
  Step->instruction.Set(std::move(Copy));
  return Step;
}
void test::addSymbol(plan::PlanT &Plan, const std::string &Name, int64_t Max) {
  auto Symbol = std::make_unique<plan::SymbolT>();
  Symbol->name = Name;
  Symbol->max = Max;
  Plan.symbols.push_back(std::move(Symbol));
}
void test::addParameter(plan::PlanT &Plan, const std::string &Name,
                        plan::DType Type, const std::vector<int64_t> &Shape) {
  auto Parameter = std::make_unique<plan::ParameterT>();
  Parameter->name = Name;
  Parameter->dtype = Type;
  Parameter->shape = Shape;
  Plan.parameters.push_back(std::move(Parameter));
}
uint32_t test::addArena(plan::PlanT &Plan, const std::string &Name,
                        plan::ArenaKind Kind, uint64_t Bytes) {
  auto Arena = std::make_unique<plan::ArenaT>();
  Arena->name = Name;
  Arena->kind = Kind;
  Arena->bytes = Bytes;
  Plan.arenas.push_back(std::move(Arena));
  return Plan.arenas.size() - 1;
}
uint32_t test::addConstants(plan::PlanT &Plan, std::vector<uint8_t> Data) {
  uint32_t Arena =
      addArena(Plan, "constants", plan::ArenaKind::Constants, Data.size());
  Plan.arenas[Arena]->data = std::move(Data);
  return Arena;
}
void test::addKernels(plan::PlanT &Plan, const std::vector<std::string> &Names,
                      const std::vector<uint32_t> &ArgumentCounts) {
  auto Image = std::make_unique<plan::ImageT>();
  Image->format = "elf";
#if defined(__x86_64__)
  Image->target = "x86_64-linux-gnu";
#else
  Image->target = "aarch64-linux-gnu";
#endif
  std::string Elf = readFile(M1_TEST_KERNELS);
  Image->data.assign(Elf.begin(), Elf.end());
  Plan.images.push_back(std::move(Image));
  for (size_t I = 0; I < Names.size(); ++I) {
    auto Kernel = std::make_unique<plan::KernelT>();
    Kernel->name = Names[I];
    Kernel->argument_count = ArgumentCounts[I];
    Kernel->scratch_bytes = 64;
    Kernel->threads = 1;
    Plan.kernels.push_back(std::move(Kernel));
  }
}
plan::FunctionT &test::addFunction(plan::PlanT &Plan, const std::string &Name) {
  Plan.functions.push_back(std::make_unique<plan::FunctionT>());
  Plan.functions.back()->name = Name;
  return *Plan.functions.back();
}

std::vector<uint8_t> test::serialize(plan::PlanT &Plan) {
  if (Plan.format_version == 0)
    Plan.format_version = plan::kFormatVersion;
  Plan.producer = "runtime tests";
  Plan.digest = 1; // present; sealPlan puts the right one there
  flatbuffers::FlatBufferBuilder Builder;
  plan::FinishPlanBuffer(Builder, plan::Plan::Pack(Builder, &Plan));
  std::vector<uint8_t> Bytes(Builder.GetBufferPointer(),
                             Builder.GetBufferPointer() + Builder.GetSize());
  EXPECT_TRUE(plan::sealPlan(Bytes));
  return Bytes;
}

std::string test::loadError(std::vector<uint8_t> Bytes) {
  return message(
      LoadedPlan::fromBytes(std::move(Bytes), "test.m1plan").status());
}

std::unique_ptr<Session> test::open(plan::PlanT &Plan,
                                    const SessionOptions &Options) {
  return value(Session::open(
      value(LoadedPlan::fromBytes(serialize(Plan), "test.m1plan")), Options));
}

plan::PlanT test::adderPlan() {
  using plan::ArgKind;
  plan::PlanT Plan;
  addSymbol(Plan, "N", 8);
  uint32_t Arena =
      addArena(Plan, "activations", plan::ArenaKind::Activations, 64);
  addKernels(Plan, {"add_scaled"}, {4});
  plan::FunctionT &F = addFunction(Plan, "add");
  F.inputs.push_back(tensor("a", plan::DType::F32, {symbol(0)}));
  F.inputs.push_back(tensor("b", plan::DType::F32, {symbol(0)}));
  F.outputs.push_back(tensor("sum", plan::DType::F32, {symbol(0)}));
  F.steps.push_back(launch(
      0, symbol(0), constant(1), constant(1),
      arguments(memory(ArgKind::Arena, Arena, symbol(0, 4), true, 32),
                memory(ArgKind::Input, 0, symbol(0, 4)),
                memory(ArgKind::Input, 1, symbol(0, 4)), scalar(constant(3)))));
  F.steps.push_back(
      copy(memory(ArgKind::Output, 0, symbol(0, 4), true),
           memory(ArgKind::Arena, Arena, symbol(0, 4), false, 32)));
  return Plan;
}

std::unique_ptr<plan::StepT>
test::collective(plan::CollectiveKind Kind, uint32_t Axis, plan::Expr Block,
                 std::unique_ptr<plan::ArgT> Destination,
                 std::unique_ptr<plan::ArgT> Source) {
  plan::CollectiveT Collective;
  Collective.kind = Kind;
  Collective.axis = Axis;
  Collective.block = std::make_unique<plan::Expr>(Block);
  Collective.unit = 4;
  Collective.destination = std::move(Destination);
  Collective.source = std::move(Source);
  auto Step = std::make_unique<plan::StepT>();
  Step->instruction.Set(std::move(Collective));
  return Step;
}

void test::addAxis(plan::PlanT &Plan, const std::string &Name, int64_t Extent) {
  addSymbol(Plan, "mesh." + Name, Extent - 1);
  auto Axis = std::make_unique<plan::MeshAxisT>();
  Axis->name = Name;
  Axis->extent = Extent;
  Axis->symbol = static_cast<uint32_t>(Plan.symbols.size() - 1);
  Plan.mesh.push_back(std::move(Axis));
}

plan::PlanT test::meshPlan() {
  using plan::ArgKind;
  using plan::CollectiveKind;
  using plan::DType;
  plan::PlanT Plan;
  addSymbol(Plan, "N", 8);
  addAxis(Plan, "tensor", 3);
  addAxis(Plan, "expert", 2);
  addParameter(Plan, "w", DType::F32, {7, 4});
  auto Slice = std::make_unique<plan::ParameterSliceT>();
  Slice->step = 3;
  Slice->end = 7;
  Plan.parameters[0]->slices.push_back(std::move(Slice));
  addParameter(Plan, "e.0", DType::F32, {2, 2});
  Plan.parameters[1]->names_axis = 1;
  Plan.parameters[1]->names = {"e.0", "e.1"};
  addArena(Plan, "activations", plan::ArenaKind::Activations, 192);
  addArena(Plan, "gathered", plan::ArenaKind::Activations, 96);

  plan::FunctionT &F = addFunction(Plan, "exchange");
  F.inputs.push_back(tensor("a", DType::F32, {symbol(0)}));
  F.outputs.push_back(tensor("gathered", DType::F32, {constant(24)}));
  F.outputs.push_back(tensor("exchanged", DType::F32, {constant(9)}));
  F.outputs.push_back(tensor("w", DType::F32, {constant(3), constant(4)}));
  F.outputs.push_back(tensor("e", DType::F32, {constant(2), constant(2)}));
  F.steps.push_back(copy(memory(ArgKind::Arena, 0, symbol(0, 4), true, 64),
                         memory(ArgKind::Input, 0, symbol(0, 4))));
  F.steps.push_back(
      collective(CollectiveKind::AllGather, 0, symbol(0),
                 memory(ArgKind::Arena, 1, symbol(0, 12), true),
                 memory(ArgKind::Arena, 0, symbol(0, 4), false, 64)));
  auto Always = std::make_unique<plan::ConditionT>();
  Always->below = 100;
  F.steps.back()->condition = std::move(Always);
  F.steps.push_back(
      collective(CollectiveKind::AllToAll, 0, plan::Expr(0, 1, 0, 3),
                 memory(ArgKind::Arena, 0, symbol(0, 4, 8), true, 128),
                 memory(ArgKind::Arena, 0, symbol(0, 4, 8), false, 64)));
  F.steps.push_back(copy(memory(ArgKind::Output, 0, constant(96), true),
                         memory(ArgKind::Arena, 1, constant(96))));
  F.steps.push_back(copy(memory(ArgKind::Output, 1, constant(36), true),
                         memory(ArgKind::Arena, 0, constant(36), false, 128)));
  F.steps.push_back(copy(memory(ArgKind::Output, 2, constant(48), true),
                         memory(ArgKind::Parameter, 0, constant(48))));
  F.steps.push_back(copy(memory(ArgKind::Output, 3, constant(16), true),
                         memory(ArgKind::Parameter, 1, constant(16))));
  return Plan;
}

plan::PlanT test::initPlan(int64_t N) {
  using plan::ArgKind;
  using plan::DType;
  plan::PlanT Plan;
  const plan::Expr Bytes = constant(4 * N), Counter = constant(8);
  addParameter(Plan, "v", DType::F32, {N});
  addParameter(Plan, "z", DType::F32, {N});
  addArena(Plan, "weights", plan::ArenaKind::Weights, 4 * N);
  addArena(Plan, "state", plan::ArenaKind::State, 8);
  addKernels(Plan, {"add_scaled", "accumulate"}, {4, 2});
  addFunction(Plan, "init")
      .steps.push_back(launch(0, constant(N), constant(1), constant(1),
                              arguments(memory(ArgKind::Arena, 0, Bytes, true),
                                        memory(ArgKind::Parameter, 1, Bytes),
                                        memory(ArgKind::Parameter, 0, Bytes),
                                        scalar(constant(3)))));
  plan::FunctionT &Read = addFunction(Plan, "read");
  Read.outputs.push_back(tensor("w", DType::F32, {constant(N)}));
  Read.outputs.push_back(tensor("z", DType::F32, {constant(N)}));
  Read.outputs.push_back(tensor("calls", DType::I64, {}));
  Read.steps.push_back(copy(memory(ArgKind::Output, 0, Bytes, true),
                            memory(ArgKind::Arena, 0, Bytes)));
  Read.steps.push_back(copy(memory(ArgKind::Output, 1, Bytes, true),
                            memory(ArgKind::Parameter, 1, Bytes)));
  Read.steps.push_back(
      launch(1, constant(1), constant(1), constant(1),
             arguments(memory(ArgKind::Arena, 1, Counter, true),
                       scalar(constant(2)))));
  Read.steps.push_back(copy(memory(ArgKind::Output, 2, Counter, true),
                            memory(ArgKind::Arena, 1, Counter)));
  return Plan;
}

void test::forGpu(plan::PlanT &Plan) {
  plan::ImageT &Image = *Plan.images.at(0);
  if (Image.format == "ptx")
    return;
  Image.format = "ptx";
  Image.target = "sm_80";
  Image.data = {'p', 't', 'x'};
  for (auto &Kernel : Plan.kernels)
    Kernel->threads = 32;
}

/// add_scaled of Kernels.c: one thread block per element, with one active
/// thread.
static constexpr std::string_view AddScaled = R"(
.version 8.0
.target sm_80
.address_size 64

.visible .entry add_scaled(
	.param .u64 add_scaled_param_0,
	.param .u64 add_scaled_param_1,
	.param .u64 add_scaled_param_2,
	.param .u64 add_scaled_param_3
)
{
	.reg .pred 	%p<2>;
	.reg .b32 	%r<3>;
	.reg .f32 	%f<5>;
	.reg .b64 	%rd<9>;

	mov.u32 	%r1, %tid.x;
	setp.ne.s32 	%p1, %r1, 0;
	@%p1 bra 	$L__BB0_2;
	ld.param.u64 	%rd1, [add_scaled_param_0];
	ld.param.u64 	%rd2, [add_scaled_param_1];
	ld.param.u64 	%rd3, [add_scaled_param_2];
	ld.param.u64 	%rd4, [add_scaled_param_3];
	mov.u32 	%r2, %ctaid.x;
	mul.wide.u32 	%rd5, %r2, 4;
	add.s64 	%rd6, %rd1, %rd5;
	add.s64 	%rd7, %rd2, %rd5;
	add.s64 	%rd8, %rd3, %rd5;
	ld.global.f32 	%f1, [%rd7];
	ld.global.f32 	%f2, [%rd8];
	cvt.rn.f32.s64 	%f3, %rd4;
	fma.rn.f32 	%f4, %f2, %f3, %f1;
	st.global.f32 	[%rd6], %f4;
$L__BB0_2:
	ret;
}
)";

plan::PlanT test::onEmulatedGpu(plan::PlanT Plan) {
  forGpu(Plan);
  Plan.images[0]->data.assign(AddScaled.begin(), AddScaled.end());
  return Plan;
}

plan::PlanT test::modelPlan(int64_t Slots, int64_t MaxTokens,
                            int64_t MaxLength) {
  using plan::ArgKind;
  using plan::DType;
  plan::PlanT Plan;
  constexpr int V = ModelVocabulary;
  enum { T, B };
  addSymbol(Plan, "T", MaxTokens);
  addSymbol(Plan, "B", Slots);
  uint32_t State = addArena(Plan, "state", plan::ArenaKind::State, Slots * 16);
  uint32_t Scratch = addArena(Plan, "activations", plan::ArenaKind::Activations,
                              MaxTokens * V * 4);
  addKernels(Plan, {"model_logits", "model_log_probs", "model_sample"},
             {7, 3, 5});
  Plan.model = std::make_unique<plan::ModelT>();
  Plan.model->architecture = "Test";
  Plan.model->vocabulary = V;
  Plan.model->slots = Slots;
  Plan.model->max_length = MaxLength;
  Plan.model->layers = 1;

  auto addBatch = [](plan::FunctionT &F) {
    F.inputs.push_back(tensor("tokens", DType::I32, {symbol(T)}));
    F.inputs.push_back(tensor("positions", DType::I32, {symbol(T)}));
    F.inputs.push_back(tensor("cu_seqlens", DType::I32, {symbol(B, 1, 1)}));
    F.inputs.push_back(tensor("slots", DType::I32, {symbol(B)}));
  };
  auto forward = [&](std::unique_ptr<plan::ArgT> Logits, bool PerToken) {
    return launch(
        0, symbol(B), constant(1), constant(1),
        arguments(memory(ArgKind::Arena, State, constant(Slots * 16), true),
                  memory(ArgKind::Input, 0, symbol(T, 4)),
                  memory(ArgKind::Input, 1, symbol(T, 4)),
                  memory(ArgKind::Input, 2, symbol(B, 4, 4)),
                  memory(ArgKind::Input, 3, symbol(B, 4)), std::move(Logits),
                  scalar(constant(PerToken))));
  };

  plan::FunctionT &Next = addFunction(Plan, "next");
  addBatch(Next);
  Next.inputs.push_back(tensor("temperature", DType::F32, {symbol(B)}));
  Next.inputs.push_back(tensor("top_p", DType::F32, {symbol(B)}));
  Next.inputs.push_back(tensor("top_k", DType::I32, {symbol(B)}));
  Next.inputs.push_back(tensor("seeds", DType::I64, {symbol(B)}));
  Next.inputs.push_back(tensor("sample_positions", DType::I32, {symbol(B)}));
  Next.outputs.push_back(tensor("sampled", DType::I32, {symbol(B)}));
  Next.outputs.push_back(tensor("log_probs", DType::F32, {symbol(B)}));
  Next.outputs.push_back(
      tensor("logits", DType::F32, {symbol(B), constant(V)}));
  Next.steps.push_back(
      forward(memory(ArgKind::Output, 2, symbol(B, 4 * V), true), false));
  Next.steps.push_back(
      launch(2, symbol(B), constant(1), constant(1),
             arguments(memory(ArgKind::Output, 2, symbol(B, 4 * V)),
                       memory(ArgKind::Input, 4, symbol(B, 4)),
                       memory(ArgKind::Input, 7, symbol(B, 8)),
                       memory(ArgKind::Input, 8, symbol(B, 4)),
                       memory(ArgKind::Output, 0, symbol(B, 4), true))));
  Next.drawn = {0};
  Next.steps.push_back(
      launch(1, symbol(B), constant(1), constant(1),
             arguments(memory(ArgKind::Output, 1, symbol(B, 4), true),
                       memory(ArgKind::Output, 2, symbol(B, 4 * V)),
                       memory(ArgKind::Output, 0, symbol(B, 4)))));

  plan::FunctionT &Score = addFunction(Plan, "score");
  addBatch(Score);
  Score.inputs.push_back(tensor("targets", DType::I32, {symbol(T)}));
  Score.outputs.push_back(tensor("log_probs", DType::F32, {symbol(T)}));
  Score.steps.push_back(
      forward(memory(ArgKind::Arena, Scratch, symbol(T, 4 * V), true), true));
  Score.steps.push_back(
      launch(1, symbol(T), constant(1), constant(1),
             arguments(memory(ArgKind::Output, 0, symbol(T, 4), true),
                       memory(ArgKind::Arena, Scratch, symbol(T, 4 * V)),
                       memory(ArgKind::Input, 4, symbol(T, 4)))));

  plan::FunctionT &Logits = addFunction(Plan, "logits");
  addBatch(Logits);
  Logits.outputs.push_back(
      tensor("logits", DType::F32, {symbol(T), constant(V)}));
  Logits.steps.push_back(
      forward(memory(ArgKind::Output, 0, symbol(T, 4 * V), true), true));
  return Plan;
}

void test::addStateParts(plan::PlanT &Plan, int64_t Blocks) {
  auto add = [&](const std::string &Name, plan::Division By, int64_t Parts,
                 uint64_t PartBytes) {
    const uint32_t Number = addArena(Plan, Name, plan::ArenaKind::State,
                                     static_cast<uint64_t>(Parts) * PartBytes);
    Plan.arenas[Number]->division = By;
    Plan.arenas[Number]->parts = Parts;
  };
  add("first", plan::Division::Slot, Plan.model->slots, 4);
  add("keys", plan::Division::Block, Blocks, 2);
  add("second", plan::Division::Slot, Plan.model->slots, 8);
  Plan.model->cache_blocks = Blocks;
  Plan.model->block_positions = 4;
}

int64_t test::modelFavourite(const std::vector<int64_t> &Tokens) {
  uint64_t Hash = 0;
  for (int64_t Token : Tokens) {
    Hash = (Hash + Token + 1) * 6364136223846793005u + 1;
    Hash ^= Hash >> 33;
  }
  return Hash % ModelVocabulary;
}
