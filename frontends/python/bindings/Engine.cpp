//===- Engine.cpp - the engine for Python ---------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/python/bindings/Engine.h"
#include "frontends/python/bindings/Errors.h"
#include "frontends/python/bindings/Mailbox.h"
#include "frontends/python/bindings/Masks.h"
#include "frontends/python/bindings/Program.h"

#include "runtime/engine/remote/RemoteEngine.h"

#include <algorithm>
#include <cstdio>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace m1;
using namespace m1::python;

namespace {
/// Starts ranks, which are processes of their own. A signal's exception ends
/// them.
std::unique_ptr<RemoteEngine>
startRanks(const std::vector<std::string> &Command, bool IsQuiet) {
  RemoteEngine::StartOptions How;
  How.Command = Command;
  How.WhileStarting = [] {
    nb::gil_scoped_acquire Locked;
    return PyErr_CheckSignals() == 0 ? absl::OkStatus()
                                     : absl::CancelledError("interrupted");
  };
  How.OnLine = [IsQuiet](const std::string &Line) {
    constexpr std::string_view Note = "m1run: note: ";
    if (!IsQuiet && Line.starts_with(Note))
      std::fprintf(stderr, "m1: %s\n", Line.c_str() + Note.size());
  };
  absl::StatusOr<std::unique_ptr<RemoteEngine>> Started;
  {
    nb::gil_scoped_release Unlocked;
    Started = RemoteEngine::start(How);
  }
  if (PyErr_Occurred())
    throw nb::python_error();
  return check(std::move(Started));
}

/// A plan with its weights, and an engine on it: in this process, or on ranks.
class PyEngine {
public:
  PyEngine(const std::string &Plan, const std::string &Weights,
           const OpenOptions &Open, const EngineOptions &Options)
      : Opened(openSession(Plan, Weights, Open)), Plan(*Opened->Plan),
        Device(Opened->TheDevice->description()) {
    check(Box->open());
    absl::StatusOr<std::unique_ptr<m1::Engine>> Created;
    {
      nb::gil_scoped_release Unlocked;
      Created = m1::Engine::create(*Opened->Program, Options);
    }
    Engine = check(std::move(Created));
  }
  PyEngine(const std::string &Plan, const std::vector<std::string> &Command,
           bool IsQuiet)
      : Described(check(LoadedPlan::load(Plan))), Plan(*Described) {
    check(Box->open());
    std::unique_ptr<RemoteEngine> Started = startRanks(Command, IsQuiet);
    Device = Started->device();
    Engine = std::move(Started);
  }
  ~PyEngine() { stop(); }

  uint64_t submit(Request Given) {
    absl::StatusOr<uint64_t> Id;
    {
      nb::gil_scoped_release Unlocked;
      Id = Engine->submit(std::move(Given), [To = Box](Update &&News) {
        To->put(std::move(News));
      });
    }
    return check(std::move(Id));
  }

  /// Updates that have come, or that come within the time. Handles signals: a
  /// handler's exception is raised, and nothing is lost.
  std::vector<Update> take(double Seconds) {
    if (Seconds > 0) {
      bool HasSignal = false;
      {
        nb::gil_scoped_release Unlocked;
        HasSignal =
            !Box->wait(static_cast<int>(std::min(Seconds, 3600.0) * 1e3));
      }
      if (HasSignal && PyErr_CheckSignals() != 0)
        throw nb::python_error();
    }
    return Box->take();
  }

