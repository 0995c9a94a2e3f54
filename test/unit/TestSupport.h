//===- TestSupport.h - plans and files for the tests ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_TESTSUPPORT_H
#define M1C_TEST_UNIT_TESTSUPPORT_H

#include "runtime/plan/Plan.h"
#include "runtime/session/Session.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace m1::test {

/// A directory that is removed at the end of the test.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string path(const std::string &Name) const { return Root + "/" + Name; }
  const std::string &root() const { return Root; }

private:
  std::string Root;
};

void writeFile(const std::string &Path, const std::string &Bytes);
std::string readFile(const std::string &Path);

/// A safetensors file with this header and `DataBytes` bytes of data: 0, 1, 2,
/// ...
std::string safetensors(const std::string &Header, size_t DataBytes);

/// Expressions: a number; a symbol times `Multiply` plus `Add`.
plan::Expr constant(int64_t Value);
plan::Expr symbol(int32_t Index, int64_t Multiply = 1, int64_t Add = 0);

std::unique_ptr<plan::ArgT> memory(plan::ArgKind Kind, uint32_t Index,
                                   plan::Expr Bytes, bool Written = false,
                                   uint64_t Offset = 0);
std::unique_ptr<plan::ArgT> scalar(plan::Expr Value);
std::unique_ptr<plan::TensorT> tensor(const std::string &Name, plan::DType Type,
                                      const std::vector<plan::Expr> &Shape);

/// Steps.
template <typename... Args>
std::vector<std::unique_ptr<plan::ArgT>> arguments(Args... A) {
  std::vector<std::unique_ptr<plan::ArgT>> Result;
  (Result.push_back(std::move(A)), ...);
  return Result;
}
std::unique_ptr<plan::StepT>
launch(uint32_t Kernel, plan::Expr X, plan::Expr Y, plan::Expr Z,
       std::vector<std::unique_ptr<plan::ArgT>> Args);
std::unique_ptr<plan::StepT> copy(std::unique_ptr<plan::ArgT> Destination,
                                  std::unique_ptr<plan::ArgT> Source);

void addSymbol(plan::PlanT &Plan, const std::string &Name, int64_t Max);
/// Adds an axis of the mesh.
void addAxis(plan::PlanT &Plan, const std::string &Name, int64_t Extent);
void addParameter(plan::PlanT &Plan, const std::string &Name, plan::DType Type,
                  const std::vector<int64_t> &Shape);
uint32_t addArena(plan::PlanT &Plan, const std::string &Name,
                  plan::ArenaKind Kind, uint64_t Bytes);
/// Adds an arena of constants; its number.
uint32_t addConstants(plan::PlanT &Plan, std::vector<uint8_t> Data);
/// Adds the kernels of Kernels.c by name and the image with them.
void addKernels(plan::PlanT &Plan, const std::vector<std::string> &Names,
                const std::vector<uint32_t> &ArgumentCounts);
plan::FunctionT &addFunction(plan::PlanT &Plan, const std::string &Name);

/// The file of a plan, with its digest.
std::vector<uint8_t> serialize(plan::PlanT &Plan);

/// The error of loading a plan, or "".
std::string loadError(std::vector<uint8_t> Bytes);

/// A session on a plan; an error fails the test.
std::unique_ptr<Session> open(plan::PlanT &Plan,
                              const SessionOptions &Options = {});

/// An adder of f32 vectors: out[N] = a[N] + 3 b[N], N <= 8, through an arena.
plan::PlanT adderPlan();

/// A step that exchanges blocks of `Block` times 4 bytes.
std::unique_ptr<plan::StepT> collective(plan::CollectiveKind Kind,
                                        uint32_t Axis, plan::Expr Block,
                                        std::unique_ptr<plan::ArgT> Destination,
                                        std::unique_ptr<plan::ArgT> Source);

/// A plan for six ranks, tensor 3 x expert 2, without kernels. Parameters are
/// w [7, 4], with 3 rows on each coordinate of `tensor`, and e.0 [2, 2] or, on
/// coordinate 1 of `expert`, e.1. The function `exchange` of a[N], N <= 8,
/// returns the a of all ranks of `tensor`, each with 8 places; what they give
/// in an exchange of ceil(N / 3) numbers, each with 3 places; and the rank's w
/// and e.
plan::PlanT meshPlan();

/// `init` packs w = z + 3 v of N floats into a weights arena; `read` returns w
/// and z, and adds 2 to a state per call.
plan::PlanT initPlan(int64_t N);

/// Changes a plan's target to a GPU: the image is the text "ptx", thread blocks
/// have 32 threads.
void forGpu(plan::PlanT &Plan);

/// Changes the target to the emulated GPU; the plan's only kernel must be
/// add_scaled.
plan::PlanT onEmulatedGpu(plan::PlanT Plan);

/// The model described in Kernels.c, with a vocabulary of 16: next, score and
/// logits.
inline constexpr int64_t ModelVocabulary = 16;
plan::PlanT modelPlan(int64_t Slots, int64_t MaxTokens, int64_t MaxLength);
/// Adds states to a model's plan, divided by slots (4 and 8 bytes a slot) and
/// by `Blocks` blocks of 4 positions (2 bytes a block).
void addStateParts(plan::PlanT &Plan, int64_t Blocks);
/// The model's most probable next token after these.
int64_t modelFavourite(const std::vector<int64_t> &Tokens);

template <typename T> T value(absl::StatusOr<T> Result) {
  EXPECT_TRUE(Result.ok()) << Result.status();
  if (!Result.ok())
    std::abort();
  return std::move(*Result);
}
inline std::string message(const absl::Status &Status) {
  return std::string(Status.message());
}

} // namespace m1::test

#endif // M1C_TEST_UNIT_TESTSUPPORT_H
