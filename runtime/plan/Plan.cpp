//===- Plan.cpp - loads plans ---------------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/Plan.h"

#include "runtime/schema/Digest.h"
#include "runtime/schema/Version.h"
#include "runtime/support/File.h"

using namespace m1;

static constexpr size_t MinimumBytes = 16;

static bool isPlan(const void *Data, size_t Bytes) {
  return Bytes >= MinimumBytes && Bytes < FLATBUFFERS_MAX_BUFFER_SIZE &&
         plan::PlanBufferHasIdentifier(Data);
}

absl::StatusOr<std::unique_ptr<LoadedPlan>>
LoadedPlan::load(const std::string &Path) {
  std::unique_ptr<LoadedPlan> Result(new LoadedPlan);
  Result->Name = Path;
  // A large file that is no plan is not read.
  M1_ASSIGN_OR_RETURN(std::string Start, readFileRange(Path, 0, MinimumBytes));
  if (!isPlan(Start.data(), Start.size()))
    return makeError(Path, ": not a plan");
  // Not mapped: what is verified here is what is executed later, whatever
  // happens to the file.
  M1_ASSIGN_OR_RETURN(Result->File,
                      readWholeFile(Path, FLATBUFFERS_MAX_BUFFER_SIZE));
  Result->Bytes = {reinterpret_cast<const uint8_t *>(Result->File.data()),
                   Result->File.size()};
  M1_RETURN_IF_ERROR(Result->open());
  return Result;
}

absl::StatusOr<std::unique_ptr<LoadedPlan>>
LoadedPlan::fromBytes(std::vector<uint8_t> Bytes, const std::string &Name) {
  std::unique_ptr<LoadedPlan> Result(new LoadedPlan);
  Result->Name = Name;
  Result->Memory = std::move(Bytes);
  Result->Bytes = Result->Memory;
  M1_RETURN_IF_ERROR(Result->open());
  return Result;
}

LoadedPlan::~LoadedPlan() = default;

absl::Status LoadedPlan::open() {
  if (!isPlan(Bytes.data(), Bytes.size()))
    return makeError(Name, ": not a plan");
  // A plan has a table per argument of a launch: models of many layers have
  // more than a million, the default limit.
  flatbuffers::Verifier Verifier(Bytes.data(), Bytes.size(), /*max_depth=*/16,
                                 /*max_tables=*/50'000'000);
  if (!plan::VerifyPlanBuffer(Verifier))
    return makeError(Name, ": truncated or damaged: not a well-formed plan");
  Root = plan::GetPlan(Bytes.data());
  if (Root->format_version() != plan::kFormatVersion)
    return makeError(Name, ": plan format ", Root->format_version(),
                     ", this runtime reads ", plan::kFormatVersion,
                     "; compile the model again with this version of m1c");
  const uint8_t *Field = plan::digestField(Bytes.data());
  if (!Field)
    return makeError(Name, ": truncated or damaged: no digest");
  uint64_t Digest = plan::computeDigest(Bytes, Field);
  if (Digest != Root->digest()) {
    char Found[17], Expected[17];
    std::snprintf(Found, sizeof Found, "%016llx",
                  static_cast<unsigned long long>(Digest));
    std::snprintf(Expected, sizeof Expected, "%016llx",
                  static_cast<unsigned long long>(Root->digest()));
    return makeError(Name, ": truncated or damaged: digest ", Found,
                     ", expected ", Expected);
  }
  return verifyPlan(*Root, Name);
}

const plan::Function *LoadedPlan::function(std::string_view Wanted) const {
  if (Root->functions())
    for (const plan::Function *Function : *Root->functions())
      if (view(Function->name()) == Wanted)
        return Function;
  return nullptr;
}
