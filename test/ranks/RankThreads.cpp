//===- RankThreads.cpp - runs a plan for many ranks in one process --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For tests: ranks are threads, each with its own device and executor.
//
//   m1-rank-threads call PLAN WEIGHTS DEVICE ENTRY INPUTS OUTPUTS
//     calls a function on every rank. Rank R reads INPUTS/NAME.R.npy, or
//     INPUTS/NAME.npy where that is missing, for each input, and writes
//     OUTPUTS/NAME.R.npy for each output.
//   m1-rank-threads compare PLAN WEIGHTS DEVICE WHOLE TOKENS...
//     compares the bits of log-probabilities and of generated tokens with those
//     of WHOLE, a plan of the same model for one rank. TOKENS are .npy files
//     of one sequence each.
//   m1-rank-threads count PLAN WEIGHTS DEVICE ENTRY:SEQUENCES:TOKENS...
//     calls next or score with that many tokens of each sequence, more than one
//     from the beginning of new ones, and prints for each call what the ranks'
//     transports carried. It is an error if it is not the same for all ranks,
//     or not what the executor says.
//
// WEIGHTS is a checkpoint or "none", DEVICE "cpu", "checked" or "ptx". Prints
// what each rank has read and sent.
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/HostCommunicator.h"
#include "runtime/comm/InProcess.h"
#include "runtime/device/CreateDevice.h"
#include "runtime/engine/Generate.h"
#include "runtime/plan/Mesh.h"
#include "runtime/session/Executor.h"
#include "runtime/session/Score.h"
#include "runtime/weights/Npy.h"
#include "test/ranks/CountingTransport.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

using namespace m1;
using test::CountingTransport;

namespace {
/// One rank, in the order of construction.
struct Rank {
  std::unique_ptr<Device> TheDevice;
  std::unique_ptr<CountingTransport> Others; ///< null with one rank
  std::unique_ptr<Communicator> Comm;        ///< null with one rank
  std::unique_ptr<ParameterSource> Parameters;
  std::unique_ptr<Executor> Program;

  /// `Ranks`: null with one rank.
  absl::Status open(const LoadedPlan &Plan, std::unique_ptr<Transport> Ranks,
                    const std::string &Weights, const std::string &Device) {
    DeviceOptions Options;
    Options.Name = Device == "checked" ? "cpu" : Device;
    Options.Threads = 1;
    Options.Checked = Device == "checked";
    M1_ASSIGN_OR_RETURN(TheDevice, createDevice(Plan, Options));
    if (Ranks) {
      Others = std::make_unique<CountingTransport>(std::move(Ranks), *Plan);
      Comm = createHostCommunicator(*Plan, *Others, *TheDevice);
    }
    CheckpointOptions Checkpoint;
    if (Comm)
      Checkpoint.Coordinates = {Comm->coordinates().begin(),
                                Comm->coordinates().end()};
    if (Weights == "none") {
      M1_ASSIGN_OR_RETURN(Parameters,
                          randomParameters(Plan, 1, Checkpoint.Coordinates));
    } else {
      M1_ASSIGN_OR_RETURN(Parameters,
                          checkpointParameters(Plan, Weights, Checkpoint));
    }
    M1_ASSIGN_OR_RETURN(Program,
                        Executor::create(Plan, *TheDevice, *Parameters,
                                         /*Trace=*/nullptr, Comm.get()));
    return absl::OkStatus();
  }

