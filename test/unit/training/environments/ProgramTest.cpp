//===- ProgramTest.cpp - programs, good and bad, as environments ----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/training/environments/Environment.h"
#include "runtime/weights/Npy.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <thread>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

namespace {
/// The start of all programs: reads requests, answers hello, and leaves prompts
/// and rewards to what follows, for which `r` is the request, and which sends
/// with `say`. Without numpy and other slow imports, Python starts in 15 ms.
const char *Preamble = R"(
import json, os, sys, time
def say(reply, end="\n"):
    sys.stdout.write((reply if isinstance(reply, str) else json.dumps(reply)) + end)
    sys.stdout.flush()
def answer(r):
    say({"id": r["id"], "reward": float(sum(r["response"]))})
for line in sys.stdin:
    r = json.loads(line)
    if r["type"] == "hello":
        say({"id": r["id"], "vocabulary": 64, "stop_token": 10})
        continue
)";

class ProgramTest : public testing::Test {
protected:
  ~ProgramTest() override {
    E.reset();
    // Whatever happened, no process is left, and no zombie.
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  /// Options for a program with this body of the loop, indented by 4.
  json description(const std::string &Body) {
    const std::string Path = Directory.path("env.py");
    writeFile(Path, Preamble + Body);
    return {{"name", "program"},
            {"command", {M1_PYTHON, "-S", "-E", Path}},
            {"timeout_seconds", 20},
            {"max_restarts", 0}};
  }
  /// The same, started.
  void start(const std::string &Body, const json &Options = json::object()) {
    json D = description(Body);
    D.update(Options);
    EnvironmentContext Context;
    Context.Directory = Recipes;
    Context.Note = [this](const std::string &Text) { Notes.push_back(Text); };
    Context.Cancelled = [this] { return Cancelled && Cancelled(); };
    E = value(createEnvironment(D, Context));
  }
  /// The rewards of one-token responses 0, 1, ... to the prompt 7.
  absl::StatusOr<std::vector<double>> judge(size_t Count) {
    const std::vector<int64_t> Prompt = {7};
    std::vector<int64_t> Tokens(Count);
    std::vector<Answer> Answers(Count);
    for (size_t I = 0; I < Count; ++I) {
      Tokens[I] = I;
      Answers[I] = {I, Prompt, std::span(&Tokens[I], 1), false, nullptr};
    }
    std::vector<double> Rewards(Count, -1);
    M1_RETURN_IF_ERROR(E->rewards(Answers, Rewards));
    return Rewards;
  }
  std::string error(size_t Count = 1) {
    std::string Error = message(judge(Count).status());
    EXPECT_EQ(Error.find('\n'), std::string::npos) << Error;
    return Error;
  }

  TemporaryDirectory Directory;
  std::string Recipes; ///< the directory of the recipe
  std::unique_ptr<Environment> E;
  std::vector<std::string> Notes;
  std::function<bool()> Cancelled;
};

//===----------------------------------------------------------------------===//
// Good programs
//===----------------------------------------------------------------------===//

TEST_F(ProgramTest, RunsInTheDirectoryOfTheRecipe) {
  Recipes = Directory.path(".");
  start("    answer(r)\n", {{"command", {M1_PYTHON, "-S", "-E", "env.py"}},
                            {"log", "errors.txt"}});
  EXPECT_EQ(value(judge(2)), (std::vector<double>{0, 1}));
  EXPECT_TRUE(std::filesystem::exists(Directory.path("errors.txt")));
}

TEST_F(ProgramTest, SeesAllOfARequest) {
  // Its reply to a prompt's request contains the request; its reward says
  // whether that came back.
  start(R"(
    if r["type"] == "prompt":
        say({"id": r["id"], "prompt": [1, r["number"]], "metadata": {"asked": r}, "solution": [2, 10]})
    else:
        asked = r["metadata"]["asked"]
        ok = (asked["number"], r["number"], r["prompt"], r["response"], r["truncated"]) == (33, 33, [1, 33], [4, 5], True)
        say({"id": r["id"], "reward": 0.25 if ok else -1, "more": "is ignored"})
)");
  EXPECT_EQ(E->vocabulary(), 64);
  EXPECT_EQ(E->stopToken(), 10);
  const Prompt P = value(E->makePrompt(33));
  EXPECT_EQ(P.Tokens, (std::vector<int64_t>{1, 33}));
  EXPECT_EQ(P.Solution, (std::vector<int64_t>{2, 10}));
  const std::vector<int64_t> Response = {4, 5};
  const Answer A = {33, P.Tokens, Response, true, &P.Metadata};
  double Reward = 0;
  EXPECT_EQ(message(E->rewards(std::span(&A, 1), std::span(&Reward, 1))), "");
  EXPECT_EQ(Reward, 0.25);
}

TEST_F(ProgramTest, AnswersInAnyOrder) {
  // Waits for all, and answers the last first, all in one piece.
  start(R"(
    rs = [r] + [json.loads(sys.stdin.readline()) for _ in range(2)]
    say("\n".join(json.dumps({"id": q["id"], "reward": q["response"][0]}) for q in rs[::-1]) + "\r")
)");
  EXPECT_EQ(value(judge(3)), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(value(judge(3)), (std::vector<double>{0, 1, 2}));
}

TEST_F(ProgramTest, NullIsNoReward) {
  start(R"(
    say({"id": r["id"], "reward": None if r["response"] == [1] else 3})
)");
  std::vector<double> Rewards = value(judge(3));
  EXPECT_EQ(Rewards[0], 3);
  EXPECT_TRUE(std::isnan(Rewards[1]));
  EXPECT_EQ(Rewards[2], 3);
}

TEST_F(ProgramTest, LongBatchesDoNotBlock) {
  // Requests and replies are both far larger than a pipe, and so is what it
  // writes on its standard error.
  start(R"(
    sys.stderr.write("e" * 2000 + "\n")
    say({"id": r["id"], "reward": len(r["response"]), "pad": "p" * 2000})
)");
  const std::vector<int64_t> Prompt = {7}, Response(1000, 12345);
  std::vector<Answer> Answers(400, {0, Prompt, Response, false, nullptr});
  std::vector<double> Rewards(Answers.size());
  EXPECT_EQ(message(E->rewards(Answers, Rewards)), "");
  EXPECT_EQ(Rewards, std::vector<double>(Answers.size(), 1000));
}

TEST_F(ProgramTest, GetsItsOptionsAndSeed) {
  writeFile(Directory.path("hello.py"), R"(
import json, sys
r = json.loads(sys.stdin.readline())
print(json.dumps({"id": r["id"], "vocabulary": r["options"]["size"] + r["seed"] + r["version"]}), flush=True)
sys.stdin.read()
)");
  E = value(createEnvironment(
      {{"name", "program"},
       {"command", {M1_PYTHON, "-S", Directory.path("hello.py")}},
       {"seed", 1000},
       {"stop_token", 3},
       {"options", {{"size", 100}}}}));
  EXPECT_EQ(E->vocabulary(), 1101);
  EXPECT_EQ(E->stopToken(), 3);
}

TEST_F(ProgramTest, StandardErrorGoesToTheLog) {
  start(R"(
    sys.stderr.write("judged\n")
    sys.stderr.flush()
    answer(r)
)",
        {{"log", Directory.path("log")}});
  EXPECT_EQ(value(judge(2)), (std::vector<double>{0, 1}));
  E.reset();
  EXPECT_EQ(readFile(Directory.path("log")), "judged\njudged\n");
}

//===----------------------------------------------------------------------===//
// Crashes and time limits
//===----------------------------------------------------------------------===//

TEST_F(ProgramTest, ExitIsReportedWithTheLastWords) {
  start(R"(
    if r["response"] == [1]:
        sys.exit("first line\nno such table\n")
    answer(r)
)");
  EXPECT_THAT(error(3),
              EndsWith("': it exited with status 1 with 2 requests unanswered; "
                       "the last line of its standard error: no such table"));
}

TEST_F(ProgramTest, SignalIsReported) {
  start("    os.kill(os.getpid(), 9)\n");
  EXPECT_THAT(error(), HasSubstr("it was killed by signal 9 (Killed) with 1 "
                                 "request unanswered"));
}

TEST_F(ProgramTest, IsStartedAgainAfterACrash) {
  // Crashes at its second request, twice; answers to the first are kept.
  start(R"(
    with open(sys.argv[0] + ".log", "a+") as f:
        f.write("%d\n" % r["response"][0])
        f.seek(0)
        if f.read().split().count("1") in (1, 2) and r["response"] == [1]:
            os._exit(3)
    answer(r)
)",
        {{"max_restarts", 2}});
  EXPECT_EQ(value(judge(3)), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(readFile(Directory.path("env.py.log")), "0\n1\n1\n1\n2\n");
  ASSERT_EQ(Notes.size(), 2u);
  EXPECT_THAT(Notes[0], HasSubstr("exited with status 3 with 2 requests "
                                  "unanswered; it is started again (1 of 2)"));
  EXPECT_THAT(Notes[1], HasSubstr("(2 of 2)"));
}

TEST_F(ProgramTest, RestartsAreBounded) {
  start("    os._exit(3)\n", {{"max_restarts", 2}});
  EXPECT_THAT(error(), HasSubstr("it exited with status 3 with 1 request "
                                 "unanswered; it was started again 2 times, as "
                                 "often as max_restarts allows"));
  EXPECT_EQ(Notes.size(), 2u);
}

TEST_F(ProgramTest, IsUsableAfterAnError) {
  start(R"(
    if r["response"] == [1]:
        os._exit(3)
    answer(r)
)");
  EXPECT_THAT(error(2), HasSubstr("exited with status 3"));
  // The next call starts it: nobody waits for the requests of the last.
  EXPECT_EQ(value(judge(1)), (std::vector<double>{0}));
}

TEST_F(ProgramTest, HangingIsATimeout) {
  start("    time.sleep(1000)\n", {{"timeout_seconds", 1}});
  const auto Start = std::chrono::steady_clock::now();
  EXPECT_THAT(error(2), HasSubstr("no reply within 1.0 seconds "
                                  "(timeout_seconds), 2 requests unanswered"));
  EXPECT_LT(std::chrono::steady_clock::now() - Start, std::chrono::seconds(5));
}

TEST_F(ProgramTest, TimeLimitIsForOneRequest) {
  // Six requests take longer than the limit together.
  start(R"(
    time.sleep(0.25)
    answer(r)
)",
        {{"timeout_seconds", 1}});
  EXPECT_EQ(value(judge(6)), (std::vector<double>{0, 1, 2, 3, 4, 5}));
}

