//===- EngineService.cpp - an engine for another process ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/remote/EngineService.h"

#include "runtime/support/Exceptions.h"

#include <algorithm>

using namespace m1;
using namespace m1::remote;

EngineService::EngineService(std::unique_ptr<MessageSocket> TheClient)
    : Client(std::move(TheClient)), Reader([this] { read(); }),
      Writer([this] { write(); }) {}

EngineService::~EngineService() {
  {
    std::lock_guard Lock(Mutex);
    IsClosing = true;
    Changed.notify_all();
  }
  Writer.join(); // what is left is written
  Client->end();
  Reader.join();
}

/// What the client says, until it is gone.
void EngineService::read() {
  for (;;) {
    absl::StatusOr<std::optional<std::string>> Message = Client->receive();
    EngineLoop *Engine = nullptr;
    {
      std::lock_guard Lock(Mutex);
      Engine = Served;
      if (!Engine && IsClosing)
        return;
    }
    if (!Engine)
      // The client does not speak before it knows that the engine is ready.
      endProcess("the process that started this engine has ended");
    if (!Message.ok() || !*Message || !obey(*Engine, **Message).ok()) {
      {
        std::lock_guard Lock(Mutex);
        IsGone = true;
        Changed.notify_all();
      }
      Engine->stop();
      return;
    }
  }
}

/// An error if the message is none of this protocol's.
absl::Status EngineService::obey(EngineLoop &Engine, std::string_view Message) {
  if (isA<Submit>(Message)) {
    M1_ASSIGN_OR_RETURN(Submit Given, remote::read<Submit>(Message));
    submit(Engine, std::move(Given));
    return absl::OkStatus();
  }
  if (isA<Abort>(Message)) {
    M1_ASSIGN_OR_RETURN(const Abort Given, remote::read<Abort>(Message));
    std::lock_guard Lock(Mutex);
    if (auto Found = Requested.find(Given.Id); Found != Requested.end())
      Engine.abort(Found->second.Id);
    return absl::OkStatus();
  }
  if (isA<MaskAnswer>(Message)) {
    M1_ASSIGN_OR_RETURN(MaskAnswer Given, remote::read<MaskAnswer>(Message));
    std::lock_guard Lock(Mutex);
    Answer = std::move(Given.Given);
    Changed.notify_all();
    return absl::OkStatus();
  }
  return remote::read<Stop>(Message).ok()
             ? absl::CancelledError("the client has stopped the engine")
             : makeError("a message of an unknown kind");
}

void EngineService::submit(EngineLoop &Engine, Submit Given) {
  const uint64_t Id = Given.Id;
  const int32_t Count = Given.Given.N;
  if (Given.Given.NextMask)
    Given.Given.NextMask = [this, Id](int32_t Choice,
                                      std::span<const int64_t> New,
                                      std::span<uint32_t> Words) {
      return ask({Id, Choice, {New.begin(), New.end()}}, Words);
    };
  // While this is held, no update can come.
  std::lock_guard Lock(Mutex);
  absl::StatusOr<uint64_t> Number =
      Engine.submit(std::move(Given.Given),
                    [this, Id](Update &&News) { take(Id, std::move(News)); });
  if (Number.ok()) {
    Requested[Id] = {*Number, Count};
    return;
  }
  // The client has checked the request: the engine has failed, or stops.
  News Told;
  for (int32_t Choice = 0; Choice < Count; ++Choice) {
    Update &End = Told.Updates.emplace_back();
    End.Id = Id;
    End.Choice = Choice;
    End.FinishReason = Finish::Error;
    End.Error = Number.status();
  }
  Told.Stats = Engine.stats();
  Outbox.push_back(message(Told));
  Changed.notify_all();
}

/// On the engine's thread.
void EngineService::take(uint64_t Id, Update &&News) {
  std::lock_guard Lock(Mutex);
  News.Id = Id;
  if (News.FinishReason)
    if (auto Found = Requested.find(Id);
        Found != Requested.end() && --Found->second.Open == 0)
      Requested.erase(Found);
  Updates.push_back(std::move(News));
}

/// On the engine's thread, which waits for the client.
absl::StatusOr<Permit> EngineService::ask(MaskCall Call,
                                          std::span<uint32_t> Words) {
  post(message(Call));
  std::unique_lock Lock(Mutex);
  Changed.wait(Lock, [&] { return IsGone || Answer; });
  if (!Answer)
    return absl::CancelledError("the client has gone");
  Mask Given = std::move(*Answer);
  Answer.reset();
  M1_RETURN_IF_ERROR(Given.Error);
  if (Given.What == Permit::Listed) {
    if (Given.Words.size() != Words.size())
      return makeError("next_mask: ", Given.Words.size(), " words, expected ",
                       Words.size());
    std::copy(Given.Words.begin(), Given.Words.end(), Words.begin());
  }
  return Given.What;
}

void EngineService::post(std::string Message) {
  std::lock_guard Lock(Mutex);
  Outbox.push_back(std::move(Message));
  Changed.notify_all();
}

void EngineService::write() {
  std::unique_lock Lock(Mutex);
  for (;;) {
    Changed.wait(Lock, [&] { return IsClosing || !Outbox.empty(); });
    std::vector<std::string> Messages = std::move(Outbox);
    Outbox.clear();
    if (Messages.empty())
      return;
    Lock.unlock();
    // If the client is gone, `read` notices it.
    for (const std::string &Message : Messages)
      Client->send(Message).IgnoreError();
    Lock.lock();
  }
}

absl::Status EngineService::serve(EngineLoop &Requests,
                                  const std::string &Device) {
  {
    std::lock_guard Lock(Mutex);
    Served = &Requests;
  }
  post(message(
      Hello{protocol(), Device, Requests.abilities(), Requests.options()}));
  absl::Status Status = Requests.run([this](const EngineStats &Stats) {
    News Told;
    {
      std::lock_guard Lock(Mutex);
      Told.Updates.swap(Updates);
    }
    Told.Stats = Stats;
    post(message(Told));
  });
  post(message(Farewell{Status}));
  return Status;
}