  void close() {
    Program.reset();
    Comm.reset();
    Others.reset();
  }
};

/// Runs `Body` on all ranks of a plan, which are open; the first error.
absl::Status onRanks(const LoadedPlan &Plan, const std::string &Weights,
                     const std::string &Device,
                     const std::function<absl::Status(int, Rank &)> &Body) {
  const auto Count = static_cast<int>(rankCount(*Plan));
  std::vector<std::unique_ptr<Transport>> Transports;
  if (Count > 1)
    Transports = createInProcessRanks(Count);
  else
    Transports.emplace_back();
  std::vector<Rank> Ranks(Count);
  std::vector<absl::Status> Ends(Count);
  std::vector<std::thread> Threads;
  for (int I = 0; I < Count; ++I)
    Threads.emplace_back([&, I] {
      Ends[I] = Ranks[I].open(Plan, std::move(Transports[I]), Weights, Device);
      if (Ends[I].ok())
        Ends[I] = Body(I, Ranks[I]);
      if (!Ends[I].ok())
        Ranks[I].close(); // ends the others' waiting
    });
  for (std::thread &Thread : Threads)
    Thread.join();
  for (int I = 0; I < Count; ++I) {
    if (!Ends[I].ok())
      return makeError("rank ", I, ": ", std::string(Ends[I].message()));
    const Traffic &Sent = Ranks[I].Program->traffic();
    std::printf("rank %d: read %" PRIu64 " bytes, sent %" PRIu64
                " bytes in %" PRIu64 " messages of %" PRIu64 " exchanges\n",
                I, Ranks[I].Parameters->bytesRead(), Sent.Bytes, Sent.Messages,
                Sent.Exchanges);
  }
  return absl::OkStatus();
}

/// One rank's call of a function.
absl::Status callOn(int Number, Rank &R, const std::string &Entry,
                    const std::string &Inputs, const std::string &Outputs) {
  M1_ASSIGN_OR_RETURN(uint32_t Index, R.Program->find(Entry));
  const plan::Function &F = *R.Program->plan()->functions()->Get(Index);
  std::vector<NpyArray> Given(length(F.inputs())), Results(length(F.outputs()));
  std::vector<HostTensor> In, Out;
  for (uint32_t I = 0; I < Given.size(); ++I) {
    const plan::Tensor &Tensor = *F.inputs()->Get(I);
    std::string Path =
        concat(Inputs, "/", view(Tensor.name()), ".", Number, ".npy");
    if (!std::filesystem::exists(Path))
      Path = concat(Inputs, "/", view(Tensor.name()), ".npy");
    M1_ASSIGN_OR_RETURN(NpyArray Array, readNpy(Path));
    M1_ASSIGN_OR_RETURN(
        Given[I], convert(std::move(Array), elementType(Tensor.dtype()), Path));
    In.push_back({Given[I].Data.data(), Given[I].Type, Given[I].Shape});
  }
  M1_ASSIGN_OR_RETURN(std::vector<int64_t> Symbols,
                      R.Program->bindSymbols(Index, In));
  for (uint32_t I = 0; I < Results.size(); ++I) {
    Results[I].Type = elementType(F.outputs()->Get(I)->dtype());
    Results[I].Shape = R.Program->outputShape(Index, I, Symbols);
    HostTensor Output{nullptr, Results[I].Type, Results[I].Shape};
    Results[I].Data.resize(Output.bytes());
    Output.Data = Results[I].Data.data();
    Out.push_back(Output);
  }
  // Twice, so that a recorded call is executed too.
  for (int Time = 0; Time < 2; ++Time)
    M1_RETURN_IF_ERROR(R.Program->call(Index, In, Out));
  for (uint32_t I = 0; I < Results.size(); ++I)
    M1_RETURN_IF_ERROR(
        writeNpy(concat(Outputs, "/", view(F.outputs()->Get(I)->name()), ".",
                        Number, ".npy"),
                 Results[I].Type, Results[I].Shape, Results[I].Data.data()));
  return absl::OkStatus();
}

/// What a rank computes for sequences.
struct Results {
  std::vector<std::vector<float>> Scores; ///< by sequence
  std::vector<Generated> Responses;
};

absl::Status compute(Rank &R, const std::vector<std::vector<int64_t>> &Tokens,
                     Results &To) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LanguageModel> Model,
                      LanguageModel::create(*R.Program));
  To.Scores.resize(Tokens.size());
  To.Responses.resize(Tokens.size());
  // Few tokens per call, and many.
  for (int64_t MaxTokens : {int64_t(0), int64_t(5)}) {
    ScoreOptions Scoring;
    Scoring.MaxTokensPerCall = MaxTokens;
    M1_RETURN_IF_ERROR(
        score(*Model, Tokens, Scoring,
              [&](size_t I, absl::StatusOr<std::span<const float>> LogProbs) {
                if (LogProbs.ok())
                  To.Scores[I].insert(To.Scores[I].end(), LogProbs->begin(),
                                      LogProbs->end());
                return LogProbs.status();
              }));
  }
  GenerateOptions Options;
  Options.MaxNewTokens = 6;
  Options.Temperature = 0.8f;
  return generate(*Model, Tokens, Options,
                  [&](size_t I, const Generated &Response) {
                    To.Responses[I] = Response;
                    return absl::OkStatus();
                  });
}

