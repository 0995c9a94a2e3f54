//===- EngineServiceTest.cpp - an engine for another process --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/remote/EngineService.h"
#include "test/unit/engine/ServingPlan.h"

#include <thread>

using namespace m1;
using namespace m1::test;
using namespace m1::remote;

namespace {
/// A client, and an engine that serves it on another thread.
class Services : public testing::Test {
protected:
  Services() {
    auto Place = value(Listener::create());
    auto Other = value(MessageSocket::connect(Place->path()));
    Client = value(Place->accept(std::chrono::seconds(60)));
    plan::PlanT Plan = servingPlan(4, 64, 60000, 4000);
    S = open(Plan);
    Requests = value(EngineLoop::create(*S->Program, {}));
    Server = std::thread([this, Other = std::move(Other)]() mutable {
      EngineService Service(std::move(Other));
      Ended = Service.serve(*Requests, "a device");
    });
    Greeting = value(remote::read<Hello>(next()));
  }
  ~Services() override {
    Client->end();
    if (Server.joinable())
      Server.join();
  }

  std::string next() {
    std::optional<std::string> Message = value(Client->receive());
    return Message ? *Message : "";
  }
  void send(const std::string &Message) {
    EXPECT_TRUE(Client->send(Message).ok());
  }
  static Submit request(uint64_t Id, int64_t MaxTokens) {
    Submit Result;
    Result.Id = Id;
    Result.Given.Prompt = {1, 2, 3};
    Result.Given.MaxTokens = MaxTokens;
    Result.Given.Seed = 5;
    return Result;
  }

  std::unique_ptr<MessageSocket> Client;
  std::unique_ptr<Session> S;
  std::unique_ptr<EngineLoop> Requests;
  std::thread Server;
  absl::Status Ended;
  Hello Greeting;
};

TEST_F(Services, AnswerAndStop) {
  EXPECT_EQ(Greeting.Protocol, protocol());
  EXPECT_EQ(Greeting.Device, "a device");
  EXPECT_EQ(Greeting.Plan.MaxLength, 60000);
  EXPECT_EQ(Greeting.Options.MaxRunning, 4);
  send(message(request(1, 5)));
  send(message(request(7, 59000)));
  std::map<uint64_t, size_t> Tokens;
  std::map<uint64_t, Finish> Ends;
  int64_t Dequeued = 0;
  while (Ends.size() < 2) {
    const News Told = value(remote::read<News>(next()));
    for (const Update &Each : Told.Updates) {
      Tokens[Each.Id] += Each.Tokens.size();
      if (Each.FinishReason)
        Ends[Each.Id] = *Each.FinishReason;
    }
    Dequeued = Told.Stats.Dequeued;
    if (Ends.count(1))
      send(message(Abort{7}));
  }
  EXPECT_EQ(Tokens[1], 5u);
  EXPECT_EQ(Ends[1], Finish::Length);
  EXPECT_EQ(Ends[7], Finish::Abort);
  EXPECT_LT(Tokens[7], 59000u);
  EXPECT_EQ(Dequeued, 2);
  send(message(Stop()));
  std::string Last;
  for (std::string Next = next(); !Next.empty(); Next = next())
    Last = Next;
  EXPECT_EQ(value(remote::read<Farewell>(Last)).Why, absl::OkStatus());
  Server.join();
  EXPECT_EQ(m1::test::message(Ended), "");
}

TEST_F(Services, AClientThatGoesStopsThem) {
  send(message(request(1, 59000)));
  next();
  Client->end();
  Server.join();
  EXPECT_EQ(m1::test::message(Ended), "");
  EXPECT_TRUE(
      absl::IsUnavailable(Requests->submit(request(2, 1).Given, {}).status()));
}

TEST_F(Services, WhatIsNoMessageStopsThem) {
  send("s is no request");
  Server.join();
  EXPECT_EQ(m1::test::message(Ended), "");
}

TEST(MessageSocket, CarriesAnySize) {
  auto Place = value(Listener::create());
  EXPECT_EQ(value(Place->accept(std::chrono::milliseconds(1))), nullptr);
  auto A = value(MessageSocket::connect(Place->path()));
  auto B = value(Place->accept(std::chrono::seconds(60)));
  const std::string Large(5'000'001, 'x');
  std::thread Sender([&] {
    for (const std::string &Each : {std::string(), Large, std::string("end")})
      EXPECT_TRUE(A->send(Each).ok());
    A->end();
  });
  EXPECT_EQ(value(B->receive()), "");
  EXPECT_EQ(value(B->receive()), Large);
  EXPECT_EQ(value(B->receive()), "end");
  EXPECT_EQ(value(B->receive()), std::nullopt);
  Sender.join();
  EXPECT_FALSE(B->send(Large + Large).ok());
  EXPECT_EQ(
      m1::test::message(MessageSocket::connect("/nowhere/socket").status()),
      "cannot connect to /nowhere/socket: No such file or directory");
  EXPECT_FALSE(MessageSocket::connect(std::string(108, 'x')).ok());
}
} // namespace
