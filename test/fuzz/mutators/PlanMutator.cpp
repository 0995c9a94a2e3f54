//===- PlanMutator.cpp - mutates a plan -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/schema/plan_generated.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace m1;

extern "C" size_t LLVMFuzzerMutate(uint8_t *Data, size_t Size, size_t MaxSize);

namespace {
/// Collects the fields of a plan, and changes some of them at random.
class PlanMutator {
public:
  PlanMutator(plan::PlanT &Plan, unsigned Seed) : Random(Seed) {
    visit(Plan);
    if (Fields.empty())
      return;
    for (unsigned Steps = 1 + below(4); Steps > 0; --Steps) {
      // Lists last: a change of one invalidates pointers.
      if (Steps == 1 && below(3) == 0)
        Lists[below(Lists.size())]();
      else
        change(Fields[below(Fields.size())]);
    }
  }

private:
  size_t below(size_t Limit) { return Random() % Limit; }

  /// A field: a bool, an integer of some bytes, an expression or a string.
  struct Field {
    enum { Flag, Integer, Expression, Optional, Text } Kind;
    void *At;
    unsigned Bytes = 0;
  };

  template <typename T> void number(T &Value) {
    Fields.push_back({Field::Integer, &Value, sizeof Value});
  }
  void number(bool &Value) { Fields.push_back({Field::Flag, &Value}); }
  void text(std::string &Value) { Fields.push_back({Field::Text, &Value}); }
  void expression(plan::Expr &E) { Fields.push_back({Field::Expression, &E}); }
  void expression(std::unique_ptr<plan::Expr> &E) {
    Fields.push_back({Field::Optional, &E});
    if (E)
      expression(*E);
  }

  static plan::Expr copyOf(const plan::Expr &E) { return E; }
  static uint32_t copyOf(uint32_t N) { return N; }
  static std::string copyOf(const std::string &Text) { return Text; }
  template <typename T>
  static std::unique_ptr<T> copyOf(const std::unique_ptr<T> &Pointer) {
    return std::make_unique<T>(*Pointer);
  }
  template <typename T> void list(std::vector<T> &List) {
    Lists.emplace_back([this, &List] {
      if (List.empty())
        return;
      size_t From = below(List.size()), To = below(List.size());
      switch (below(3)) {
      case 0:
        List.erase(List.begin() + From);
        break;
      case 1:
        List.insert(List.begin() + To, copyOf(List[From]));
        break;
      default:
        std::swap(List[From], List[To]);
        break;
      }
    });
  }
  template <typename T> void each(std::vector<std::unique_ptr<T>> &List) {
    list(List);
    for (std::unique_ptr<T> &Element : List)
      visit(*Element);
  }

  void visit(plan::PlanT &P) {
    each(P.symbols);
    each(P.parameters);
    each(P.arenas);
    each(P.images);
    each(P.kernels);
    each(P.functions);
    each(P.mesh);
    if (P.model) {
      number(P.model->vocabulary);
      number(P.model->slots);
      number(P.model->max_length);
      number(P.model->cache_blocks);
      number(P.model->block_positions);
      number(P.model->chunk);
    }
  }
  void visit(plan::SymbolT &S) {
    text(S.name);
    number(S.max);
  }
  void visit(plan::ParameterT &P) {
    text(P.name);
    number(P.dtype);
    for (int64_t &Extent : P.shape)
      number(Extent);
    each(P.slices);
    number(P.names_axis);
    list(P.names);
    for (std::string &Name : P.names)
      text(Name);
  }
  void visit(plan::ParameterSliceT &S) {
    number(S.dimension);
    number(S.axis);
    number(S.step);
    number(S.replicas);
    number(S.begin);
    number(S.end);
  }
  void visit(plan::MeshAxisT &A) {
    text(A.name);
    number(A.extent);
    number(A.symbol);
  }
  void visit(plan::ArenaT &A) {
    text(A.name);
    number(A.kind);
    number(A.bytes);
    number(A.division);
    number(A.parts);
  }
  void visit(plan::ImageT &I) {
    text(I.format);
    text(I.target);
  }
  void visit(plan::KernelT &K) {
    text(K.name);
    number(K.image);
    number(K.argument_count);
    number(K.scratch_bytes);
    number(K.threads);
  }
  void visit(plan::FunctionT &F) {
    text(F.name);
    each(F.inputs);
    each(F.outputs);
    each(F.steps);
    each(F.checks);
    list(F.drawn);
    for (uint32_t &Output : F.drawn)
      number(Output);
  }
  void visit(plan::TensorT &T) {
    text(T.name);
    number(T.dtype);
    list(T.shape);
    for (plan::Expr &Extent : T.shape)
      expression(Extent);
  }
  void visit(plan::CheckT &C) {
    number(C.kind);
    number(C.input);
    number(C.limit);
    expression(C.total);
    number(C.offsets);
  }
  void visit(plan::StepT &S) {
    if (plan::LaunchT *Launch = S.instruction.AsLaunch()) {
      number(Launch->kernel);
      expression(Launch->grid_x);
      expression(Launch->grid_y);
      expression(Launch->grid_z);
      each(Launch->args);
    } else if (plan::CopyT *Copy = S.instruction.AsCopy()) {
      visit(*Copy->destination);
      visit(*Copy->source);
    } else if (plan::CollectiveT *Each = S.instruction.AsCollective()) {
      number(Each->kind);
      number(Each->axis);
      visit(*Each->destination);
      visit(*Each->source);
      expression(Each->block);
      number(Each->unit);
    }
    if (S.condition) {
      number(S.condition->symbol);
      number(S.condition->at_least);
      number(S.condition->below);
    }
  }
  void visit(plan::ArgT &A) {
    number(A.kind);
    number(A.index);
    number(A.offset);
    expression(A.bytes);
    expression(A.value);
    expression(A.shift);
    number(A.written);
  }