bool sameBits(const std::vector<float> &A, const std::vector<float> &B) {
  return A.size() == B.size() &&
         (A.empty() ||
          std::memcmp(A.data(), B.data(), A.size() * sizeof(float)) == 0);
}

absl::Status compare(int Number, const Results &Found,
                     const Results &Expected) {
  for (size_t I = 0; I < Expected.Scores.size(); ++I) {
    if (!sameBits(Found.Scores[I], Expected.Scores[I]))
      return makeError("rank ", Number, ": sequence ", I,
                       " has other scores than with one rank");
    if (Found.Responses[I].Tokens != Expected.Responses[I].Tokens ||
        !sameBits(Found.Responses[I].LogProbs, Expected.Responses[I].LogProbs))
      return makeError("rank ", Number, ": sequence ", I,
                       " has another response than with one rank");
  }
  return absl::OkStatus();
}

absl::Status compareWith(const LoadedPlan &Plan, const std::string &Weights,
                         const std::string &Device, const std::string &Whole,
                         std::span<char *const> Files) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> One, LoadedPlan::load(Whole));
  std::vector<std::vector<int64_t>> Tokens;
  for (const char *File : Files) {
    M1_ASSIGN_OR_RETURN(Tokens.emplace_back(), readTokens(File));
  }
  Results Expected;
  M1_RETURN_IF_ERROR(onRanks(*One, Weights, Device, [&](int, Rank &R) {
    return compute(R, Tokens, Expected);
  }));
  std::vector<Results> Found(rankCount(*Plan));
  M1_RETURN_IF_ERROR(onRanks(Plan, Weights, Device, [&](int Number, Rank &R) {
    return compute(R, Tokens, Found[Number]);
  }));
  for (size_t I = 0; I < Found.size(); ++I)
    M1_RETURN_IF_ERROR(compare(static_cast<int>(I), Found[I], Expected));
  std::printf("%zu ranks (%s): same bits as one\n", Found.size(),
              describeMesh(*Plan).c_str());
  return absl::OkStatus();
}

/// A call to count.
struct CountedCall {
  std::string Entry; ///< "next" or "score"
  int64_t Sequences = 0, Tokens = 0;
  std::vector<TrafficByKind> Carried; ///< by rank
  std::vector<Traffic> Counted;       ///< by rank, by the executor
};

/// `Lengths`: of the sequence in each slot, before and after the call.
absl::Status feed(LanguageModel &Model, const CountedCall &Call,
                  std::vector<int64_t> &Lengths) {
  const std::vector<int64_t> Piece(Call.Tokens, 1);
  RaggedBatch Batch;
  Sampling How;
  for (int32_t Slot = 0; Slot < Call.Sequences; ++Slot) {
    const int64_t Begin = Call.Tokens > 1 ? 0 : Lengths[Slot];
    Lengths[Slot] = Begin + Call.Tokens;
    Batch.add(Slot, Begin, Piece);
    How.add(/*RowTemperature=*/0, /*RowTopP=*/1, /*RowTopK=*/0, /*Seed=*/1,
            static_cast<int32_t>(Lengths[Slot]));
  }
  if (Call.Entry == "next") {
    std::vector<int32_t> Drawn(Call.Sequences);
    std::vector<float> LogProbs(Call.Sequences);
    return Model.next(Batch, How, Drawn, LogProbs);
  }
  const std::vector<int32_t> Targets(Batch.tokens(), 1);
  std::vector<float> LogProbs(Batch.tokens());
  return Model.score(Batch, Targets, LogProbs);
}

absl::Status countOn(int Number, Rank &R, std::vector<CountedCall> &Calls) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LanguageModel> Model,
                      LanguageModel::create(*R.Program));
  std::vector<int64_t> Lengths(Model->maxSequences());
  for (CountedCall &Call : Calls) {
    R.Others->takeCount();
    const Traffic Before = R.Program->traffic();
    M1_RETURN_IF_ERROR(feed(*Model, Call, Lengths));
    Call.Carried[Number] = R.Others->takeCount();
    const Traffic &After = R.Program->traffic();
    Call.Counted[Number] = {After.Exchanges - Before.Exchanges,
                            After.Messages - Before.Messages,
                            After.Bytes - Before.Bytes};
  }
  return absl::OkStatus();
}

