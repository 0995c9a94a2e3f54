//===- OutputStream.h - LLVM's streams into output files --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_OUTPUTSTREAM_H
#define M1C_TOOLS_OUTPUTSTREAM_H

#include "runtime/support/OutputFile.h"
#include "llvm/Support/raw_ostream.h"

namespace m1 {

/// A stream into a file that appears when it is complete.
class OutputStream : public llvm::raw_ostream {
public:
  static absl::StatusOr<std::unique_ptr<OutputStream>>
  create(const std::string &Path) {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File,
                        OutputFile::create(Path));
    return std::unique_ptr<OutputStream>(new OutputStream(std::move(File)));
  }
  ~OutputStream() override { flush(); }

  /// Call after everything is written. The first error of a write.
  absl::Status close() {
    flush();
    M1_RETURN_IF_ERROR(Written);
    return File->close();
  }
  /// Gives the closed file its name.
  absl::Status commit() { return m1::commit(std::move(File)); }

private:
  explicit OutputStream(std::unique_ptr<OutputFile> File)
      : File(std::move(File)) {}
  void write_impl(const char *Data, size_t Bytes) override {
    Position += Bytes;
    if (Written.ok())
      Written = File->write(Data, Bytes);
  }
  uint64_t current_pos() const override { return Position; }

  std::unique_ptr<OutputFile> File;
  absl::Status Written;
  uint64_t Position = 0;
};

} // namespace m1

#endif // M1C_TOOLS_OUTPUTSTREAM_H
