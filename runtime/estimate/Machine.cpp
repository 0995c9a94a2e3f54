//===- Machine.cpp - what a machine can do at most ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/estimate/Machine.h"

#include "runtime/support/File.h"
#include "runtime/support/Json.h"
#include "runtime/support/Suggestion.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

using namespace m1;
using nlohmann::json;

namespace {
constexpr double Giga = 1e9, Tera = 1e12, Micro = 1e-6;

std::string show(const json &Value) {
  return printable(Value.dump(-1, ' ', true, json::error_handler_t::replace),
                   60);
}

/// Reads the members of one object. After the first error, which `finish`
/// returns, its functions return what they are given.
class Members {
public:
  /// `Prefix` is what names of members begin with in messages: "inside_node.".
  Members(const std::string &Path, std::string Prefix, const json &Object)
      : Path(Path), Prefix(std::move(Prefix)), Object(Object) {}

  /// The member, or null. An error if it is absent and required.
  const json *find(const std::string &Name, bool Required = true) {
    Known.push_back(Name);
    auto Found = Object.find(Name);
    if (Found != Object.end())
      return &*Found;
    if (Required)
      Error.Update(makeError(Path, ": ", Prefix, Name,
                             ": found nothing; expected a value"));
    return nullptr;
  }
  /// A number above 0, or from 0 on, times `Unit`.
  double number(const std::string &Name, double Unit, bool AllowZero = false,
                std::optional<double> Default = std::nullopt) {
    const json *Value = find(Name, !Default);
    if (!Value)
      return Default.value_or(0);
    const double Number = Value->is_number() ? Value->get<double>() : NAN;
    // NaN is in no range.
    if (AllowZero ? Number >= 0 && Number <= Most
                  : Number > 0 && Number <= Most)
      return Number * Unit;
    reject(Name, *Value,
           AllowZero ? "a number of at least 0" : "a number above 0");
    return 0;
  }
  int64_t count(const std::string &Name, std::optional<int64_t> Default) {
    const json *Value = find(Name, !Default);
    if (!Value)
      return Default.value_or(1);
    if (Value->is_number_unsigned() && *Value > 0 && *Value <= 1 << 20)
      return Value->get<int64_t>();
    reject(Name, *Value, "a whole number from 1 to 1048576");
    return 1;
  }
  void reject(const std::string &Name, const json &Found,
              const std::string &Expected) {
    Error.Update(makeError(Path, ": ", Prefix, Name, ": found ", show(Found),
                           "; expected ", Expected));
  }
  /// An unknown key is found even if it leaves a required one missing.
  absl::Status finish() const {
    for (const auto &[Name, Value] : Object.items()) {
      if (std::find(Known.begin(), Known.end(), Name) != Known.end())
        continue;
      // A name that lacks its unit is far from the right one.
      auto Longer = std::find_if(Known.begin(), Known.end(),
                                 [&N = Name](const std::string &Key) {
                                   return Key.starts_with(N + "_");
                                 });
      return makeError(
          Path, ": ", Prefix, printable(Name, 100), ": unknown key",
          Longer == Known.end() ? suggestion(Name, Known)
                                : concat("; did you mean '", *Longer, "'?"));
    }
    return Error;
  }

private:
  static constexpr double Most = 1e12;
  const std::string &Path;
  const std::string Prefix;
  const json &Object;
  std::vector<std::string> Known;
  absl::Status Error;
};

absl::StatusOr<Link> readLink(const std::string &Path, const std::string &Name,
                              const json &Value) {
  if (!Value.is_object())
    return makeError(Path, ": ", Name, ": found ", show(Value),
                     "; expected an object");
  Members Of(Path, Name + ".", Value);
  Link Result;
  Result.BytesPerSecond = Of.number("bandwidth_gb_per_s", Giga);
  Result.Latency = Of.number("latency_us", Micro, /*AllowZero=*/true);
  M1_RETURN_IF_ERROR(Of.finish());
  return Result;
}

/// "bf16" of BF16.
std::string lowered(std::string_view Name) {
  std::string Lower(Name);
  std::transform(Lower.begin(), Lower.end(), Lower.begin(),
                 [](unsigned char C) { return std::tolower(C); });
  return Lower;
}

absl::Status readRates(const std::string &Path, const json &Value, Machine &M) {
  if (!Value.is_object() || Value.empty())
    return makeError(Path, ": tflops: found ", show(Value),
                     "; expected an object with rates by element type");
  Members Of(Path, "tflops.", Value);
  for (ElementType Type : {ElementType::F32, ElementType::BF16,
                           ElementType::F16, ElementType::F64})
    if (double Rate =
            Of.number(lowered(name(Type)), Tera, /*AllowZero=*/false, 0))
      M.OperationsPerSecond[Type] = Rate;
  return Of.finish();
}
} // namespace

