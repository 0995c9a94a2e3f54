//===- StartCheck.cpp - whether ranks belong together ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/StartCheck.h"

#include "runtime/comm/MessageTransport.h"
#include "runtime/plan/Mesh.h"
#include "runtime/weights/Checkpoint.h"
#include "runtime/weights/Digests.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace m1;

namespace {
/// The ranks of each value, in the order of their first ranks.
using RanksOfValues = std::vector<std::pair<std::string, std::vector<int>>>;

RanksOfValues sortByValue(const std::vector<std::string> &Values) {
  RanksOfValues Result;
  for (int Rank = 0; Rank < static_cast<int>(Values.size()); ++Rank) {
    auto Found =
        std::find_if(Result.begin(), Result.end(), [&](const auto &Entry) {
          return Entry.first == Values[Rank];
        });
    if (Found == Result.end())
      Result.push_back({Values[Rank], {Rank}});
    else
      Found->second.push_back(Rank);
  }
  return Result;
}

/// A list of strings as one, and back.
std::string pack(const std::vector<std::string> &Strings) {
  std::string Result;
  for (const std::string &S : Strings)
    Result += concat(S.size(), " ", S);
  return Result;
}
std::vector<std::string> unpack(std::string_view Packed) {
  std::vector<std::string> Result;
  while (!Packed.empty()) {
    size_t Size = 0;
    const char *Space =
        std::from_chars(Packed.data(), Packed.data() + Packed.size(), Size).ptr;
    Result.emplace_back(Space + 1, Size);
    Packed.remove_prefix(Space + 1 + Size - Packed.data());
  }
  return Result;
}

/// Gathers what the ranks give; rank 0 judges it. All ranks return its verdict:
/// an error unless it is empty.
absl::Status judge(
    Transport &Ranks, const std::string &Own,
    const std::function<std::string(const std::vector<std::string> &)> &Judge) {
  M1_ASSIGN_OR_RETURN(std::vector<std::string> All, Ranks.gather(Own));
  std::string Verdict;
  if (Ranks.rank() == 0)
    Verdict = Judge(All);
  M1_RETURN_IF_ERROR(Ranks.broadcast(Verdict));
  if (Verdict.empty())
    return absl::OkStatus();
  return absl::AlreadyExistsError(printable(Verdict));
}

std::string differences(const std::vector<std::string> &All) {
  // By name, in the order of the ranks' lists.
  std::vector<std::string> Names;
  std::map<std::string, std::vector<std::string>> Values;
  for (size_t Rank = 0; Rank < All.size(); ++Rank) {
    const std::vector<std::string> Facts = unpack(All[Rank]);
    for (size_t I = 0; I + 1 < Facts.size(); I += 2) {
      auto [At, IsNew] = Values.try_emplace(Facts[I], All.size(), "none");
      if (IsNew)
        Names.push_back(Facts[I]);
      At->second[Rank] = Facts[I + 1];
    }
  }
  for (const std::string &Name : Names) {
    const RanksOfValues Sorted = sortByValue(Values[Name]);
    if (Sorted.size() == 1)
      continue;
    return concat("the ranks differ in ", Name, ": ", Sorted[0].first, " on ",
                  describeRanks(Sorted[0].second), ", ", Sorted[1].first,
                  " on ", describeRanks(Sorted[1].second),
                  Sorted.size() > 2 ? ", others on the rest" : "");
  }
  return "";
}

/// Reads part of a file; less at its end.
absl::Status readAt(int File, const std::string &Path, uint64_t Offset,
                    std::span<std::byte> To, uint64_t &Read) {
  Read = 0;
  while (Read < To.size()) {
    const ssize_t Count = ::pread(File, To.data() + Read, To.size() - Read,
                                  static_cast<off_t>(Offset + Read));
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0)
      return makeError(Path, ": cannot read: ", std::strerror(errno));
    if (Count == 0)
      break;
    Read += Count;
  }
  return absl::OkStatus();
}

