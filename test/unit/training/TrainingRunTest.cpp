//===- TrainingRunTest.cpp - a run from its first step to its last --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/TrainingRun.h"
#include "runtime/training/Reinforcement.h"
#include "runtime/training/Supervised.h"
#include "test/unit/training/FakePolicy.h"

using namespace m1;
using namespace m1::test;
using nlohmann::json;

namespace {
std::vector<Example> examples() {
  std::vector<Example> Result;
  for (int64_t I = 0; I < 7; ++I)
    Result.push_back({concat("example ", I), {I, 2 * I, 3 * I + 1}, {}});
  return Result;
}

/// A run in a directory, by this recipe.
class Runs {
public:
  Runs(TrainingMode Mode, const json &Keys) : Settings(recipeOf(Keys, Mode)) {}

  /// Begins or goes on, as the directory has it, with a policy of its own.
  absl::Status run(const std::string &Path, int64_t LastStep = 0,
                   const std::function<bool()> &Cancelled = nullptr) {
    FakePolicy Model;
    Prepare(Model);
    std::unique_ptr<Trainer> How;
    if (Settings.Mode == TrainingMode::Supervised)
      How = value(
          SupervisedTrainer::create(Settings, Model.limits(), examples()));
    else
      How = value(ReinforcementTrainer::create(Settings, Model.limits(), {}));
    const bool Resume = value(hasRun(Path));
    auto Directory = value(RunDirectory::create(Path));
    ResumedRun From;
    if (Resume)
      From = value(Directory->resume(m1::describe(Settings), Model, {}));
    else
      M1_RETURN_IF_ERROR(Directory->begin(m1::describe(Settings)));
    RunSettings Options;
    Options.Directory = Directory.get();
    Options.LastStep = LastStep ? LastStep : How->steps();
    Options.Hooks.Cancelled = Cancelled;
    Options.Hooks.Note = [this](const std::string &Text) {
      Notes.push_back(Text);
    };
    Options.Hooks.StepDone = [this, &Model](const Metrics &Figures) {
      Done(Model, Figures);
    };
    return runTraining(Model, *How, Settings, From.State, Options);
  }

