//===- RemoteEngine.cpp - an engine in other processes --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/remote/RemoteEngine.h"

#include <algorithm>
#include <random>

using namespace m1;
using namespace m1::remote;

namespace {
/// mpirun takes up to 3 s to end after a rank that was killed.
constexpr std::chrono::seconds EndOfRanks(10);
} // namespace

absl::StatusOr<std::unique_ptr<RemoteEngine>>
RemoteEngine::start(const StartOptions &Options) {
  std::unique_ptr<RemoteEngine> Result(new RemoteEngine);
  M1_RETURN_IF_ERROR(Result->connect(Options));
  Result->Reader = std::thread([&Started = *Result] { Started.read(); });
  return Result;
}

absl::Status RemoteEngine::connect(const StartOptions &Options) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Listener> Place, Listener::create());
  std::vector<std::string> Command = Options.Command;
  Command.push_back("--connect");
  Command.push_back(Place->path());
  M1_ASSIGN_OR_RETURN(Ranks, BackgroundCommand::start(Command, Options.OnLine));
  constexpr std::chrono::milliseconds Slice(50);
  while (!Connection || !Connection->isReady(Slice)) {
    if (Options.WhileStarting)
      M1_RETURN_IF_ERROR(Options.WhileStarting());
    if (Ranks->waitForEnd(std::chrono::milliseconds(0)))
      return makeError(Ranks->describeEnd());
    if (!Connection) {
      M1_ASSIGN_OR_RETURN(Connection, Place->accept(Slice));
    }
  }
  M1_ASSIGN_OR_RETURN(std::optional<std::string> First, Connection->receive());
  if (!First) {
    Ranks->waitForEnd(EndOfRanks);
    return makeError(Ranks->describeEnd());
  }
  // The rest of another version's may have another form.
  WireReader Reader(
      std::string_view(*First).substr(std::min<size_t>(1, First->size())));
  std::string Found;
  Reader(Found);
  if (!isA<Hello>(*First) || Found != protocol())
    return makeError("m1run speaks '", Found, "', expected '", protocol(),
                     "': it belongs to another version of this package");
  M1_ASSIGN_OR_RETURN(Facts, remote::read<Hello>(*First));
  Latest.QueueBound = Facts.Options.MaxQueued;
  return absl::OkStatus();
}

RemoteEngine::~RemoteEngine() {
  if (Reader.joinable())
    stop();
}

absl::Status RemoteEngine::refuse() const {
  if (!Failure.ok())
    return Failure;
  return Refuses ? absl::UnavailableError("the engine accepts no more requests")
                 : absl::OkStatus();
}

absl::StatusOr<uint64_t> RemoteEngine::submit(Request Given,
                                              UpdateFunction OnUpdate) {
  {
    std::lock_guard Lock(Mutex);
    M1_RETURN_IF_ERROR(refuse());
  }
  M1_RETURN_IF_ERROR(checkRequest(Given, abilities()));
  if (!Given.Seed) {
    std::random_device Device;
    Given.Seed = static_cast<uint64_t>(Device()) << 32 | Device();
  }
  Submit Message;
  {
    std::lock_guard Lock(Mutex);
    M1_RETURN_IF_ERROR(refuse());
    // The ranks' queue is never longer than this says.
    M1_RETURN_IF_ERROR(
        checkQueue(Given, Sequences - Latest.Dequeued, options().MaxQueued));
    Sequences += Given.N;
    Message.Id = ++LastId;
    Requests[LastId] = {std::make_shared<UpdateFunction>(std::move(OnUpdate)),
                        std::make_shared<MaskFunction>(Given.NextMask),
                        std::vector<bool>(Given.N),
                        std::chrono::steady_clock::now()};
  }
  Message.Given = std::move(Given);
  // If the ranks are gone, `read` notices it and ends the request.
  Connection->send(message(Message)).IgnoreError();
  return Message.Id;
}

void RemoteEngine::abort(uint64_t Id) {
  {
    std::lock_guard Lock(Mutex);
    if (Stops || Requests.count(Id) == 0)
      return;
  }
  Connection->send(message(Abort{Id})).IgnoreError();
}

void RemoteEngine::drain() {
  std::unique_lock Lock(Mutex);
  Refuses = true;
  Changed.wait(Lock, [&] { return Requests.empty() || IsOver; });
}

void RemoteEngine::stop() {
  {
    std::unique_lock Lock(Mutex);
    Refuses = true;
    const bool IsFirst = !std::exchange(Stops, true);
    Lock.unlock();
    if (IsFirst)
      Connection->send(message(Stop())).IgnoreError();
    Lock.lock();
    Changed.wait(Lock, [&] { return IsOver; });
  }
  std::lock_guard Lock(Joining);
  if (!Reader.joinable())
    return;
  Reader.join();
  Ranks->waitForEnd(EndOfRanks);
}