absl::StatusOr<CountedCall> parseCall(const std::string &Text, size_t Ranks) {
  CountedCall Call;
  const size_t First = Text.find(':'), Last = Text.rfind(':');
  if (First != std::string::npos && First < Last) {
    Call.Entry = Text.substr(0, First);
    Call.Sequences = std::atoll(Text.c_str() + First + 1);
    Call.Tokens = std::atoll(Text.c_str() + Last + 1);
  }
  if (Call.Sequences < 1 || Call.Tokens < 1 ||
      (Call.Entry != "next" && Call.Entry != "score"))
    return makeError(Text, ": expected next or score, :SEQUENCES:TOKENS");
  Call.Carried.resize(Ranks);
  Call.Counted.resize(Ranks);
  return Call;
}

absl::Status printCount(const plan::Plan &Plan, const CountedCall &Call) {
  Traffic Sum;
  for (const auto &[Key, Sent] : Call.Carried[0]) {
    Sum += Sent;
    std::printf("%s:%" PRId64 ":%" PRId64 " %s %s %" PRIu64 " %" PRIu64
                " %" PRIu64 "\n",
                Call.Entry.c_str(), Call.Sequences, Call.Tokens,
                nameOf(Key.first),
                std::string(view(Plan.mesh()->Get(Key.second)->name())).c_str(),
                Sent.Exchanges, Sent.Messages, Sent.Bytes);
  }
  for (size_t I = 0; I < Call.Carried.size(); ++I) {
    if (Call.Carried[I] != Call.Carried[0])
      return makeError("rank ", I, " sent something else than rank 0");
    if (Call.Counted[I] != Sum)
      return makeError("rank ", I, ": the executor counts ",
                       Call.Counted[I].Bytes, " bytes, but ", Sum.Bytes,
                       " were sent");
  }
  return absl::OkStatus();
}

absl::Status countCalls(const LoadedPlan &Plan, const std::string &Weights,
                        const std::string &Device,
                        std::span<char *const> Texts) {
  const int64_t Ranks = rankCount(*Plan);
  if (Ranks == 1)
    return makeError(Plan.name(), ": one rank sends nothing");
  std::vector<CountedCall> Calls;
  for (const char *Text : Texts) {
    M1_ASSIGN_OR_RETURN(Calls.emplace_back(), parseCall(Text, Ranks));
  }
  M1_RETURN_IF_ERROR(onRanks(Plan, Weights, Device, [&](int Number, Rank &R) {
    return countOn(Number, R, Calls);
  }));
  for (const CountedCall &Call : Calls)
    M1_RETURN_IF_ERROR(printCount(*Plan, Call));
  return absl::OkStatus();
}

absl::Status run(int Count, char **Args) {
  const std::string Command = Count > 1 ? Args[1] : "";
  const bool IsCall = Command == "call" && Count == 8;
  const bool IsCount = Command == "count" && Count >= 6;
  if (!IsCall && !IsCount && (Command != "compare" || Count < 7))
    return makeError("expected call PLAN WEIGHTS DEVICE ENTRY INPUTS OUTPUTS, "
                     "compare PLAN WEIGHTS DEVICE WHOLE TOKENS..., or "
                     "count PLAN WEIGHTS DEVICE ENTRY:SEQUENCES:TOKENS...");
  const std::string Weights = Args[3], Device = Args[4];
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LoadedPlan> Plan,
                      LoadedPlan::load(Args[2]));
  if (IsCount)
    return countCalls(*Plan, Weights, Device,
                      std::span<char *const>(Args + 5, Count - 5));
  if (!IsCall)
    return compareWith(*Plan, Weights, Device, Args[5],
                       std::span<char *const>(Args + 6, Count - 6));
  return onRanks(*Plan, Weights, Device, [&](int Number, Rank &R) {
    return callOn(Number, R, Args[5], Args[6], Args[7]);
  });
}
} // namespace

int main(int Count, char **Args) {
  absl::Status Status = run(Count, Args);
  if (Status.ok())
    return 0;
  std::fprintf(stderr, "m1-rank-threads: error: %s\n",
               std::string(Status.message()).c_str());
  return 1;
}
