//===- RunDirectoryTest.cpp - the files of a training run -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/RunDirectory.h"

#include "runtime/support/Process.h"
#include "test/unit/TestSupport.h"
#include "test/unit/training/MemoryPolicy.h"

#include <sys/resource.h>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {
const json Recipe = {{"seed", 7}, {"optimizer", {{"learning_rate", 1e-6}}}};

/// Step `Step` of a run: lines, and a checkpoint after every second step.
void runStep(RunDirectory &Run, MemoryPolicy &Model, int64_t Step,
             const SaveSettings &Settings = {}) {
  Model.fill(Step);
  const std::vector<int64_t> Prompt = {1, 2}, Response = {3, Step};
  ASSERT_EQ(Run.addSample(Step, {Prompt, Response, 0.25, {{"group", 0}}}),
            absl::OkStatus());
  ASSERT_EQ(Run.addSample(Step, {Prompt, {}, -1}), absl::OkStatus());
  ASSERT_EQ(Run.addMetrics(Step, {{"loss", 1.0 / Step}}), absl::OkStatus());
  ASSERT_EQ(Run.addDigests(Step, value(digestsOf(Model))), absl::OkStatus());
  if (Step % 2 == 0)
    ASSERT_EQ(Run.save(Step, Model, nullptr, {{"samples", 8 * Step}}, Settings),
              absl::OkStatus());
}

/// The texts of a run's files of lines.
std::string lines(const std::string &Path) {
  std::string Text;
  for (const char *Name : {"metrics.jsonl", "samples.jsonl", "digests.jsonl"})
    Text += readFile(Path + "/" + Name);
  return Text;
}

TEST(RunDirectory, AResumedRunHasTheFilesOfOneWithoutInterruption) {
  TemporaryDirectory Directory;
  const std::string Whole = Directory.path("whole"),
                    Cut = Directory.path("nested/cut");
  MemoryPolicy Model(smallTensors());
  {
    auto Run = value(RunDirectory::create(Whole));
    ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
    for (int64_t Step = 1; Step <= 5; ++Step)
      runStep(*Run, Model, Step);
    EXPECT_EQ(value(Run->checkpoints()), (std::vector<int64_t>{2, 4}));
  }
  EXPECT_TRUE(readFile(Whole + "/samples.jsonl")
                  .starts_with("{\"step\":1,\"group\":0,\"prompt\":[1,2],"
                               "\"response\":[3,1],\"reward\":0.25}\n"
                               "{\"step\":1,\"prompt\":[1,2],\"response\":"
                               "[],\"reward\":-1.0}\n{\"step\":2,"));
  {
    auto Run = value(RunDirectory::create(Cut));
    ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
    for (int64_t Step = 1; Step <= 3; ++Step)
      runStep(*Run, Model, Step);
  }
  writeFile(Cut + "/metrics.jsonl",
            readFile(Cut + "/metrics.jsonl") + "{\"step\":4,\"lo");
  MemoryPolicy Fresh(smallTensors());
  auto Run = value(RunDirectory::open(Cut));
  const ResumedRun Resumed = value(Run->resume(Recipe, Fresh, {}));
  EXPECT_EQ(Resumed.Step, 2);
  EXPECT_EQ(Resumed.State, json({{"samples", 16}}));
  MemoryPolicy Expected(smallTensors());
  Expected.fill(2);
  EXPECT_EQ(value(digestsOf(Fresh)), value(digestsOf(Expected)));
  for (int64_t Step = 3; Step <= 5; ++Step)
    runStep(*Run, Fresh, Step);
  EXPECT_EQ(lines(Cut), lines(Whole));
  for (const char *Name : {"recipe.json", "checkpoint-4/model.safetensors",
                           "checkpoint-4/optimizer.safetensors",
                           "checkpoint-4/trainer_state.json"})
    EXPECT_EQ(readFile(Cut + "/" + Name), readFile(Whole + "/" + Name)) << Name;
}

TEST(RunDirectory, WithoutACheckpointTheRunBeginsAgain) {
  TemporaryDirectory Directory;
  MemoryPolicy Model(smallTensors());
  {
    auto Run = value(RunDirectory::create(Directory.root()));
    ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
    runStep(*Run, Model, 1);
  }
  auto Run = value(RunDirectory::open(Directory.root()));
  const PolicyDigests Before = value(digestsOf(Model));
  const ResumedRun Resumed = value(Run->resume(Recipe, Model, {}));
  EXPECT_EQ(Resumed.Step, 0);
  EXPECT_TRUE(Resumed.State.is_null());
  EXPECT_EQ(value(digestsOf(Model)), Before);
  EXPECT_EQ(Model.Published, 0);
  EXPECT_EQ(lines(Directory.root()), "");
}