EngineStats RemoteEngine::stats() const {
  std::lock_guard Lock(Mutex);
  return Latest;
}

absl::Status RemoteEngine::failure() const {
  std::lock_guard Lock(Mutex);
  return Failure;
}

/// What the ranks say, until they end.
void RemoteEngine::read() {
  absl::Status Why;
  bool HasSaidWhy = false;
  while (!HasSaidWhy) {
    absl::StatusOr<std::optional<std::string>> Message = Connection->receive();
    if (!Message.ok() || !*Message)
      break;
    HasSaidWhy = obey(**Message, Why);
  }
  if (!HasSaidWhy) {
    // A rank has been killed, or is about to be because another one was.
    Ranks->waitForEnd(EndOfRanks);
    Why = absl::InternalError(
        printable("the ranks have ended: " + Ranks->describeEnd()));
  }
  endAll(Why);
}

/// Whether it is the last message; `Why` is then how the ranks ended.
bool RemoteEngine::obey(std::string_view Message, absl::Status &Why) {
  if (isA<News>(Message)) {
    if (absl::StatusOr<News> Told = remote::read<News>(Message); Told.ok()) {
      {
        std::lock_guard Lock(Mutex);
        Latest = Told->Stats;
      }
      for (Update &Each : Told->Updates)
        deliver(std::move(Each));
      return false;
    }
  } else if (isA<MaskCall>(Message)) {
    if (absl::StatusOr<MaskCall> Call = remote::read<MaskCall>(Message);
        Call.ok()) {
      answer(*Call);
      return false;
    }
  } else if (absl::StatusOr<Farewell> Told = remote::read<Farewell>(Message);
             Told.ok()) {
    Why = Told->Why;
    return true;
  }
  Why = absl::InternalError("the ranks sent a message that is damaged");
  Connection->end();
  return true;
}

void RemoteEngine::answer(const MaskCall &Call) {
  std::shared_ptr<MaskFunction> NextMask;
  {
    std::lock_guard Lock(Mutex);
    if (auto Found = Requests.find(Call.Id); Found != Requests.end())
      NextMask = Found->second.NextMask;
  }
  MaskAnswer Answer;
  Mask &Given = Answer.Given;
  if (NextMask && *NextMask) {
    Given.Words.resize(maskWords(abilities().Vocabulary));
    absl::StatusOr<Permit> What =
        (*NextMask)(Call.Choice, Call.New, Given.Words);
    Given.Error = What.status();
    Given.What = What.value_or(Permit::Any);
    if (Given.What != Permit::Listed)
      Given.Words.clear();
  }
  Connection->send(message(Answer)).IgnoreError();
}

void RemoteEngine::deliver(Update &&News) {
  std::shared_ptr<UpdateFunction> OnUpdate;
  {
    std::lock_guard Lock(Mutex);
    auto Found = Requests.find(News.Id);
    if (Found == Requests.end())
      return;
    Open &Of = Found->second;
    const auto Choice = static_cast<size_t>(News.Choice);
    if (Choice >= Of.HasEnded.size() || Of.HasEnded[Choice])
      return;
    News.When.Arrival = Of.Arrival;
    OnUpdate = Of.OnUpdate;
    if (News.FinishReason) {
      Of.HasEnded[Choice] = true;
      if (std::find(Of.HasEnded.begin(), Of.HasEnded.end(), false) ==
          Of.HasEnded.end())
        Requests.erase(Found);
    }
  }
  // May submit or abort.
  if (*OnUpdate)
    (*OnUpdate)(std::move(News));
  std::lock_guard Lock(Mutex);
  if (Requests.empty())
    Changed.notify_all();
}

/// The ranks have ended; `Why` is OK if they were to.
void RemoteEngine::endAll(const absl::Status &Why) {
  std::vector<Update> Ends;
  {
    std::lock_guard Lock(Mutex);
    Refuses = true;
    if (!Why.ok())
      Failure = Why;
    for (const auto &[Id, Of] : Requests)
      for (size_t Choice = 0; Choice < Of.HasEnded.size(); ++Choice)
        if (!Of.HasEnded[Choice]) {
          Update &End = Ends.emplace_back();
          End.Id = Id;
          End.Choice = static_cast<int32_t>(Choice);
          End.FinishReason = Why.ok() ? Finish::Abort : Finish::Error;
          End.Error = Why;
        }
    Latest.Running = Latest.Waiting = Latest.Preempted = 0;
  }
  for (Update &End : Ends)
    deliver(std::move(End));
  std::lock_guard Lock(Mutex);
  IsOver = true;
  Changed.notify_all();
}
