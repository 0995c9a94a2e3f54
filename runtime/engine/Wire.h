//===- Wire.h - requests and updates as bytes -------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What processes of one version of the program tell each other, on machines of
// one kind. The fields of a type stand once, in `fields`, for both directions.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_WIRE_H
#define M1C_RUNTIME_ENGINE_WIRE_H

#include "runtime/engine/Engine.h"
#include "runtime/engine/Sequence.h"
#include "runtime/support/Error.h"

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace m1 {

/// Whether values are copied as bytes. A bool is not: it may not have any byte.
template <typename T> constexpr bool isPlain() {
  return !std::is_same_v<T, bool> &&
         (std::is_arithmetic_v<T> || std::is_enum_v<T>);
}

/// Appends values to `Bytes`.
class WireWriter {
public:
  template <typename... T> void operator()(const T &...Values) {
    (add(Values), ...);
  }
  std::string Bytes;

private:
  void append(const void *Data, size_t Size) {
    Bytes.append(static_cast<const char *>(Data), Size);
  }
  template <typename T> void add(const T &Value) {
    if constexpr (isPlain<T>())
      append(&Value, sizeof Value);
    else // `fields` only reads here
      fields(*this, const_cast<T &>(Value));
  }
  void add(bool Value) { add<uint8_t>(Value ? 1 : 0); }
  void add(const std::string &Text) {
    add<uint64_t>(Text.size());
    append(Text.data(), Text.size());
  }
  template <typename T> void add(const std::vector<T> &Values) {
    add<uint64_t>(Values.size());
    if constexpr (isPlain<T>())
      append(Values.data(), Values.size() * sizeof(T));
    else
      for (const T &Value : Values)
        add(Value);
  }
  template <typename T> void add(const std::optional<T> &Value) {
    add(Value.has_value());
    if (Value)
      add(*Value);
  }
  template <typename A, typename B> void add(const std::pair<A, B> &Value) {
    add(Value.first);
    add(Value.second);
  }
  template <typename... T> void add(const std::tuple<T...> &Values) {
    std::apply([this](const T &...Each) { (add(Each), ...); }, Values);
  }
  void add(std::chrono::steady_clock::time_point Value) {
    // The clock is the same in all processes of a machine.
    add<int64_t>(Value.time_since_epoch().count());
  }
  void add(const absl::Status &Value) {
    add<int32_t>(static_cast<int32_t>(Value.code()));
    add(std::string(Value.message()));
  }
};

/// Takes the values out again. Where the bytes end too early, or a size is
/// larger than what is left of them, values are 0 or empty from there on, and
/// `end` says so.
class WireReader {
public:
  explicit WireReader(std::string_view Bytes) : Left(Bytes) {}

  template <typename... T> void operator()(T &...Values) {
    (take(Values), ...);
  }
  /// An error unless all bytes, and no others, have been taken.
  absl::Status end() const {
    if (HasFailed)
      return makeError("a message is incomplete");
    return Left.empty() ? absl::OkStatus()
                        : makeError("a message has ", Left.size(),
                                    " bytes more than expected");
  }

private:
  bool copy(void *To, size_t Size) {
    if (HasFailed || Size > Left.size()) {
      HasFailed = true;
      return false;
    }
    if (Size > 0)
      std::memcpy(To, Left.data(), Size);
    Left.remove_prefix(Size);
    return true;
  }
  /// A number of elements of at least `Least` bytes each.
  size_t size(size_t Least) {
    uint64_t Count = 0;
    take(Count);
    if (Count > Left.size() / Least) {
      HasFailed = true;
      return 0;
    }
    return Count;
  }

  template <typename T> void take(T &Value) {
    if constexpr (isPlain<T>()) {
      if (!copy(&Value, sizeof Value))
        Value = T{};
    } else {
      fields(*this, Value);
    }
  }
  void take(bool &Value) {
    uint8_t Byte = 0;
    take(Byte);
    Value = Byte != 0;
  }
  void take(std::string &Text) {
    Text.resize(size(1));
    copy(Text.data(), Text.size());
  }
  template <typename T> void take(std::vector<T> &Values) {
    Values.clear();
    if constexpr (isPlain<T>()) {
      Values.resize(size(sizeof(T)));
      copy(Values.data(), Values.size() * sizeof(T));
    } else {
      // Elements are read one by one: a large number is no large memory.
      for (size_t Count = size(1); Count > 0 && !HasFailed; --Count)
        take(Values.emplace_back());
    }
  }
  template <typename T> void take(std::optional<T> &Value) {
    bool HasValue = false;
    take(HasValue);
    Value.reset();
    if (HasValue)
      take(Value.emplace());
  }
  template <typename A, typename B> void take(std::pair<A, B> &Value) {
    take(Value.first);
    take(Value.second);
  }
  template <typename... T> void take(std::tuple<T...> &Values) {
    std::apply([this](T &...Each) { (take(Each), ...); }, Values);
  }
  void take(std::chrono::steady_clock::time_point &Value) {
    int64_t Count = 0;
    take(Count);
    Value = std::chrono::steady_clock::time_point(
        std::chrono::steady_clock::duration(Count));
  }
  void take(absl::Status &Value) {
    int32_t Code = 0;
    std::string Text;
    take(Code);
    take(Text);
    Value = absl::Status(static_cast<absl::StatusCode>(Code), Text);
  }

  std::string_view Left;
  bool HasFailed = false;
};

template <typename Archive> void fields(Archive &Each, Rules &R) {
  Each(R.Temperature, R.TopP, R.TopK, R.MinP, R.RepetitionPenalty,
       R.PresencePenalty, R.FrequencyPenalty, R.LogitBias, R.AllowedTokens);
}
template <typename Archive> void fields(Archive &Each, Forced &F) {
  Each(F.AfterTokens, F.Tokens, F.Closing);
}
template <typename Archive> void fields(Archive &Each, Request &R) {
  // Of a function, whether there is one.
  bool HasMask = R.NextMask != nullptr;
  Each(HasMask);
  if (HasMask && !R.NextMask)
    R.NextMask = [](int32_t, std::span<const int64_t>,
                    std::span<uint32_t>) -> absl::StatusOr<Permit> {
      return absl::InternalError("a mask of another process was asked for");
    };
  Each(R.Prompt, R.N, R.Priority, R.MaxTokens, R.MinTokens, R.StopTokens,
       R.IgnoreStop, R.Sampling, R.Seed, R.TopLogProbs, R.PromptLogProbs,
       R.PolicyLogProbs, R.Force, R.UsePrefixCache, R.EarlyStopCount,
       R.EarlyStopProbability);
}
template <typename Archive> void fields(Archive &Each, Mask &M) {
  Each(M.Error, M.What, M.Words);
}
template <typename Archive> void fields(Archive &Each, TopTokens &T) {
  Each(T.Ids, T.LogProbs);
}
template <typename Archive> void fields(Archive &Each, Times &T) {
  Each(T.Arrival, T.FirstScheduled, T.FirstToken, T.LastToken);
}
template <typename Archive> void fields(Archive &Each, Update &U) {
  Each(U.Id, U.Choice, U.Tokens, U.LogProbs, U.Top, U.PromptLogProbs,
       U.PromptTop, U.CachedTokens, U.FinishReason, U.StopToken, U.Error,
       U.When);
}
template <typename Archive> void fields(Archive &Each, Abilities &A) {
  Each(A.Vocabulary, A.MaxLength, A.Serving, A.Policy, A.Score, A.Logits);
}
template <typename Archive> void fields(Archive &Each, EngineOptions &O) {
  Each(O.MaxTokensPerStep, O.MaxRunning, O.MaxBlocks, O.MaxQueued,
       O.PrefixCacheBytes, O.SwapBytes, O.PoisonFreed);
}
template <typename Archive> void fields(Archive &Each, EngineStats &S) {
  Each(S.Running, S.Waiting, S.Preempted, S.QueueBound, S.BlocksUsed,
       S.BlocksCached, S.Blocks, S.SnapshotBytes, S.Snapshots, S.SwapBytes,
       S.PrefixCache, S.Requests, S.Finished, S.Aborted, S.Failed,
       S.PromptTokens, S.GeneratedTokens, S.ComputedTokens, S.Preemptions,
       S.CacheLookupTokens, S.CacheHitTokens, S.Steps, S.Dequeued,
       S.SecondsInCalls, S.SecondsInSteps, S.SecondsInMasks);
}

/// A value as bytes, and back.
template <typename T> std::string toBytes(const T &Value) {
  WireWriter Writer;
  Writer(Value);
  return std::move(Writer.Bytes);
}
template <typename T> absl::StatusOr<T> fromBytes(std::string_view Bytes) {
  T Value{};
  WireReader Reader(Bytes);
  Reader(Value);
  M1_RETURN_IF_ERROR(Reader.end());
  return Value;
}

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_WIRE_H
