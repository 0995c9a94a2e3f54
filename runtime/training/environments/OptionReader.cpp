//===- OptionReader.cpp - options from a JSON object ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/environments/OptionReader.h"

#include "runtime/support/Suggestion.h"

#include <algorithm>
#include <cmath>

using namespace m1;
using nlohmann::json;

namespace {
/// A number as a person writes it: 0.5, not 0.500000.
std::string formatNumber(double Number) { return json(Number).dump(); }

/// The value, cut where it is long.
std::string show(const json &Value) {
  constexpr size_t MaxBytes = 60;
  std::string Text = Value.dump(-1, ' ', false, json::error_handler_t::replace);
  return Text.size() <= MaxBytes ? Text : Text.substr(0, MaxBytes) + "...";
}
} // namespace

const json *OptionReader::find(const std::string &Name, json Default,
                               const std::string &Description) {
  Values[Name] = Default;
  Declared.push_back({Name, std::move(Default), Description});
  auto It = Object.find(Name);
  return It == Object.end() ? nullptr : &*It;
}

void OptionReader::reject(const std::string &Name,
                          const std::string &Expected) {
  auto It = Object.find(Name);
  Error.Update(It == Object.end()
                   ? makeError(Where, ": option '", Name,
                               "' is missing, expected ", Expected)
                   : makeError(Where, ": option '", Name, "' is ", show(*It),
                               ", expected ", Expected));
}

static std::optional<int64_t> asInteger(const json &Value, int64_t Min,
                                        int64_t Max) {
  if (!Value.is_number_integer())
    return std::nullopt;
  if (Value.is_number_unsigned() &&
      Value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  const auto Number = Value.get<int64_t>();
  return Number < Min || Number > Max ? std::nullopt : std::optional(Number);
}

int64_t OptionReader::integer(const std::string &Name, int64_t Default,
                              int64_t Min, int64_t Max,
                              const std::string &Description) {
  const json *Value = find(Name, Default, Description);
  if (!Value)
    return Default;
  std::optional<int64_t> Number = asInteger(*Value, Min, Max);
  if (!Number)
    reject(Name, concat("a whole number from ", Min, " to ", Max));
  else
    Values[Name] = *Number;
  return Number.value_or(Default);
}

std::optional<int64_t>
OptionReader::optionalInteger(const std::string &Name, int64_t Min, int64_t Max,
                              const std::string &Description) {
  const json *Value = find(Name, nullptr, Description);
  if (!Value || Value->is_null())
    return std::nullopt;
  std::optional<int64_t> Number = asInteger(*Value, Min, Max);
  if (!Number)
    reject(Name, concat("a whole number from ", Min, " to ", Max));
  else
    Values[Name] = *Number;
  return Number;
}

double OptionReader::number(const std::string &Name, double Default, double Min,
                            double Max, const std::string &Description) {
  const json *Value = find(Name, Default, Description);
  if (!Value)
    return Default;
  const double Number = Value->is_number() ? Value->get<double>() : NAN;
  if (!(Number >= Min && Number <= Max)) {
    reject(Name, concat("a number from ", formatNumber(Min), " to ",
                        formatNumber(Max)));
    return Default;
  }
  Values[Name] = Number;
  return Number;
}

bool OptionReader::flag(const std::string &Name, bool Default,
                        const std::string &Description) {
  const json *Value = find(Name, Default, Description);
  if (!Value)
    return Default;
  if (!Value->is_boolean()) {
    reject(Name, "true or false");
    return Default;
  }
  Values[Name] = *Value;
  return Value->get<bool>();
}

std::string OptionReader::text(const std::string &Name,
                               const std::string &Default,
                               const std::string &Description) {
  const json *Value =
      find(Name, Default.empty() ? json() : json(Default), Description);
  if (!Value || Value->is_null())
    return Default;
  if (!Value->is_string()) {
    reject(Name, "a string");
    return Default;
  }
  Values[Name] = *Value;
  return Value->get<std::string>();
}

std::vector<std::string> OptionReader::words(const std::string &Name,
                                             const std::string &Description) {
  const json *Value = find(Name, nullptr, Description);
  std::vector<std::string> Words;
  const bool IsList = Value && Value->is_array() && !Value->empty() &&
                      std::all_of(Value->begin(), Value->end(),
                                  [](const json &W) { return W.is_string(); });
  if (!IsList) {
    reject(Name, "a list of strings, at least one");
    return Words;
  }
  Values[Name] = *Value;
  for (const json &Word : *Value)
    Words.push_back(Word.get<std::string>());
  return Words;
}

json OptionReader::object(const std::string &Name,
                          const std::string &Description) {
  const json *Value = find(Name, json::object(), Description);
  if (!Value)
    return json::object();
  if (!Value->is_object()) {
    reject(Name, "an object");
    return json::object();
  }
  Values[Name] = *Value;
  return *Value;
}

absl::Status OptionReader::finish() const {
  // A misspelt option is found even if it leaves a required one missing.
  std::vector<std::string> Names;
  for (const EnvironmentOption &Option : Declared)
    Names.push_back(Option.Name);
  for (const auto &[Name, Value] : Object.items()) {
    auto IsName = [&N = Name](const std::string &Known) { return Known == N; };
    if (std::any_of(Names.begin(), Names.end(), IsName) ||
        std::any_of(Skipped.begin(), Skipped.end(), IsName))
      continue;
    std::string Known;
    for (const std::string &Option : Names)
      Known += (Known.empty() ? "" : ", ") + Option;
    return makeError(Where, ": unknown option '", Name, "'",
                     suggestion(Name, Names), " (options: ", Known, ")");
  }
  return Error;
}
