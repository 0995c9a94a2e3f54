//===- WriteRun.cpp - a run without a model -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// m1-write-run SOURCE DIRECTORY [MAX_SHARD_BYTES]
//
// Makes the checkpoint SOURCE, of small tensors of every type of weights, and
// DIRECTORY, the directory of a run from it whose "training" computes
// sin(1000 step + 100 kind + 10 tensor + element / 10) in float: two steps,
// each with a checkpoint.
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Process.h"
#include "runtime/training/RunDirectory.h"
#include "test/unit/training/MemoryPolicy.h"

#include <cstdio>
#include <cstdlib>

using namespace m1;
using namespace m1::test;

static absl::Status writeRun(const std::string &SourcePath,
                             const std::string &RunPath, uint64_t ShardBytes) {
  MemoryPolicy Model(smallTensors());
  M1_RETURN_IF_ERROR(createDirectories(SourcePath));
  writeSource(SourcePath, Model.tensors());
  M1_ASSIGN_OR_RETURN(std::unique_ptr<CheckpointSource> Source,
                      CheckpointSource::open(SourcePath, Model.tensors()));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<RunDirectory> Run,
                      RunDirectory::create(RunPath));
  M1_RETURN_IF_ERROR(Run->begin({{"seed", 7}}));
  for (int64_t Step : {1, 2}) {
    Model.fill(Step);
    M1_RETURN_IF_ERROR(Run->addMetrics(Step, {{"loss", 1.0 / Step}}));
    M1_ASSIGN_OR_RETURN(const PolicyDigests Digests, digestsOf(Model));
    M1_RETURN_IF_ERROR(Run->addDigests(Step, Digests));
    SaveSettings Settings;
    Settings.MaxShardBytes = ShardBytes;
    M1_RETURN_IF_ERROR(
        Run->save(Step, Model, Source.get(), {{"third", 1.0 / 3}}, Settings));
  }
  return absl::OkStatus();
}

int main(int Count, char **Arguments) {
  prepareProcess();
  if (Count < 3 || Count > 4) {
    std::fputs("usage: m1-write-run SOURCE DIRECTORY [MAX_SHARD_BYTES]\n",
               stderr);
    return 2;
  }
  const absl::Status Status =
      writeRun(Arguments[1], Arguments[2],
               Count == 4 ? std::strtoull(Arguments[3], nullptr, 10)
                          : DefaultShardBytes);
  if (!Status.ok())
    std::fprintf(stderr, "m1-write-run: error: %s\n",
                 std::string(Status.message()).c_str());
  return Status.ok() ? 0 : 1;
}