TEST(RunDirectory, OldCheckpointsAreRemovedByNumber) {
  TemporaryDirectory Directory;
  MemoryPolicy Model(smallTensors());
  auto Run = value(RunDirectory::create(Directory.root()));
  ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
  // None of these is a checkpoint of the run.
  for (const char *Name : {"checkpoint-007", "checkpoint-x", "checkpoint--1",
                           "checkpoint-", "checkpoint-best"})
    fs::create_directory(Directory.path(Name));
  for (int64_t Step = 1; Step <= 12; ++Step)
    runStep(*Run, Model, Step, {.TotalLimit = 2});
  EXPECT_EQ(value(Run->checkpoints()), (std::vector<int64_t>{10, 12}));
  EXPECT_EQ(std::distance(fs::directory_iterator(Directory.root()), {}),
            5 + 2 + 5); // and lock, recipe.json and three files of lines
  EXPECT_EQ(message(Run->save(12, Model, nullptr, {})),
            "cannot create " + Directory.path("checkpoint-12") + ": it exists");
}

TEST(RunDirectory, LeftoversAreRemovedAndNeverTaken) {
  TemporaryDirectory Directory;
  MemoryPolicy Model(smallTensors());
  {
    auto Run = value(RunDirectory::create(Directory.root()));
    ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
    runStep(*Run, Model, 1);
    runStep(*Run, Model, 2);
    for (const char *Name : {"checkpoint-4.tmp-new", "checkpoint-1.tmp-removed",
                             "checkpoint-x.tmp-new"}) {
      fs::create_directory(Directory.path(Name));
      writeFile(Directory.path(Name) + "/model.safetensors", "");
    }
    EXPECT_EQ(value(Run->checkpoints()), std::vector<int64_t>{2});
  }
  auto Run = value(RunDirectory::open(Directory.root()));
  EXPECT_FALSE(fs::exists(Directory.path("checkpoint-4.tmp-new")));
  EXPECT_FALSE(fs::exists(Directory.path("checkpoint-1.tmp-removed")));
  EXPECT_TRUE(fs::exists(Directory.path("checkpoint-x.tmp-new"))); // no ours
  EXPECT_EQ(value(Run->resume(Recipe, Model, {})).Step, 2);
}

TEST(RunDirectory, OneProcessAtATime) {
  TemporaryDirectory Directory;
  auto Run = value(RunDirectory::create(Directory.root()));
  // flock is by open file, so that it also keeps out this process.
  const std::string Used =
      concat(Directory.root(),
             ": another process uses this directory: process ", ::getpid());
  EXPECT_EQ(message(RunDirectory::create(Directory.root()).status()), Used);
  ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
  EXPECT_EQ(message(RunDirectory::open(Directory.root()).status()), Used);
  Run.reset();
  EXPECT_TRUE(RunDirectory::open(Directory.root()).ok());
}

TEST(RunDirectory, BeginningAndGoingOnAreToldApart) {
  TemporaryDirectory Directory;
  const std::string &Path = Directory.root();
  EXPECT_EQ(message(RunDirectory::open(Path).status()),
            Path + ": no run to go on with: there is no recipe.json");
  EXPECT_TRUE(fs::is_empty(Path));
  EXPECT_EQ(message(RunDirectory::open(Path + "/none").status()),
            Path + "/none: no run to go on with: there is no recipe.json");
  EXPECT_FALSE(fs::exists(Path + "/none"));
  MemoryPolicy Model(smallTensors());
  auto Run = value(RunDirectory::create(Path));
  EXPECT_FALSE(value(hasRun(Path)));
  ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
  EXPECT_TRUE(value(hasRun(Path)));
  EXPECT_TRUE(message(Run->begin(Recipe))
                  .starts_with(Path + ": there is a run already ("));
  for (int64_t Step = 1; Step <= 4; ++Step)
    runStep(*Run, Model, Step);
  EXPECT_EQ(message(Run->resume(Recipe, Model, {}, 3).status()),
            Path + ": no checkpoint of step 3; the latest is that of step 4");
  EXPECT_EQ(message(Run->resume(Recipe, Model, {}, 2).status()),
            Path + ": cannot go on from step 2, since checkpoint-4 is later: "
                   "move it away first");
  const std::string Before = lines(Path);
  fs::rename(Run->checkpointPath(4), Run->checkpointPath(3));
  EXPECT_EQ(message(Run->resume(Recipe, Model, {}).status()),
            Run->checkpointPath(3) + ": its content is of step 4");
  EXPECT_EQ(lines(Path), Before);
  fs::rename(Run->checkpointPath(3), Path + "/elsewhere");
  EXPECT_EQ(value(Run->resume(Recipe, Model, {}, 2)).Step, 2);
  EXPECT_NE(lines(Path), Before);
}

