//===- LoadNccl.cpp - finds NCCL ------------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/nccl/LoadNccl.h"

#include <dlfcn.h>
#include <type_traits>

using namespace m1;
using namespace m1::nccl;

namespace {
/// As ncclGetVersion counts since 2.9. The first with communicators that do not
/// block.
constexpr int kLeastVersion = 21400;

std::string versionText(int Version) {
  return concat(Version / 10000, ".", Version / 100 % 100, ".", Version % 100);
}

absl::Status tooOld(const std::string &Library, std::string_view Found) {
  return makeError(
      "NCCL (", Library, ") ", Found,
      ", expected 2.14 or later, which does not block: a rank that "
      "waits can give up; install a newer libnccl2");
}
} // namespace

/// The library is never unloaded: it has threads of its own.
absl::StatusOr<Api> nccl::loadNccl(const std::string &Library) {
  void *Handle = ::dlopen(Library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!Handle)
    return makeError("several GPUs need NCCL, which is not on this machine: ",
                     ::dlerror(), "; install libnccl2");
  Api Nccl;
  const char *Missing = nullptr;
  auto find = [&](auto &Member, const char *Symbol) {
    Member = reinterpret_cast<std::remove_reference_t<decltype(Member)>>(
        ::dlsym(Handle, Symbol));
    if (!Member && !Missing)
      Missing = Symbol;
  };
#define M1_NCCL_FIND(Member, Symbol, ResultType, Parameters)                   \
  find(Nccl.Member, #Symbol);
  M1_NCCL_FUNCTIONS(M1_NCCL_FIND)
#undef M1_NCCL_FIND
  int Version = 0;
  if (Nccl.GetVersion && Nccl.GetVersion(&Version) == kSuccess &&
      Version < kLeastVersion)
    return tooOld(Library, "is version " + versionText(Version));
  if (Missing)
    return tooOld(Library, concat("has no ", Missing));
  return Nccl;
}