TEST_F(ProgramTest, UnfinishedLineDoesNotCount) {
  start(R"(
    while True:
        say(" ", end="")
        time.sleep(0.02)
)",
        {{"timeout_seconds", 1}});
  EXPECT_THAT(error(), HasSubstr("no reply within 1.0 seconds"));
}

TEST_F(ProgramTest, LateAnswerIsNotTakenForAnother) {
  // The first process takes too long for request [1] and answers it later. The
  // second answers in time, with another value.
  start(R"(
    first = not os.path.exists(sys.argv[0] + ".second")
    if first and r["response"] == [1]:
        open(sys.argv[0] + ".second", "w").close()
        time.sleep(1.2)
    say({"id": r["id"], "reward": -5 if first and r["response"] == [1] else r["response"][0]})
)",
        {{"timeout_seconds", 1}, {"max_restarts", 1}});
  EXPECT_EQ(value(judge(4)), (std::vector<double>{0, 1, 2, 3}));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_EQ(value(judge(4)), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(Notes.size(), 1u);
}

TEST_F(ProgramTest, ClosedOutputIsTheEnd) {
  start(R"(
    os.close(1)
    time.sleep(1000)
)");
  EXPECT_THAT(error(), HasSubstr("it closed its standard output with 1 request "
                                 "unanswered"));
}

