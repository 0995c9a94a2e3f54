//===- CreateDeviceTest.cpp - devices by name -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/CreateDevice.h"
#include "test/unit/TestSupport.h"

using namespace m1;
using namespace m1::test;

namespace {
TEST(CreateDevice, ChoosesByName) {
  plan::PlanT Plan = adderPlan();
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan"));
  auto error = [&](const char *Name, unsigned Threads = 0) {
    return message(
        createDevice(*Loaded, {.Name = Name, .Threads = Threads}).status());
  };
  for (const char *Name : {"gpu", "cuda:", "cuda:x", "cuda:1x", "cuda1", "CPU"})
    EXPECT_EQ(error(Name),
              concat("--device ", Name, ": expected cpu, cuda, cuda:N or ptx"));
  EXPECT_EQ(error("cpu", 1025), "--threads 1025: at most 1024");
  EXPECT_EQ(error("cpu"), "");
}

TEST(CreateDevice, ChecksNothingOnCuda) {
  plan::PlanT Plan = adderPlan();
  auto Loaded = value(LoadedPlan::fromBytes(serialize(Plan), "p.m1plan"));
  EXPECT_EQ(
      message(
          createDevice(*Loaded, {.Name = "cuda", .Checked = true}).status()),
      "--device cuda cannot check what kernels touch; run the plan on "
      "the emulated GPU, with --device ptx");
}
} // namespace
