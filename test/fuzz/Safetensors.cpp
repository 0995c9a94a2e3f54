//===- Safetensors.cpp - fuzzes safetensors files -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Target.h"

#include "runtime/weights/Checkpoint.h"

using namespace m1;

/// The input is a checkpoint's only file, model.safetensors.
bool fuzz::runInput(std::span<const uint8_t> Input) {
  static const Scratch Directory;
  std::string Path = Directory.write("model.safetensors", textOf(Input));
  absl::StatusOr<std::vector<TensorInfo>> Header = readSafetensorsHeader(Path);
  absl::StatusOr<std::unique_ptr<Checkpoint>> Opened =
      Checkpoint::open(Directory.path(""));
  require(Header.ok() || !Opened.ok(), "a checkpoint's files are well-formed");
  if (!Opened.ok())
    return false;

  require((*Opened)->tensors().size() == Header->size(),
          "a checkpoint has every tensor of its file");
  for (const auto &[Name, Tensor] : (*Opened)->tensors()) {
    std::optional<int64_t> Count = elementCount(Tensor.Shape);
    require(Count && Tensor.Bytes ==
                         static_cast<uint64_t>(*Count * byteSize(Tensor.Type)),
            "a tensor has the bytes of its shape");
    absl::StatusOr<std::span<const std::byte>> Data = (*Opened)->data(Tensor);
    if (!Data.ok())
      return false;
    require(Data->size() == Tensor.Bytes, "all bytes of a tensor are there");
    unsigned Sum = 0;
    for (std::byte Byte : *Data)
      Sum += static_cast<unsigned>(Byte);
    require(Sum <= 255 * Data->size(), "every byte of a tensor can be read");
    (*Opened)->release(Tensor);
  }
  return true;
}