absl::Status m1::scale(Machine &M, const std::string &What, double Factor) {
  const std::vector<std::string> Names{"tflops", "memory_bandwidth",
                                       "link_bandwidth", "latency", "launch"};
  if (What == "tflops") {
    for (auto &[Type, Rate] : M.OperationsPerSecond)
      Rate *= Factor;
  } else if (What == "memory_bandwidth") {
    M.MemoryBytesPerSecond *= Factor;
    M.UnitBytesPerSecond *= Factor;
  } else if (What == "link_bandwidth") {
    M.InsideNode.BytesPerSecond *= Factor;
    M.BetweenNodes.BytesPerSecond *= Factor;
  } else if (What == "latency") {
    M.InsideNode.Latency *= Factor;
    M.BetweenNodes.Latency *= Factor;
    M.ExchangeSeconds *= Factor;
  } else if (What == "launch") {
    M.LaunchSeconds *= Factor;
  } else {
    return makeError("--scale ", What, ": unknown name",
                     suggestion(What, Names),
                     " (tflops, memory_bandwidth, link_bandwidth, latency, "
                     "launch)");
  }
  return absl::OkStatus();
}

absl::StatusOr<Machine> m1::parseMachine(std::string_view Text,
                                         const std::string &Path) {
  M1_ASSIGN_OR_RETURN(const json Value, parseJson(Text, Path));
  if (!Value.is_object())
    return makeError(Path, ": expected a JSON object that describes a machine");
  Members Of(Path, "", Value);
  Machine M;
  if (const json *Name = Of.find("name")) {
    if (Name->is_string())
      M.Name = Name->get<std::string>();
    else
      Of.reject("name", *Name, "a string");
  }
  if (const json *Source = Of.find("source")) {
    for (const json &Line :
         Source->is_array() ? *Source : json::array({*Source})) {
      if (Line.is_string())
        M.Sources.push_back(Line.get<std::string>());
      else
        Of.reject("source", Line, "a string");
    }
  }
  M.Nodes = Of.count("nodes", 1);
  M.RanksPerNode = Of.count("ranks_per_node", std::nullopt);
  M.MemoryBytes = Of.number("memory_gib", 1 << 30);
  M.MemoryBytesPerSecond = Of.number("memory_bandwidth_gb_per_s", Giga);
  const json *Rates = Of.find("tflops");
  M.Units = Of.count("units", 1);
  M.UnitBytesPerSecond = Of.number("unit_bandwidth_gb_per_s", Giga,
                                   /*AllowZero=*/false, M.MemoryBytesPerSecond);
  M.LaunchSeconds = Of.number("launch_us", Micro, /*AllowZero=*/true);
  // Only machines of several ranks exchange anything.
  const bool HasPeers = M.RanksPerNode > 1, HasNodes = M.Nodes > 1;
  M.ExchangeSeconds =
      Of.number("exchange_us", Micro, /*AllowZero=*/true,
                HasPeers || HasNodes ? std::nullopt : std::optional<double>(0));
  const json *Inside = Of.find("inside_node", HasPeers);
  const json *Between = Of.find("between_nodes", HasNodes);
  M1_RETURN_IF_ERROR(Of.finish());
  M1_RETURN_IF_ERROR(readRates(Path, *Rates, M));
  if (Inside) {
    M1_ASSIGN_OR_RETURN(M.InsideNode, readLink(Path, "inside_node", *Inside));
  }
  if (Between) {
    M1_ASSIGN_OR_RETURN(M.BetweenNodes,
                        readLink(Path, "between_nodes", *Between));
  }
  return M;
}

absl::StatusOr<Machine> m1::readMachine(const std::string &Path) {
  constexpr uint64_t MaxBytes = 1 << 20;
  M1_ASSIGN_OR_RETURN(std::string Text, readWholeFile(Path, MaxBytes));
  return parseMachine(Text, Path);
}

absl::StatusOr<Machine> m1::findMachine(const std::string &Name) {
  std::vector<std::string> Names;
  for (const BuiltInMachine &Each : builtInMachines()) {
    if (Each.Name == Name)
      return parseMachine(Each.Text, Name);
    Names.emplace_back(Each.Name);
  }
  const bool IsPath = Name.find('/') != Name.npos || Name.ends_with(".json");
  if (std::error_code Code; IsPath || std::filesystem::exists(Name, Code))
    return readMachine(Name);
  std::string Known;
  for (const std::string &Each : Names)
    Known += (Known.empty() ? "" : ", ") + Each;
  return makeError("--machine ", Name, ": no such machine",
                   suggestion(Name, Names), " (", Known,
                   ", or the name of a file)");
}
