//===- RecipeDifference.cpp - what changed in a recipe --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/RecipeDifference.h"

#include <algorithm>
#include <set>

using namespace m1;
using nlohmann::json;

/// The value of a key for a message; at most some 60 bytes.
static std::string show(const json *Value) {
  if (!Value)
    return "no value";
  std::string Text = Value->dump(-1, ' ', /*ensure_ascii=*/true,
                                 json::error_handler_t::replace);
  if (Text.size() > 60)
    Text = Text.substr(0, 57) + "...";
  return Text;
}

static absl::Status compare(const std::string &Run, const std::string &Key,
                            const json *Then, const json *Now,
                            std::span<const std::string> MayChange) {
  if (std::find(MayChange.begin(), MayChange.end(), Key) != MayChange.end())
    return absl::OkStatus();
  if (!Then || !Now || !Then->is_object() || !Now->is_object()) {
    if (Then && Now && *Then == *Now)
      return absl::OkStatus();
    return makeError(Run, ": the run has another recipe: it has ", show(Then),
                     " for '", Key, "', now it is ", show(Now));
  }
  std::set<std::string> Names;
  for (const json *Object : {Then, Now})
    for (const auto &[Name, Value] : Object->items())
      Names.insert(Name);
  auto Member = [](const json &Object, const std::string &Name) {
    auto Found = Object.find(Name);
    return Found == Object.end() ? nullptr : &*Found;
  };
  for (const std::string &Name : Names)
    M1_RETURN_IF_ERROR(compare(Run, Key.empty() ? Name : Key + "." + Name,
                               Member(*Then, Name), Member(*Now, Name),
                               MayChange));
  return absl::OkStatus();
}

absl::Status m1::compareRecipes(const std::string &Run, const json &Then,
                                const json &Now,
                                std::span<const std::string> MayChange) {
  return compare(Run, "", &Then, &Now, MayChange);
}