TEST_F(ProgramTest, ClosedInputRaisesNoSignal) {
  // Requests that do not fit the pipe: the rest is written to nobody.
  start(R"(
    os.close(0)
    answer(r)
    time.sleep(0.1)
    os._exit(0)
)");
  const std::vector<int64_t> Prompt = {7}, Response(100000, 1);
  std::vector<Answer> Answers(2, {0, Prompt, Response, false, nullptr});
  std::vector<double> Rewards(2);
  EXPECT_THAT(message(E->rewards(Answers, Rewards)),
              HasSubstr("exited with status 0 with 1 request unanswered"));
}

TEST_F(ProgramTest, ExitIsNoticedThoughItsChildHoldsTheOutput) {
  start(R"(
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(4)
)");
  EXPECT_THAT(error(), HasSubstr("exited with status 4"));
}

TEST_F(ProgramTest, ChildrenOfTheProgramEndWithIt) {
  start(R"(
    pid = os.fork()
    if pid == 0:
        time.sleep(1000)
    say({"id": r["id"], "reward": pid})
)");
  const auto Grandchild = static_cast<pid_t>(value(judge(1))[0]);
  EXPECT_EQ(::kill(Grandchild, 0), 0);
  E.reset();
  // It is reaped by another process, which may take a moment.
  const std::string State = concat("/proc/", Grandchild, "/stat");
  bool Runs = true;
  for (int Try = 0; Runs && Try < 200; ++Try) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const std::string Stat = readFile(State);
    Runs = !Stat.empty() && Stat.find(") Z ") == Stat.npos;
  }
  EXPECT_FALSE(Runs);
}