  int descriptor() const { return Box->descriptor(); }
  void abort(uint64_t Id) {
    nb::gil_scoped_release Unlocked;
    Engine->abort(Id);
  }
  void drain() {
    nb::gil_scoped_release Unlocked;
    Engine->drain();
  }
  void stop() {
    nb::gil_scoped_release Unlocked;
    if (Engine)
      Engine->stop();
  }
  nb::dict stats() const;
  nb::dict information() const;
  std::string device() const { return Device; }
  std::optional<std::string> failure() const {
    absl::Status Failure;
    {
      nb::gil_scoped_release Unlocked;
      Failure = Engine->failure();
    }
    if (Failure.ok())
      return std::nullopt;
    return std::string(Failure.message());
  }

private:
  std::unique_ptr<Session> Opened;       ///< null with ranks
  std::unique_ptr<LoadedPlan> Described; ///< null without
  const LoadedPlan &Plan;
  std::string Device;
  /// Also owned by the callbacks of requests.
  std::shared_ptr<Mailbox> Box = std::make_shared<Mailbox>();
  std::unique_ptr<m1::Engine> Engine; ///< ends before what it uses
};

nb::dict PyEngine::stats() const {
  EngineStats S;
  {
    nb::gil_scoped_release Unlocked;
    S = Engine->stats();
  }
  nb::dict Result;
  Result["running"] = S.Running;
  Result["waiting"] = S.Waiting;
  Result["preempted"] = S.Preempted;
  Result["max_queued"] = S.QueueBound;
  Result["blocks"] = S.Blocks;
  Result["blocks_used"] = S.BlocksUsed;
  Result["blocks_cached"] = S.BlocksCached;
  Result["snapshots"] = S.Snapshots;
  Result["snapshot_bytes"] = S.SnapshotBytes;
  Result["swap_bytes"] = S.SwapBytes;
  Result["requests"] = S.Requests;
  Result["finished"] = S.Finished;
  Result["aborted"] = S.Aborted;
  Result["failed"] = S.Failed;
  Result["prompt_tokens"] = S.PromptTokens;
  Result["generated_tokens"] = S.GeneratedTokens;
  Result["computed_tokens"] = S.ComputedTokens;
  Result["preemptions"] = S.Preemptions;
  Result["prefix_cache_queries"] = S.CacheLookupTokens;
  Result["prefix_cache_hits"] = S.CacheHitTokens;
  Result["steps"] = S.Steps;
  Result["seconds_in_calls"] = S.SecondsInCalls;
  Result["seconds_in_steps"] = S.SecondsInSteps;
  Result["seconds_in_masks"] = S.SecondsInMasks;
  return Result;
}

nb::dict PyEngine::information() const {
  nb::dict Result = describePlan(Plan);
  const Abilities &Can = Engine->abilities();
  const EngineOptions &Options = Engine->options();
  Result["vocab_size"] = Can.Vocabulary;
  Result["max_length"] = Can.MaxLength;
  Result["serving"] = Can.Serving;
  Result["policy"] = Can.Policy;
  Result["max_tokens_per_step"] = Options.MaxTokensPerStep;
  Result["max_running"] = Options.MaxRunning;
  Result["max_queued"] = Options.MaxQueued;
  Result["prefix_cache_bytes"] = Options.PrefixCacheBytes;
  Result["swap_bytes"] = Options.SwapBytes;
  return Result;
}

/// See Request::Force.
using ForcedTuple =
    std::tuple<int64_t, std::vector<int64_t>, std::vector<int64_t>>;
using Tops = std::vector<std::vector<std::pair<int32_t, float>>>;
/// The most probable tokens at each place, as pairs.
Tops pairs(const std::vector<TopTokens> &Given) {
  Tops Result(Given.size());
  for (size_t I = 0; I < Given.size(); ++I)
    for (size_t J = 0; J < Given[I].Ids.size(); ++J)
      Result[I].emplace_back(Given[I].Ids[J], Given[I].LogProbs[J]);
  return Result;
}

/// Seconds of Python's time.monotonic().
std::optional<double> seconds(const std::optional<Times::Point> &At) {
  if (!At)
    return std::nullopt;
  return std::chrono::duration<double>(At->time_since_epoch()).count();
}

void defineUpdate(nb::module_ &Module) {
  nb::class_<Update>(Module, "Update",
                     "News about a choice of a request. The last one has a "
                     "finish_reason.")
      .def_ro("id", &Update::Id)
      .def_ro("choice", &Update::Choice)
      .def_ro("tokens", &Update::Tokens)
      .def_ro("logprobs", &Update::LogProbs)
      .def_prop_ro("top", [](const Update &U) { return pairs(U.Top); })
      .def_ro("prompt_logprobs", &Update::PromptLogProbs)
      .def_prop_ro("prompt_top",
                   [](const Update &U) { return pairs(U.PromptTop); })
      .def_ro("cached_tokens", &Update::CachedTokens)
      .def_prop_ro("finish_reason",
                   [](const Update &U) -> std::optional<std::string> {
                     if (!U.FinishReason)
                       return std::nullopt;
                     return name(*U.FinishReason);
                   })
      .def_ro("stop_token", &Update::StopToken)
      .def_prop_ro("error",
                   [](const Update &U) -> std::optional<std::string> {
                     if (U.Error.ok())
                       return std::nullopt;
                     return std::string(U.Error.message());
                   })
      .def_prop_ro(
          "times",
          [](const Update &U) {
            const Times &When = U.When;
            return nb::make_tuple(
                seconds(When.Arrival), seconds(When.FirstScheduled),
                seconds(When.FirstToken), seconds(When.LastToken));
          },
          "When the request arrived, the choice was first scheduled, and its "
          "first and last token came, on the clock of time.monotonic(); None "
          "for what has not been.");
}

void defineRequest(nb::module_ &Module) {
  nb::class_<Rules>(Module, "Rules", "How tokens are drawn.")
      .def(nb::init<>())
      .def_rw("temperature", &Rules::Temperature)
      .def_rw("top_p", &Rules::TopP)
      .def_rw("top_k", &Rules::TopK)
      .def_rw("min_p", &Rules::MinP)
      .def_rw("repetition_penalty", &Rules::RepetitionPenalty)
      .def_rw("presence_penalty", &Rules::PresencePenalty)
      .def_rw("frequency_penalty", &Rules::FrequencyPenalty)
      .def_rw("logit_bias", &Rules::LogitBias)
      .def_rw("allowed_tokens", &Rules::AllowedTokens);
  nb::class_<Request>(Module, "Request", "A prompt and how to continue it.")
      .def(nb::init<>())
      .def_rw("prompt", &Request::Prompt)
      .def_rw("n", &Request::N)
      .def_rw("priority", &Request::Priority)
      .def_rw("max_tokens", &Request::MaxTokens)
      .def_rw("min_tokens", &Request::MinTokens)
      .def_rw("stop_tokens", &Request::StopTokens)
      .def_rw("ignore_stop", &Request::IgnoreStop)
      .def_rw("rules", &Request::Sampling)
      .def_rw("seed", &Request::Seed, nb::for_setter(nb::arg().none()))
      .def_rw("top_logprobs", &Request::TopLogProbs)
      .def_rw("prompt_logprobs", &Request::PromptLogProbs)
      .def_rw("policy_logprobs", &Request::PolicyLogProbs)
      .def_prop_rw(
          "forced",
          [](const Request &R) {
            return ForcedTuple(R.Force.AfterTokens, R.Force.Tokens,
                               R.Force.Closing);
          },
          [](Request &R, ForcedTuple Given) {
            std::tie(R.Force.AfterTokens, R.Force.Tokens, R.Force.Closing) =
                std::move(Given);
          },
          "(after so many tokens, these tokens, unless these occurred)")
      .def(
          "mask_with",
          [](Request &R, nb::callable Function) {
            R.NextMask = masksFrom(std::move(Function));
          },
          nb::arg("function"),
          "Calls function(choice, tokens) before each token of a choice, on "
          "the engine's thread, with the tokens that the choice has got since "
          "the last call for it. It returns what the next one may be: None, "
          "any; bytes, those whose bits are 1 (bit t % 8 of byte t // 8, in "
          "whole words of 32 bits); False, none: the response ends. An "
          "exception ends the choice with its text as the error.")
      .def_rw("use_prefix_cache", &Request::UsePrefixCache)
      .def_rw("early_stop_count", &Request::EarlyStopCount)
      .def_rw("early_stop_probability", &Request::EarlyStopProbability);
}

void create(PyEngine *Self, const std::string &Plan, const std::string &Weights,
            const std::string &Device, unsigned Threads, uint64_t Seed,
            int64_t MaxTokensPerStep, int64_t MaxRunning, int64_t MaxQueued,
            int64_t PrefixCacheBytes, int64_t SwapBytes, bool PoisonFreed,
            const std::vector<std::string> &Ranks, bool IsQuiet) {
  if (!Ranks.empty()) {
    new (Self) PyEngine(Plan, Ranks, IsQuiet);
    return;
  }
  EngineOptions Options;
  Options.MaxTokensPerStep = MaxTokensPerStep;
  Options.MaxRunning = MaxRunning;
  Options.MaxQueued = MaxQueued;
  Options.PrefixCacheBytes = PrefixCacheBytes;
  Options.SwapBytes = SwapBytes;
  Options.PoisonFreed = PoisonFreed;
  new (Self) PyEngine(Plan, Weights, {Device, Threads, Seed}, Options);
}
} // namespace

