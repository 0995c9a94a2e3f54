//===- Target.cpp - what every fuzz target shares -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Target.h"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

using namespace m1::fuzz;

void m1::fuzz::require(bool Holds, std::string_view Property) {
  if (Holds)
    return;
  std::fprintf(stderr, "violated: %.*s\n", static_cast<int>(Property.size()),
               Property.data());
  std::abort();
}

Scratch::Scratch() {
  // mkdtemp replaces the last six characters.
  std::string Template =
      (std::filesystem::temp_directory_path() / "m1-fuzz-").string() +
      std::string(6, 'X');
  const char *Made = ::mkdtemp(Template.data());
  require(Made, "a temporary directory can be made");
  Root = Made;
}

Scratch::~Scratch() {
  std::error_code Ignored;
  std::filesystem::remove_all(Root, Ignored);
}

std::string Scratch::path(std::string_view Name) const {
  return Name.empty() ? Root : Root + "/" + std::string(Name);
}

std::string Scratch::write(std::string_view Name, std::string_view Contents,
                           uint64_t Bytes) const {
  std::string Path = path(Name);
  int File = ::open(Path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  ssize_t Written = ::write(File, Contents.data(), Contents.size());
  require(Written == static_cast<ssize_t>(Contents.size()) &&
              (Bytes <= Contents.size() || ::ftruncate(File, Bytes) == 0),
          "a scratch file can be written");
  ::close(File);
  return Path;
}