TEST_F(ProgramTest, EndIsNotWaitedForLong) {
  start("    pass\n");
  json D = description(R"(
    pass
import signal
time.sleep(1000)
)");
  EnvironmentContext Context;
  std::unique_ptr<Environment> Stubborn = value(createEnvironment(D, Context));
  const auto Start = std::chrono::steady_clock::now();
  Stubborn.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - Start, std::chrono::seconds(3));
}

TEST_F(ProgramTest, WaitCanBeCancelled) {
  start("    time.sleep(1000)\n");
  const auto Start = std::chrono::steady_clock::now();
  Cancelled = [Start] {
    return std::chrono::steady_clock::now() - Start >
           std::chrono::milliseconds(100);
  };
  absl::Status Status = judge(1).status();
  EXPECT_TRUE(absl::IsCancelled(Status)) << Status;
  EXPECT_LT(std::chrono::steady_clock::now() - Start, std::chrono::seconds(5));
}

//===----------------------------------------------------------------------===//
// Replies that break the protocol
//===----------------------------------------------------------------------===//

struct ReplyCase {
  const char *Name, *Body, *Error;
};
void PrintTo(const ReplyCase &Case, std::ostream *Out) { *Out << Case.Name; }

class BadReply : public ProgramTest,
                 public testing::WithParamInterface<ReplyCase> {};

