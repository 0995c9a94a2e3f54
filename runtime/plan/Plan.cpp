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

absl::StatusOr<std::unique_ptr<LoadedPlan>>
LoadedPlan::load(const std::string &Path) {
  std::unique_ptr<LoadedPlan> Result(new LoadedPlan);
  Result->Name = Path;
  M1_ASSIGN_OR_RETURN(Result->File, MappedFile::open(Path));
  std::span<const std::byte> Bytes = Result->File->bytes();
  Result->Bytes = {reinterpret_cast<const uint8_t *>(Bytes.data()),
                   Bytes.size()};
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
  constexpr size_t MinimumBytes = 16;
  if (Bytes.size() < MinimumBytes ||
      Bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE ||
      !plan::PlanBufferHasIdentifier(Bytes.data()))
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