  int64_t changed(int64_t Value) {
    constexpr int64_t Limit = std::numeric_limits<int64_t>::max();
    constexpr int64_t Numbers[] = {0,
                                   1,
                                   -1,
                                   2,
                                   3,
                                   16,
                                   63,
                                   64,
                                   65,
                                   1023,
                                   1024,
                                   1025,
                                   65535,
                                   65536,
                                   INT32_MAX,
                                   Limit,
                                   -Limit,
                                   -Limit - 1,
                                   INT32_MIN,
                                   UINT32_MAX,
                                   int64_t(1) << 46,
                                   (int64_t(1) << 46) + 1};
    uint64_t Bits = Value;
    switch (below(6)) {
    case 0:
      return Numbers[below(std::size(Numbers))];
    case 1:
      return Bits + 1;
    case 2:
      return Bits - 1;
    case 3:
      return Bits * 2;
    case 4:
      return Bits ^ uint64_t(1) << below(64);
    default: // the value of another field
      Field Other = Fields[below(Fields.size())];
      return Other.Kind == Field::Integer ? read(Other) : Bits / 2;
    }
  }

  static int64_t read(const Field &F) {
    int64_t Value = 0;
    std::memcpy(&Value, F.At, F.Bytes);
    return Value;
  }

  plan::Expr changed(const plan::Expr &E) {
    int64_t Symbol = E.symbol(), Multiply = E.multiply(), Add = E.add(),
            Divide = E.divide();
    switch (below(4)) {
    case 0:
      Symbol = below(2) ? static_cast<int64_t>(below(4)) - 1 : changed(Symbol);
      break;
    case 1:
      Multiply = changed(Multiply);
      break;
    case 2:
      Add = changed(Add);
      break;
    default:
      Divide = changed(Divide);
      break;
    }
    return {static_cast<int32_t>(Symbol), Multiply, Add, Divide};
  }

  void change(const Field &F) {
    switch (F.Kind) {
    case Field::Flag:
      *static_cast<bool *>(F.At) ^= true;
      break;
    case Field::Integer: {
      int64_t Value = F.Bytes == 1 ? read(F) ^ 1 << below(3) : changed(read(F));
      std::memcpy(F.At, &Value, F.Bytes);
      break;
    }
    case Field::Expression: {
      auto &E = *static_cast<plan::Expr *>(F.At);
      E = changed(E);
      break;
    }
    case Field::Optional: {
      auto &E = *static_cast<std::unique_ptr<plan::Expr> *>(F.At);
      // One that is there stays, because its field points to it.
      if (!E)
        E = std::make_unique<plan::Expr>(static_cast<int32_t>(below(2)) - 1, 1,
                                         below(100), 1);
      break;
    }
    case Field::Text: {
      constexpr const char *Texts[] = {
          "",      "init", "a",      "next", "score",  "ptx",    "elf",
          "sm_80", "sm_",  "logits", "..",   "a/../b", "tokens", "slots"};
      *static_cast<std::string *>(F.At) = Texts[below(std::size(Texts))];
      break;
    }
    }
  }

  std::mt19937 Random;
  std::vector<Field> Fields;
  std::vector<std::function<void()>> Lists;
};
} // namespace

/// Mutates a well-formed plan's fields, or any bytes.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *Data, size_t Size,
                                          size_t MaxSize, unsigned Seed) {
  std::vector<uint8_t> Aligned(Data, Data + Size);
  flatbuffers::Verifier Verifier(Aligned.data(), Size);
  if (Size < 16 || Seed % 4 == 0 || !plan::VerifyPlanBuffer(Verifier))
    return LLVMFuzzerMutate(Data, Size, MaxSize);
  std::unique_ptr<plan::PlanT> Plan = plan::UnPackPlan(Aligned.data());
  // Instructions of unknown kinds cannot be packed again.
  for (auto &Function : Plan->functions)
    std::erase_if(Function->steps, [](const std::unique_ptr<plan::StepT> &S) {
      return !S->instruction.value;
    });
  PlanMutator(*Plan, Seed / 4);
  flatbuffers::FlatBufferBuilder Builder;
  plan::FinishPlanBuffer(Builder, plan::Plan::Pack(Builder, Plan.get()));
  if (Builder.GetSize() > MaxSize)
    return LLVMFuzzerMutate(Data, Size, MaxSize);
  std::memcpy(Data, Builder.GetBufferPointer(), Builder.GetSize());
  return Builder.GetSize();
}
