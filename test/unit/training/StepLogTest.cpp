//===- StepLogTest.cpp - a file with lines for each step ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/StepLog.h"

#include "runtime/support/Process.h"
#include "test/unit/TestSupport.h"

#include <cmath>
#include <sys/resource.h>

using namespace m1;
using namespace m1::test;
using nlohmann::json;

namespace {
/// What cutStepLog leaves of a text, or its error.
std::string cut(const std::string &Text, int64_t LastStep) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a.jsonl");
  writeFile(Path, Text);
  const absl::Status Status = cutStepLog(Path, LastStep);
  if (!Status.ok())
    return message(Status).substr(Path.size());
  return readFile(Path);
}

TEST(StepLog, LinesBeginWithTheStep) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a.jsonl");
  for (int64_t Step : {1, 2}) { // appends to a file that exists
    auto Log = value(StepLog::open(Path));
    EXPECT_EQ(Log->add(Step, {{"loss", 0.1}, {"entropy", std::nan("")}}),
              absl::OkStatus());
    EXPECT_EQ(Log->add(Step, {{"step", Step}}), absl::OkStatus());
    EXPECT_EQ(Log->save(), absl::OkStatus());
  }
  EXPECT_EQ(readFile(Path), "{\"step\":1,\"entropy\":null,\"loss\":0.1}\n"
                            "{\"step\":1}\n"
                            "{\"step\":2,\"entropy\":null,\"loss\":0.1}\n"
                            "{\"step\":2}\n");
  EXPECT_EQ(message(StepLog::open(Directory.path("none/a")).status()),
            "cannot create " + Directory.path("none/a") +
                ": No such file or directory");
}

TEST(StepLog, CutsLaterStepsAndTornLines) {
  const std::string One = "{\"step\":1}\n", Two = "{\"step\":2,\"x\":[3]}\n",
                    Ten = "{\"step\":10}\n";
  const std::string All = One + Two + Two + Ten;
  EXPECT_EQ(cut(All, 10), All);
  EXPECT_EQ(cut(All, 9), One + Two + Two);
  EXPECT_EQ(cut(All, 2), One + Two + Two);
  EXPECT_EQ(cut(All, 1), One);
  EXPECT_EQ(cut(All, 0), "");
  EXPECT_EQ(cut(One + Two + "{\"step\":2,\"x\":[", 2), One + Two);
  EXPECT_EQ(cut(One + "{\"step\":2}", 2), One); // torn before its end
  EXPECT_EQ(cut("{\"st", 2), "");
  EXPECT_EQ(cut("", 2), "");
  EXPECT_EQ(cut(One + "\n", 5),
            ": the line at byte 11 does not begin with {\"step\":N");
  EXPECT_EQ(cut("{\"x\":1}\n", 5),
            ": the line at byte 0 does not begin with {\"step\":N");
  EXPECT_EQ(cut("{\"step\":1x}\n", 5),
            ": the line at byte 0 does not begin with {\"step\":N");
  TemporaryDirectory Directory;
  EXPECT_EQ(cutStepLog(Directory.path("none"), 3), absl::OkStatus());
}

using StepLogDeathTest = testing::Test;

TEST(StepLogDeathTest, AFullDiskLeavesCompleteLines) {
  TemporaryDirectory Directory;
  const std::string Path = Directory.path("a.jsonl"), Text(180, 't');
  EXPECT_EXIT(
      {
        prepareProcess();
        rlimit Limit;
        Limit.rlim_cur = Limit.rlim_max =
            300; // the message goes to a file, too
        ::setrlimit(RLIMIT_FSIZE, &Limit);
        auto Log = value(StepLog::open(Path));
        EXPECT_EQ(Log->add(1, {{"x", Text}}), absl::OkStatus());
        const absl::Status Status = Log->add(2, {{"x", Text}});
        std::fputs(message(Status).c_str(), stderr);
        std::exit(7);
      },
      testing::ExitedWithCode(7), "cannot write " + Path + ": File too large$");
  EXPECT_EQ(readFile(Path), "{\"step\":1,\"x\":\"" + Text + "\"}\n");
}
} // namespace
