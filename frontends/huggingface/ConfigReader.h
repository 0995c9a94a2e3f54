//===- ConfigReader.h - reads the keys of a config.json ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_FRONTENDS_HUGGINGFACE_CONFIGREADER_H
#define M1C_FRONTENDS_HUGGINGFACE_CONFIGREADER_H

#include "frontends/huggingface/Config.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace m1::huggingface {

// Limits that no model reaches, small enough that the number of elements of a
// tensor does not overflow an int64.
constexpr int64_t MaxSize = int64_t(1) << 22;
constexpr int64_t MaxCount = int64_t(1) << 16;
constexpr int64_t MaxInt32 = std::numeric_limits<int32_t>::max();

/// Reads the keys of one config.json. The first error is kept, and values read
/// after it are arbitrary, so that callers need no error handling for each key.
/// Callers must check takeError() before they use the values.
///
/// Remembers the keys that were asked for: others have no effect.
class ConfigReader {
public:
  using json = nlohmann::json;

  ConfigReader(llvm::StringRef File, const json &Object)
      : File(File), Object(Object) {}

  /// "FILE: KEY is FOUND, expected EXPECTED".
  void fail(llvm::StringRef Key, const llvm::Twine &Found,
            const llvm::Twine &Expected);
  void warn(const llvm::Twine &Message);

  bool failed() const { return !Message.empty(); }
  llvm::Error takeError();
  /// One line each, with the file.
  std::vector<std::string> takeWarnings() { return std::move(Warnings); }

  /// The value of a key; nullptr if the key is missing or its value is null.
  const json *find(llvm::StringRef Key);
  bool contains(llvm::StringRef Key);

  /// An integer in [Min, Max]. A missing key has the value Default; without a
  /// Default it is an error.
  int64_t integer(llvm::StringRef Key, int64_t Min, int64_t Max,
                  std::optional<int64_t> Default = std::nullopt);
  /// A finite number.
  double number(llvm::StringRef Key, double Default);
  double number(llvm::StringRef Key, const json &Value);
  /// A number above 0.
  double positive(llvm::StringRef Key, double Default);
  double positive(llvm::StringRef Key, const json &Value);
  bool boolean(llvm::StringRef Key, bool Default);

  /// The keys that were not asked for, in alphabetical order, and their values.
  std::vector<std::pair<std::string, const json *>> unusedKeys() const;

  /// A value for an error message, in one line of limited length.
  static std::string shorten(const json &Value);

private:
  llvm::StringRef File;
  const json &Object;
  std::string Message;
  std::vector<std::string> Warnings;
  llvm::StringSet<> Used;
};

/// Reads theta and the number of components that rotate (ConfigRotary.cpp).
/// The heads and the kinds of layers must be known.
void readRotary(ConfigReader &R, Config &C);

/// Warns about keys that were not asked for and may have been meant to change
/// the result (ConfigKeys.cpp).
void warnUnused(ConfigReader &R, const Config &C);

} // namespace m1::huggingface

#endif // M1C_FRONTENDS_HUGGINGFACE_CONFIGREADER_H