TEST(RunDirectory, AnotherRecipeIsRefused) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.root();
  MemoryPolicy Model(smallTensors());
  auto Run = value(RunDirectory::create(Path));
  ASSERT_EQ(Run->begin(Recipe), absl::OkStatus());
  json Other = Recipe;
  Other["optimizer"]["learning_rate"] = 2e-6;
  const std::string Rate = ": the run has another recipe: it has 1e-06 for "
                           "'optimizer.learning_rate', now it is 2e-06";
  EXPECT_EQ(message(Run->resume(Other, Model, {}).status()),
            Path + "/recipe.json" + Rate);
  for (int64_t Step : {1, 2})
    runStep(*Run, Model, Step);
  const std::string Before = lines(Path);
  EXPECT_EQ(message(Run->resume(Other, Model, {}).status()),
            Path + "/checkpoint-2" + Rate);
  EXPECT_EQ(lines(Path), Before);
  EXPECT_EQ(json::parse(readFile(Path + "/recipe.json")), Recipe);

  // Keys that may change, and what then counts.
  for (const std::string Key : {"optimizer.learning_rate", "optimizer"}) {
    const std::string Keys[] = {"steps", Key};
    EXPECT_EQ(value(Run->resume(Other, Model, Keys)).Step, 2);
  }
  EXPECT_EQ(json::parse(readFile(Path + "/recipe.json")), Other);
  for (int64_t Step : {3, 4})
    runStep(*Run, Model, Step);
  EXPECT_TRUE(Run->resume(Other, Model, {}).ok());

  Other["new"] = json::array({1, 2});
  EXPECT_EQ(message(Run->resume(Other, Model, {}).status()),
            Path + "/checkpoint-4: the run has another recipe: it has no value "
                   "for 'new', now it is [1,2]");
  Other.erase("new");
  Other.erase("seed");
  EXPECT_EQ(message(Run->resume(Other, Model, {}).status()),
            Path + "/checkpoint-4: the run has another recipe: it has 7 for "
                   "'seed', now it is no value");
}

using RunDirectoryDeathTest = testing::Test;

TEST(RunDirectoryDeathTest, AFullDiskLeavesTheEarlierCheckpoints) {
  TemporaryDirectory Directory;
  MemoryPolicy Model(smallTensors());
  // Messages go to a file, too.
  for (rlim_t Bytes : {200, 600, 1000, 1500}) {
    fs::remove_all(Directory.root());
    EXPECT_EXIT(
        {
          prepareProcess();
          auto Run = value(RunDirectory::create(Directory.root()));
          EXPECT_EQ(Run->begin(Recipe), absl::OkStatus());
          runStep(*Run, Model, 2, {.TotalLimit = 1});
          rlimit Limit;
          Limit.rlim_cur = Limit.rlim_max = Bytes;
          ::setrlimit(RLIMIT_FSIZE, &Limit);
          const absl::Status Status =
              Run->save(3, Model, nullptr, {}, {.TotalLimit = 1});
          std::fputs(message(Status).c_str(), stderr);
          std::exit(HasFailure() ? 1 : 7);
        },
        testing::ExitedWithCode(7),
        "cannot write .*checkpoint-3.tmp-new/.*: File too large$");
    EXPECT_FALSE(fs::exists(Directory.path("checkpoint-3")));
    EXPECT_FALSE(fs::exists(Directory.path("checkpoint-3.tmp-new")));
    auto Run = value(RunDirectory::open(Directory.root()));
    EXPECT_EQ(value(Run->resume(Recipe, Model, {})).Step, 2);
  }
}
} // namespace