void python::defineEngine(nb::module_ &Module) {
  defineRequest(Module);
  defineUpdate(Module);
  const EngineOptions Defaults;
  nb::class_<PyEngine>(
      Module, "Engine",
      "A language model's plan with its weights, and a thread that executes "
      "requests on it. All functions may be called on any thread.")
      .def("__init__", create, nb::arg("plan"), nb::arg("weights"),
           nb::kw_only(), nb::arg("device") = "", nb::arg("threads") = 0,
           nb::arg("seed") = 0, nb::arg("max_tokens_per_step") = 0,
           nb::arg("max_running") = 0,
           nb::arg("max_queued") = Defaults.MaxQueued,
           nb::arg("prefix_cache_bytes") = Defaults.PrefixCacheBytes,
           nb::arg("swap_bytes") = Defaults.SwapBytes,
           nb::arg("poison_freed") = false,
           nb::arg("ranks") = std::vector<std::string>(),
           nb::arg("quiet") = false,
           "`ranks`: a command that starts `m1run engine` on the ranks of the "
           "plan; it has the other options, which are not looked at here.")
      .def("submit", &PyEngine::submit, nb::arg("request"),
           "Accepts a request and returns its number. Raises Error, QueueFull "
           "or Stopped.")
      .def("take", &PyEngine::take, nb::arg("seconds") = 0,
           "The updates that have come since the last time. If there are none, "
           "waits for so long at most; a signal ends the wait.")
      .def("fileno", &PyEngine::descriptor,
           "A descriptor that is readable while there are updates.")
      .def("abort", &PyEngine::abort, nb::arg("id"),
           "Ends a request at the next step. No effect on one that has ended.")
      .def("drain", &PyEngine::drain,
           "Accepts no more requests, and returns when all have ended.")
      .def("stop", &PyEngine::stop,
           "Accepts no more requests, aborts all, and returns when all have "
           "ended.")
      .def_prop_ro("failure", &PyEngine::failure,
                   "Why no request runs any more: what the device or a rank "
                   "said. None as long as all is well.")
      .def("stats", &PyEngine::stats, "Counts, at the end of the last step.")
      .def_prop_ro("model_info", &PyEngine::information,
                   "As describe_plan; and what requests are checked against, "
                   "and the engine's options.")
      .def_prop_ro("device", &PyEngine::device, "The device, in words.");
}
