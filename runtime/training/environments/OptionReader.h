//===- OptionReader.h - options from a JSON object --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ENVIRONMENTS_OPTIONREADER_H
#define M1C_RUNTIME_TRAINING_ENVIRONMENTS_OPTIONREADER_H

#include "runtime/training/environments/Environment.h"

namespace m1 {

/// Reads an environment's options. Each is declared by the function that reads
/// it. After an error, the functions return defaults, and `finish` the error.
class OptionReader {
public:
  /// `Where` begins all errors. `Object` must outlive the reader.
  OptionReader(std::string Where, const nlohmann::json &Object)
      : Where(std::move(Where)), Object(Object) {}

  /// Declares a member that somebody else reads.
  void skip(const std::string &Name) { Skipped.push_back(Name); }

  int64_t integer(const std::string &Name, int64_t Default, int64_t Min,
                  int64_t Max, const std::string &Description);
  /// Null, and the default, is no value.
  std::optional<int64_t> optionalInteger(const std::string &Name, int64_t Min,
                                         int64_t Max,
                                         const std::string &Description);
  double number(const std::string &Name, double Default, double Min, double Max,
                const std::string &Description);
  bool flag(const std::string &Name, bool Default,
            const std::string &Description);
  /// The empty text, and null, is no value.
  std::string text(const std::string &Name, const std::string &Default,
                   const std::string &Description);
  /// A list of at least one text. It has no default.
  std::vector<std::string> words(const std::string &Name,
                                 const std::string &Description);
  /// Any object.
  nlohmann::json object(const std::string &Name,
                        const std::string &Description);

  /// Reports an error about option `Name`: "... is 3, expected EXPECTED".
  void reject(const std::string &Name, const std::string &Expected);

  /// The first error; an option that nobody declared is one.
  absl::Status finish() const;

  const std::vector<EnvironmentOption> &declared() const { return Declared; }
  /// All options, with their defaults where they were not given.
  const nlohmann::json &values() const { return Values; }

private:
  /// Declares the option; its value, or null if it was not given.
  const nlohmann::json *find(const std::string &Name, nlohmann::json Default,
                             const std::string &Description);

  std::string Where;
  const nlohmann::json &Object;
  std::vector<EnvironmentOption> Declared;
  std::vector<std::string> Skipped;
  nlohmann::json Values = nlohmann::json::object();
  absl::Status Error;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ENVIRONMENTS_OPTIONREADER_H
