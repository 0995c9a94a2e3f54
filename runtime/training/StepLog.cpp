//===- StepLog.cpp - a file with lines for each step ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/StepLog.h"

#include "runtime/support/File.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

using namespace m1;
using nlohmann::json;

/// How a line begins; the step's number and "," or "}" follow.
static constexpr std::string_view LineBegin = "{\"step\":";

absl::StatusOr<std::unique_ptr<StepLog>>
StepLog::open(const std::string &Path) {
  const int Descriptor =
      ::open(Path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (Descriptor < 0)
    return makeError("cannot create ", Path, ": ", std::strerror(errno));
  return std::unique_ptr<StepLog>(new StepLog(Path, Descriptor));
}

StepLog::~StepLog() { ::close(Descriptor); }

absl::Status StepLog::add(int64_t Step, json Fields) {
  Fields.erase("step"); // it comes first, once
  std::string Line = concat(LineBegin, Step);
  const std::string Rest = Fields.dump(-1, ' ', /*ensure_ascii=*/true,
                                       json::error_handler_t::replace);
  Line += Fields.empty() ? "}" : "," + Rest.substr(1);
  Line += '\n';
  struct stat Stat;
  if (::fstat(Descriptor, &Stat) != 0)
    return makeError("cannot write ", Path, ": ", std::strerror(errno));
  for (size_t Done = 0; Done < Line.size();) {
    const ssize_t Count =
        ::write(Descriptor, Line.data() + Done, Line.size() - Done);
    const int Reason = Count == 0 ? ENOSPC : errno;
    if (Count < 0 && Reason == EINTR)
      continue;
    if (Count <= 0) {
      // If the part of a line stays, a resumed run cuts it off.
      [[maybe_unused]] const int Cut = ::ftruncate(Descriptor, Stat.st_size);
      return makeError("cannot write ", Path, ": ", std::strerror(Reason));
    }
    Done += Count;
  }
  return absl::OkStatus();
}

absl::Status StepLog::save() {
  if (::fdatasync(Descriptor) != 0 && errno != EINVAL && errno != ENOSYS)
    return makeError("cannot write ", Path, ": ", std::strerror(errno));
  return absl::OkStatus();
}

/// The step of a line; none if it is not one of such a file.
static std::optional<int64_t> stepOf(std::string_view Line) {
  if (!Line.starts_with(LineBegin))
    return std::nullopt;
  int64_t Step = 0;
  const char *End = Line.data() + Line.size();
  auto [Stop, Code] =
      std::from_chars(Line.data() + LineBegin.size(), End, Step);
  if (Code != std::errc() || Stop == End || (*Stop != ',' && *Stop != '}'))
    return std::nullopt;
  return Step;
}

/// The number of bytes that cutStepLog leaves.
static absl::StatusOr<size_t> findCut(const std::string &Path,
                                      std::string_view Text, int64_t LastStep) {
  size_t End = Text.rfind('\n') + 1; // 0 without a complete line
  while (End > 0) {
    const size_t Begin = End < 2 ? 0 : Text.rfind('\n', End - 2) + 1;
    const std::optional<int64_t> Step =
        stepOf(Text.substr(Begin, End - 1 - Begin));
    if (!Step)
      return makeError(Path, ": the line at byte ", Begin,
                       " does not begin with ", LineBegin, "N");
    if (*Step <= LastStep)
      break;
    End = Begin;
  }
  return End;
}

absl::Status m1::cutStepLog(const std::string &Path, int64_t LastStep) {
  M1_ASSIGN_OR_RETURN(const bool Exists, exists(Path));
  if (!Exists)
    return absl::OkStatus();
  size_t Kept = 0;
  {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> File,
                        MappedFile::open(Path));
    const std::string_view Text(
        reinterpret_cast<const char *>(File->bytes().data()),
        File->bytes().size());
    M1_ASSIGN_OR_RETURN(Kept, findCut(Path, Text, LastStep));
    if (Kept == Text.size())
      return absl::OkStatus();
  }
  if (::truncate(Path.c_str(), static_cast<off_t>(Kept)) != 0)
    return makeError("cannot write ", Path, ": ", std::strerror(errno));
  return absl::OkStatus();
}