/// Size, header and samples of one file.
absl::StatusOr<std::string> identify(const std::string &Path) {
  struct Descriptor {
    int Number;
    ~Descriptor() {
      if (Number >= 0)
        ::close(Number);
    }
  } File{::open(Path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat Info;
  if (File.Number < 0 || ::fstat(File.Number, &Info) != 0)
    return makeError(Path, ": cannot open: ", std::strerror(errno));
  const uint64_t Size = Info.st_size;

  std::array<std::byte, 4096> Block;
  uint64_t Read = 0, Header = 0;
  M1_RETURN_IF_ERROR(readAt(File.Number, Path, 0,
                            std::as_writable_bytes(std::span(&Header, 1)),
                            Read));
  XXH3_state_t State;
  XXH3_64bits_reset(&State);
  const uint64_t End = std::min(Size, 8 + std::min(Header, Size));
  for (uint64_t At = 0; At < End; At += Read) {
    M1_RETURN_IF_ERROR(readAt(
        File.Number, Path, At,
        std::span(Block).first(std::min<uint64_t>(Block.size(), End - At)),
        Read));
    if (Read == 0)
      return makeError(Path, ": has become shorter");
    XXH3_64bits_update(&State, Block.data(), Read);
  }
  TensorDigest Digest;
  Digest.High = XXH3_64bits_digest(&State);

  constexpr uint64_t Places = 16;
  const uint64_t Data = Size - End;
  XXH3_64bits_reset(&State);
  for (uint64_t I = 0; I < Places; ++I) {
    M1_RETURN_IF_ERROR(
        readAt(File.Number, Path, End + Data / Places * I, Block, Read));
    XXH3_64bits_update(&State, Block.data(), Read);
  }
  Digest.Low = XXH3_64bits_digest(&State);
  return concat(Size, " bytes, digest ", format(Digest));
}
} // namespace

bool m1::isOfAllRanks(const absl::Status &Error) {
  return absl::IsAlreadyExists(Error);
}

std::vector<StartFact> m1::planFacts(const LoadedPlan &Plan) {
  std::vector<StartFact> Facts;
  Facts.push_back({"the plan's mesh", rankCount(*Plan) == 1
                                          ? std::string("none")
                                          : describeMesh(*Plan)});
  for (uint32_t I = 0; I < length(Plan->symbols()); ++I) {
    const plan::Symbol &Symbol = *Plan->symbols()->Get(I);
    if (!isMeshSymbol(*Plan, I))
      Facts.push_back({concat("the plan's bound of ", view(Symbol.name())),
                       std::to_string(Symbol.max())});
  }
  TensorDigest Digest;
  Digest.Low = Plan->digest();
  Facts.push_back({"the plan", concat("digest ", format(Digest).substr(16))});
  return Facts;
}

absl::StatusOr<std::vector<StartFact>>
m1::checkpointFacts(const Checkpoint &Weights) {
  std::vector<StartFact> Facts;
  for (size_t I = 0; I < Weights.files().size(); ++I) {
    M1_ASSIGN_OR_RETURN(std::string Value, identify(Weights.files()[I]));
    // A checkpoint that is one file has its whole path as its name, which may
    // differ between machines.
    const std::string &Name = Weights.names()[I];
    Facts.push_back(
        {concat("the checkpoint's file ", Weights.directory().empty()
                                              ? Name.substr(Name.rfind('/') + 1)
                                              : Name),
         Value});
  }
  return Facts;
}

absl::Status m1::allSucceeded(Transport &Ranks, const absl::Status &Own) {
  return judge(Ranks, std::string(Own.message()),
               [](const std::vector<std::string> &All) {
                 const RanksOfValues Sorted = sortByValue(All);
                 std::string Text;
                 for (const auto &[Message, Of] : Sorted) {
                   if (Message.empty())
                     continue;
                   if (Of.size() == All.size())
                     return Message;
                   Text += concat(Text.empty() ? "" : "; ", describeRanks(Of),
                                  ": ", Message);
                 }
                 return Text;
               });
}

absl::Status m1::checkFacts(Transport &Ranks,
                            const std::vector<StartFact> &Own) {
  std::vector<std::string> Strings;
  for (const StartFact &Fact : Own) {
    Strings.push_back(Fact.Name);
    Strings.push_back(Fact.Value);
  }
  return judge(Ranks, pack(Strings), differences);
}

absl::Status m1::checkDistinct(Transport &Ranks, const std::string &Own) {
  return judge(Ranks, Own, [](const std::vector<std::string> &All) {
    for (const auto &[Name, Of] : sortByValue(All))
      if (!Name.empty() && Of.size() > 1)
        return concat(describeRanks(Of), " have the same ", Name);
    return std::string();
  });
}

absl::Status m1::checkRankCount(const LoadedPlan &Plan, int Count) {
  const int64_t Expected = rankCount(*Plan);
  if (Count == Expected)
    return absl::OkStatus();
  const std::string Found =
      Count == 1 ? std::string("found one") : concat("found ", Count);
  if (Expected == 1)
    return makeError(Plan.name(), ": compiled for one rank, ", Found,
                     "; start it without mpirun, or compile it for a mesh");
  return makeError(Plan.name(), ": compiled for ", Expected, " ranks (",
                   describeMesh(*Plan), "), ", Found,
                   "; start it with mpirun -n ", Expected);
}
