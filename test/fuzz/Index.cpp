//===- Index.cpp - fuzzes the index of a checkpoint -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Target.h"

#include "runtime/weights/Checkpoint.h"

using namespace m1;

namespace {
/// A safetensors file with one tensor of this name, four bytes.
std::string fileWith(const std::string &Name) {
  std::string Header = "{\"" + Name +
                       "\":{\"dtype\":\"F32\",\"shape\":[1],"
                       "\"data_offsets\":[0,4]}}";
  std::string Result(8, '\0');
  Result[0] = static_cast<char>(Header.size());
  return Result + Header + "1234";
}

/// A directory with two files: tensor "a" in a.safetensors, "b" in
/// b.safetensors.
struct TwoFiles : fuzz::Scratch {
  TwoFiles() {
    write("a.safetensors", fileWith("a"));
    write("b.safetensors", fileWith("b"));
  }
};
} // namespace

/// The input is the model.safetensors.index.json of a checkpoint.
bool fuzz::runInput(std::span<const uint8_t> Input) {
  static const TwoFiles Directory;
  std::string Path =
      Directory.write("model.safetensors.index.json", textOf(Input));
  auto Index = readSafetensorsIndex(Path);
  absl::StatusOr<std::unique_ptr<Checkpoint>> Opened =
      Checkpoint::open(Directory.path(""));
  require(Index.ok() || !Opened.ok(), "a checkpoint's index is well-formed");
  if (Opened.ok())
    require((*Opened)->tensors().size() == Index->size(),
            "a checkpoint has the tensors of its index");
  return Index.ok();
}
