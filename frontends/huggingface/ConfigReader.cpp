//===- ConfigReader.cpp - reads the keys of a config.json -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/ConfigReader.h"

#include "runtime/support/Error.h"
#include <cmath>

using namespace m1::huggingface;
using llvm::StringRef;
using llvm::Twine;
using nlohmann::json;

void ConfigReader::fail(StringRef Key, const Twine &Found,
                        const Twine &Expected) {
  if (Message.empty())
    Message = m1::printable(
        (File + ": " + Key + " is " + Found + ", expected " + Expected).str());
}

void ConfigReader::warn(const Twine &Message) {
  Warnings.push_back(m1::printable((File + ": " + Message).str()));
}

llvm::Error ConfigReader::takeError() {
  if (Message.empty())
    return llvm::Error::success();
  return llvm::createStringError(Message);
}

const json *ConfigReader::find(StringRef Key) {
  Used.insert(Key);
  auto It = Object.find(Key.str());
  return It == Object.end() || It->is_null() ? nullptr : &*It;
}

bool ConfigReader::contains(StringRef Key) {
  Used.insert(Key);
  return Object.contains(Key.str());
}

int64_t ConfigReader::integer(StringRef Key, int64_t Min, int64_t Max,
                              std::optional<int64_t> Default) {
  std::string Range = Min == 1
                          ? "a positive integer"
                          : "an integer of at least " + std::to_string(Min);
  const json *Value = find(Key);
  if (!Value) {
    if (!Default)
      fail(Key, "missing", Range);
    return Default.value_or(Min);
  }
  if (!Value->is_number_integer()) {
    fail(Key, shorten(*Value), Range);
    return Min;
  }
  // A value above the int64 range is stored as uint64.
  bool TooLarge =
      Value->is_number_unsigned() && Value->get<uint64_t>() > uint64_t(Max);
  int64_t Number = TooLarge ? Max : Value->get<int64_t>();
  if (TooLarge || Number > Max)
    fail(Key, shorten(*Value), "at most " + Twine(Max));
  else if (Number < Min)
    fail(Key, shorten(*Value), Range);
  return Number;
}

double ConfigReader::number(StringRef Key, double Default) {
  const json *Value = find(Key);
  return Value ? number(Key, *Value) : Default;
}

double ConfigReader::number(StringRef Key, const json &Value) {
  if (!Value.is_number() || !std::isfinite(Value.get<double>())) {
    fail(Key, shorten(Value), "a number");
    return 1;
  }
  return Value.get<double>();
}

double ConfigReader::positive(StringRef Key, double Default) {
  const json *Value = find(Key);
  return Value ? positive(Key, *Value) : Default;
}

double ConfigReader::positive(StringRef Key, const json &Value) {
  double Number = number(Key, Value);
  if (!(Number > 0))
    fail(Key, shorten(Value), "a positive number");
  return Number;
}

bool ConfigReader::boolean(StringRef Key, bool Default) {
  const json *Value = find(Key);
  if (!Value)
    return Default;
  if (!Value->is_boolean())
    fail(Key, shorten(*Value), "true or false");
  return Value->is_boolean() && Value->get<bool>();
}

std::vector<std::pair<std::string, const json *>>
ConfigReader::unusedKeys() const {
  std::vector<std::pair<std::string, const json *>> Keys;
  for (auto It = Object.begin(); It != Object.end(); ++It)
    if (!Used.contains(It.key()))
      Keys.emplace_back(It.key(), &*It);
  return Keys;
}

std::string ConfigReader::shorten(const json &Value) {
  // The library writes numbers that are not finite as null.
  if (Value.is_number_float() && !std::isfinite(Value.get<double>()))
    return std::isnan(Value.get<double>()) ? "NaN"
           : Value.get<double>() > 0       ? "Infinity"
                                           : "-Infinity";
  std::string Text = Value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (Text.size() > 40)
    Text = Text.substr(0, 37) + "...";
  return Text;
}
