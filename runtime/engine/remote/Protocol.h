//===- Protocol.h - what an engine and its client say -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A message is a byte that says of which kind it is, and a value in the form of
// Wire.h. The engine's process begins, with Hello; its first field is text in
// every version, so that two that differ say so.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_REMOTE_PROTOCOL_H
#define M1C_RUNTIME_ENGINE_REMOTE_PROTOCOL_H

#include "runtime/engine/Wire.h"
#include "runtime/support/ProjectVersion.h"

namespace m1::remote {

/// Changes with every message.
inline constexpr const char *kProtocol = "m1 engine 2, of m1c ";
inline std::string protocol() { return concat(kProtocol, kProjectVersion); }

/// From the engine, once it is ready.
struct Hello {
  static constexpr char Kind = 'h';
  std::string Protocol;
  std::string Device; ///< in words
  Abilities Plan;
  EngineOptions Options;
};
/// From the engine, after each step with something to tell.
struct News {
  static constexpr char Kind = 'n';
  std::vector<Update> Updates;
  EngineStats Stats;
};
/// From the engine, at its end.
struct Farewell {
  static constexpr char Kind = 'f';
  absl::Status Why; ///< OK after Stop
};

/// From the engine, which waits for the answer: a call of Request::NextMask.
struct MaskCall {
  static constexpr char Kind = 'm';
  uint64_t Id = 0;
  int32_t Choice = 0;
  std::vector<int64_t> New;
};
/// From the client: what it said.
struct MaskAnswer {
  static constexpr char Kind = 'w';
  Mask Given;
};

/// From the client: a request, which has a seed. It numbers them.
struct Submit {
  static constexpr char Kind = 's';
  uint64_t Id = 0;
  Request Given;
};
struct Abort {
  static constexpr char Kind = 'a';
  uint64_t Id = 0;
};
/// As Engine::stop; a client that goes away says the same.
struct Stop {
  static constexpr char Kind = 'e';
};

template <typename Archive> void fields(Archive &Each, Hello &H) {
  Each(H.Protocol, H.Device, H.Plan, H.Options);
}
template <typename Archive> void fields(Archive &Each, News &N) {
  Each(N.Updates, N.Stats);
}
template <typename Archive> void fields(Archive &Each, Farewell &F) {
  Each(F.Why);
}
template <typename Archive> void fields(Archive &Each, MaskCall &C) {
  Each(C.Id, C.Choice, C.New);
}
template <typename Archive> void fields(Archive &Each, MaskAnswer &A) {
  Each(A.Given);
}
template <typename Archive> void fields(Archive &Each, Submit &S) {
  Each(S.Id, S.Given);
}
template <typename Archive> void fields(Archive &Each, Abort &A) { Each(A.Id); }
template <typename Archive> void fields(Archive &, Stop &) {}

template <typename T> std::string message(const T &Value) {
  return std::string(1, T::Kind) + toBytes(Value);
}
template <typename T> bool isA(std::string_view Message) {
  return !Message.empty() && Message.front() == T::Kind;
}
/// The value of a message of this kind.
template <typename T> absl::StatusOr<T> read(std::string_view Message) {
  if (!isA<T>(Message))
    return makeError("a message of an unknown kind");
  return fromBytes<T>(Message.substr(1));
}

} // namespace m1::remote

#endif // M1C_RUNTIME_ENGINE_REMOTE_PROTOCOL_H