  Recipe Settings;
  std::vector<std::string> Notes;
  std::function<void(FakePolicy &)> Prepare = [](FakePolicy &) {};
  std::function<void(FakePolicy &, const Metrics &)> Done =
      [](FakePolicy &, const Metrics &) {};
};

/// The lines of digests, samples and, without times, metrics.
std::string linesOf(const std::string &Path) {
  std::string Text =
      readFile(Path + "/digests.jsonl") + readFile(Path + "/samples.jsonl");
  std::istringstream Stream(readFile(Path + "/metrics.jsonl"));
  for (std::string Line; std::getline(Stream, Line);) {
    json Fields = json::parse(Line);
    for (const auto &Prefix : {"time/", "tokens_per_second/"})
      for (auto It = Fields.begin(); It != Fields.end();)
        It = It.key().starts_with(Prefix) ? Fields.erase(It) : std::next(It);
    Text += Fields.dump() + "\n";
  }
  return Text;
}

const json SftKeys = {{"batch_size", 3},
                      {"num_train_epochs", 3},
                      {"save_steps", 2},
                      {"logging_steps", 2},
                      {"save_total_limit", 0}};
const json RlKeys = {{"save_steps", 5}, {"logging_steps", 3}};

TEST(TrainingRun, GoesOnToTheSameBitsFromEachStep) {
  for (const auto &[Mode, Keys] :
       {std::pair(TrainingMode::Supervised, SftKeys),
        std::pair(TrainingMode::Reinforcement, RlKeys)}) {
    TemporaryDirectory Directory;
    Runs Whole(Mode, Keys);
    const std::string Expected = Directory.path("whole");
    ASSERT_EQ(Whole.run(Expected), absl::OkStatus());
    const std::string Lines = linesOf(Expected);
    const int64_t Steps = Mode == TrainingMode::Supervised ? 9 : 8;
    EXPECT_EQ(std::ranges::count(readFile(Expected + "/digests.jsonl"), '\n'),
              Steps);
    for (int64_t Step = 1; Step < Steps; Step += 3) {
      const std::string Cut = Directory.path(concat("cut", Step));
      ASSERT_EQ(Whole.run(Cut, Step), absl::OkStatus());
      EXPECT_NE(linesOf(Cut), Lines);
      ASSERT_EQ(Whole.run(Cut), absl::OkStatus());
      EXPECT_EQ(linesOf(Cut), Lines) << Step;
    }
  }
}

TEST(TrainingRun, GoesOnToTheSameBitsAfterBeingCancelled) {
  const json Keys = {{"save_steps", 5}, {"micro_batch_tokens", 20}};
  TemporaryDirectory Directory;
  Runs Whole(TrainingMode::Reinforcement, Keys);
  const std::string Expected = Directory.path("whole");
  int Checks = 0;
  ASSERT_EQ(Whole.run(Expected, 0,
                      [&] {
                        ++Checks;
                        return false;
                      }),
            absl::OkStatus());
  ASSERT_GT(Checks, 40);
  // In rollouts and in updates alike.
  for (int At = 1; At < Checks; At += 7) {
    const std::string Cut = Directory.path(concat("cut", At));
    int Check = 0;
    const absl::Status Status =
        Whole.run(Cut, 0, [&] { return ++Check >= At; });
    ASSERT_TRUE(absl::IsCancelled(Status)) << Status;
    ASSERT_EQ(Whole.run(Cut), absl::OkStatus());
    EXPECT_EQ(linesOf(Cut), linesOf(Expected)) << At;
  }
}

TEST(TrainingRun, EndsAfterStepsThatAreNotFinite) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("run");
  json Keys = SftKeys;
  Keys["max_nonfinite_steps"] = 3;
  Keys["save_steps"] = 1;
  Keys["logging_steps"] = 1;
  Runs Run(TrainingMode::Supervised, Keys);
  // One alone, and from the fourth step on all.
  Run.Done = [](FakePolicy &Model, const Metrics &Figures) {
    const double Next = *Figures.get(Metric::Step) + 1;
    if (Next == 2 || Next >= 4)
      Model.LogProb = std::numeric_limits<float>::quiet_NaN();
    else
      Model.LogProb.reset();
  };
  const std::string Error = message(Run.run(Path));
  EXPECT_TRUE(
      Error.starts_with("step 6: the loss (nan), the auxiliary loss (0) "
                        "or the norm of the gradients ("))
      << Error;
  EXPECT_TRUE(Error.ends_with(") is not finite, in 3 steps in a row "
                              "(max_nonfinite_steps)"));
  ASSERT_EQ(Run.Notes.size(), 4U);
  EXPECT_TRUE(Run.Notes[0].starts_with("step 2: the loss (nan)"));
  EXPECT_TRUE(Run.Notes[0].ends_with("; the step was left out"));
  // What happened is written, and there is no checkpoint of the last step.
  const std::string Metrics = readFile(Path + "/metrics.jsonl");
  EXPECT_EQ(std::ranges::count(Metrics, '\n'), 6);
  EXPECT_NE(Metrics.find("\"nonfinite_steps\":4"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(Path + "/checkpoint-5"));
  EXPECT_FALSE(std::filesystem::exists(Path + "/checkpoint-6"));

  // Counters survive an interruption: one more step ends the run again.
  Runs Again(TrainingMode::Supervised, Keys);
  Again.Prepare = [](FakePolicy &Model) {
    Model.LogProb = std::numeric_limits<float>::infinity();
  };
  EXPECT_TRUE(message(Again.run(Path)).starts_with("step 6: the loss (-inf)"));
}

TEST(TrainingRun, CountsStepsThatAreNotFiniteInARow) {
  // Three times Limit - 1 bad steps and a good one, then Limit bad ones: the
  // last of these ends the run, wherever among them it was interrupted.
  for (int64_t Limit : {1, 2, 3}) {
    TemporaryDirectory Directory;
    json Keys = SftKeys;
    Keys["max_nonfinite_steps"] = Limit;
    Keys["num_train_epochs"] = 5;
    Keys["save_steps"] = 0;
    Keys["logging_steps"] = 1;
    auto IsGood = [&](int64_t Step) {
      return Step <= 3 * Limit && Step % Limit == 0;
    };
    int64_t First = 1; // step of the next process
    auto Prepare = [&](FakePolicy &Model, int64_t Step) {
      // By turns a loss and a gradient.
      Model.LogProb.reset();
      if (!IsGood(Step) && Step % 2 == 0)
        Model.LogProb = std::numeric_limits<float>::quiet_NaN();
      else if (!IsGood(Step))
        Model.gradient() = std::numeric_limits<float>::infinity();
    };
    Runs Run(TrainingMode::Supervised, Keys);
    Run.Prepare = [&](FakePolicy &Model) { Prepare(Model, First); };
    Run.Done = [&](FakePolicy &Model, const Metrics &Figures) {
      Prepare(Model, static_cast<int64_t>(*Figures.get(Metric::Step)) + 1);
    };
    const int64_t Last = 4 * Limit;
    auto Ends = [&](const std::string &Path) {
      const std::string Error = message(Run.run(Path));
      EXPECT_TRUE(Error.starts_with(concat("step ", Last, ": "))) << Error;
      EXPECT_TRUE(
          Error.ends_with(concat(" is not finite, in ", Limit,
                                 " steps in a row (max_nonfinite_steps)")))
          << Error;
    };
    const std::string Whole = Directory.path("whole");
    Ends(Whole);
    EXPECT_EQ(Run.Notes.size(), 4 * Limit - 3);
    std::istringstream Lines(readFile(Whole + "/digests.jsonl"));
    json Before;
    int64_t Step = 0;
    for (std::string Line; std::getline(Lines, Line);) {
      json Digests = json::parse(Line);
      EXPECT_EQ(Digests["step"], ++Step);
      Digests.erase("step");
      if (Step > 1) // a bad step changes no bit
        EXPECT_EQ(Digests == Before, !IsGood(Step)) << Step;
      Before = Digests;
    }
    EXPECT_EQ(Step, Last);
    const std::string Expected = linesOf(Whole);
    for (int64_t Cut = 3 * Limit; Cut < Last; ++Cut) {
      const std::string Path = Directory.path(concat("cut", Cut));
      First = 1;
      ASSERT_EQ(Run.run(Path, Cut), absl::OkStatus());
      First = Cut + 1;
      Ends(Path);
      EXPECT_EQ(linesOf(Path), Expected) << Cut;
    }
  }
}

TEST(TrainingRun, ARunThatIsDoneStaysAsItIs) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("run");
  Runs Run(TrainingMode::Supervised, SftKeys);
  ASSERT_EQ(Run.run(Path), absl::OkStatus());
  const std::string Lines = linesOf(Path);
  ASSERT_EQ(Run.run(Path), absl::OkStatus());
  EXPECT_EQ(linesOf(Path), Lines);
  EXPECT_TRUE(std::filesystem::exists(Path + "/checkpoint-9"));
  EXPECT_FALSE(std::filesystem::exists(Path + "/checkpoint-7"));
}

TEST(TrainingRun, AStateOfAnotherTrainerIsRefused) {
  const Recipe Settings = recipeOf(SftKeys, TrainingMode::Supervised);
  FakePolicy Model;
  auto How =
      value(SupervisedTrainer::create(Settings, Model.limits(), examples()));
  const json Rollouts = {{"counters", save(UpdateCounters())},
                         {"trainer", {{"rollouts", 1}}}};
  for (const json &State : {json::array(), json{{"counters", 1}}, Rollouts})
    EXPECT_FALSE(runTraining(Model, *How, Settings, State, {}).ok()) << State;
  EXPECT_EQ(Model.Events, "");
}
} // namespace