TEST_P(BadReply, IsAnErrorAtOnce) {
  start(concat("    ", GetParam().Body, "\n"), {{"max_restarts", 5}});
  // What is sent after a valid reply may be noticed by the next call only.
  std::string Error = error(1);
  if (Error.empty())
    Error = error(1);
  EXPECT_THAT(Error, HasSubstr(concat("': ", GetParam().Error)));
  EXPECT_EQ(Notes.size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    ProgramTest, BadReply,
    testing::Values(
        ReplyCase{"Twice", "answer(r); answer(r)",
                  "it answered request 2 twice"},
        ReplyCase{"TooManyLines", "answer(r); say({'id': 77, 'reward': 1})",
                  "it answered request 77, which was not made"},
        ReplyCase{"UnknownId", "say({'id': 3, 'reward': 1})",
                  "it answered request 3, which was not made"},
        ReplyCase{"NegativeId", "say({'id': -1, 'reward': 1})",
                  "it answered request -1, which was not made"},
        ReplyCase{"HelloAgain", "say({'id': 1, 'reward': 1})",
                  "it answered request 1 twice"},
        ReplyCase{"NoId", "say({'reward': 1})",
                  "a reply has no \"id\" with a whole number: "
                  "'{\"reward\":1}'"},
        ReplyCase{"TextId", "say({'id': str(r['id']), 'reward': 1})",
                  "a reply has no \"id\" with a whole number"},
        ReplyCase{"NoReward", "say({'id': r['id']})",
                  "a reply has no \"reward\": '{\"id\":2}'"},
        ReplyCase{"NaN", "say({'id': r['id'], 'reward': float('nan')})",
                  "a reward is NaN, which JSON does not have; expected a "
                  "number, or null for none"},
        ReplyCase{"Infinity", "say({'id': r['id'], 'reward': float('inf')})",
                  "a reward is infinite, which JSON does not have"},
        ReplyCase{"HugeNumber", "say('{\"id\": 2, \"reward\": 1e999}')",
                  "reply: line 1, column 26: not valid JSON: number overflow"},
        ReplyCase{"TextReward", "say({'id': r['id'], 'reward': '1'})",
                  "the reward '\"1\"' is string, expected a number, or null "
                  "for none"},
        ReplyCase{"BooleanReward", "say({'id': r['id'], 'reward': True})",
                  "the reward 'true' is boolean, expected a number"},
        ReplyCase{"Garbage", "print('loading the model', flush=True)",
                  "reply: line 1, column 1: not valid JSON: syntax error"},
        ReplyCase{"EmptyLine", "say(''); answer(r)",
                  "reply: line 1, column 1: not valid JSON"},
        ReplyCase{"NotUtf8", "os.write(1, b'{\"id\": \"\\xff\"}\\n')",
                  "reply: line 1, column 9: not valid JSON"},
        ReplyCase{"List", "say([1, 2])", "a reply is no object: '[1, 2]'"},
        ReplyCase{"Error", "say({'id': r['id'], 'error': 'no judge today'})",
                  "it reports an error: no judge today"},
        ReplyCase{"EndlessLine", "say('x' * (1 << 25), end='')",
                  "a reply is longer than 16777216 bytes"}),
    [](const auto &Info) { return std::string(Info.param.Name); });

struct PromptCase {
  const char *Name, *Reply, *Error;
};
class BadPrompt : public ProgramTest,
                  public testing::WithParamInterface<PromptCase> {};
void PrintTo(const PromptCase &Case, std::ostream *Out) { *Out << Case.Name; }

TEST_P(BadPrompt, IsAnError) {
  start(concat("    say({'id': r['id'], ", GetParam().Reply, "})\n"));
  EXPECT_THAT(message(E->makePrompt(5).status()),
              HasSubstr(concat("': its prompt 5: ", GetParam().Error)));
}

INSTANTIATE_TEST_SUITE_P(
    ProgramTest, BadPrompt,
    testing::Values(
        PromptCase{"None", "", "expected \"prompt\" with a list of tokens"},
        PromptCase{"Text", "'prompt': 'abc'",
                   "expected \"prompt\" with a list"},
        PromptCase{"Floats", "'prompt': [1.0]", "expected \"prompt\" with"},
        PromptCase{"Empty", "'prompt': []", "the prompt is empty"},
        PromptCase{"Outside", "'prompt': [1, 64]",
                   "token 1 of the prompt is 64, expected 0 to 63"},
        PromptCase{"Solution", "'prompt': [1], 'solution': [-1]",
                   "token 0 of the solution is -1, expected 0 to 63"},
        PromptCase{"Metadata", "'prompt': [1], 'metadata': 3",
                   "\"metadata\" is number, expected an object"}),
    [](const auto &Info) { return std::string(Info.param.Name); });

//===----------------------------------------------------------------------===//
// Starting
//===----------------------------------------------------------------------===//

std::string startError(const json &Options) {
  json D = {{"name", "program"}, {"max_restarts", 0}};
  D.update(Options);
  return message(createEnvironment(D).status());
}

TEST_F(ProgramTest, ErrorsAtTheStart) {
  const std::string NotExecutable = Directory.path("text");
  writeFile(NotExecutable, "text");
  EXPECT_EQ(startError({{"command", {"m1-no-such-program", "x"}}}),
            "environment 'm1-no-such-program x': cannot start "
            "'m1-no-such-program': No such file or directory");
  EXPECT_EQ(startError({{"command", {NotExecutable}}}),
            concat("environment '", NotExecutable, "': cannot start '",
                   NotExecutable, "': Permission denied"));
  EXPECT_EQ(startError({{"command", {"sh", "-c", "echo lost >&2; exit 7"}}}),
            "environment 'sh -c echo lost >&2; exit 7': it exited with status "
            "7 with 1 request unanswered; the last line of its standard error: "
            "lost");
  EXPECT_EQ(
      startError({{"command", {"sh", "-c", "read x; echo '{\"id\": 1}'"}}}),
      "environment 'sh -c read x; echo '{\"id\": 1}'': neither its reply "
      "to hello nor the options say the \"vocabulary\"");
  EXPECT_THAT(
      startError(
          {{"command", {"sh", "-c", "echo '{\"id\": 1, \"vocabulary\": 0}'"}}}),
      HasSubstr("its \"vocabulary\" is '0', expected a whole number from 1"));
  EXPECT_THAT(
      startError(
          {{"command", {"sh", "-c", "echo '{\"id\": 1, \"vocabulary\": 9}'"}},
           {"vocabulary", 8}}),
      HasSubstr("its \"vocabulary\" is 9, but the option says 8"));
  EXPECT_THAT(
      startError(
          {{"command", {"sh", "-c", "echo '{\"id\": 1, \"vocabulary\": 9}'"}},
           {"stop_token", 9}}),
      HasSubstr("the stop token 9 is outside the vocabulary of 9"));
  EXPECT_THAT(startError({{"command", {"cat"}},
                          {"vocabulary", 9},
                          {"log", Directory.path("none/log")}}),
              HasSubstr("cannot write "));
}

TEST_F(ProgramTest, MustSayTheSameAfterARestart) {
  const std::string Script = concat(
      "read x; echo '{\"id\": '$(ls ", Directory.root(),
      " | wc -l)', \"vocabulary\": 9'$(ls ", Directory.root(),
      " | wc -l)'}'; read x; touch ", Directory.root(), "/second; exit 1");
  // The hello of the second process is request 3.
  writeFile(Directory.path("one"), "");
  EnvironmentContext Context;
  Context.Note = [&](const std::string &) {
    writeFile(Directory.path("third"), "");
  };
  E = value(createEnvironment({{"name", "program"},
                               {"command", {"sh", "-c", Script}},
                               {"max_restarts", 1}},
                              Context));
  EXPECT_EQ(E->vocabulary(), 91);
  EXPECT_THAT(error(), HasSubstr("it answered hello with other values than "
                                 "before it was started again"));
}

//===----------------------------------------------------------------------===//
// Prompts from files
//===----------------------------------------------------------------------===//

TEST_F(ProgramTest, PromptsComeFromAFile) {
  std::string Lines = "{\"prompt\": [0], \"metadata\": {\"a\": 1}, "
                      "\"solution\": [5, 10]}\n\n";
  for (int I = 1; I < 10; ++I)
    Lines += concat("{\"prompt\": [", I, "]}\n");
  writeFile(Directory.path("p.jsonl"), Lines);
  start("    answer(r)\n",
        {{"prompts", Directory.path("p.jsonl")}, {"seed", 4}});
  std::vector<int64_t> Orders[2];
  for (uint64_t Number = 0; Number < 20; ++Number) {
    const Prompt P = value(E->makePrompt(Number));
    Orders[Number / 10].push_back(P.Tokens.at(0));
    EXPECT_EQ(P.Solution.empty(), P.Tokens.at(0) != 0);
    EXPECT_EQ(P.Metadata.contains("a"), P.Tokens.at(0) == 0);
  }
  EXPECT_EQ(value(E->makePrompt(3)).Tokens.at(0), Orders[0][3]);
  EXPECT_NE(Orders[0], Orders[1]);
  for (std::vector<int64_t> &Order : Orders) {
    std::sort(Order.begin(), Order.end());
    EXPECT_EQ(Order, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

TEST_F(ProgramTest, PromptsComeFromAnArray) {
  const int32_t Rows[] = {1, 2, 3, 4, -1, -1};
  const int64_t Shape[] = {2, 3};
  const std::string Path = Directory.path("p.npy");
  ASSERT_TRUE(writeNpy(Path, ElementType::I32, Shape, Rows).ok());
  start("    answer(r)\n", {{"prompts", Path}});
  std::vector<std::vector<int64_t>> Prompts = {value(E->makePrompt(0)).Tokens,
                                               value(E->makePrompt(1)).Tokens};
  std::sort(Prompts.begin(), Prompts.end());
  EXPECT_EQ(Prompts, (std::vector<std::vector<int64_t>>{{1, 2, 3}, {4}}));
}

TEST_F(ProgramTest, BadPromptFiles) {
  const std::string Path = Directory.path("p.jsonl");
  const std::pair<const char *, const char *> Cases[] = {
      {"", ": has no prompts"},
      {"{\"prompt\": [1]}\n{\"prompt\": [64]}\n",
       ": prompt 1: token 0 of the prompt is 64, expected 0 to 63"},
      {"{\"prompt\": [1]}\n[]\n",
       ": prompt 1: found array, expected an object"},
      {"{\"prompt\": [1}\n", ": prompt 0: line 1, column 14: not valid JSON"},
      {"{\"prompt\": [18446744073709551615]}\n",
       ": prompt 0: token 0 of the prompt is "}};
  for (auto [Text, Error] : Cases) {
    writeFile(Path, Text);
    json D = description("    pass\n");
    D["prompts"] = Path;
    EXPECT_THAT(message(createEnvironment(D).status()),
                StartsWith(concat(Path, Error)));
  }
  json D = description("    pass\n");
  D["prompts"] = Directory.path("none.npy");
  EXPECT_THAT(message(createEnvironment(D).status()),
              HasSubstr("No such file or directory"));
}
} // namespace
