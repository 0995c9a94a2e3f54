//===- HashFiles.cpp - hashes the files of a checkpoint -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/weights/HashFiles.h"

#include "runtime/weights/Checkpoint.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <thread>
#include <tuple>
#include <unistd.h>

// Linked statically, the low-level functions take 25 KB, and their replacement
// 4 MB.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace m1;

namespace {
/// Bytes per read: enough for the full speed of a disk, and few enough to stay
/// in the cache between the hashes.
constexpr size_t BufferBytes = 1 << 20;
/// Small tensors that follow each other are one task of about this size.
constexpr uint64_t TaskBytes = 64 << 20;

/// A part of a file that one thread hashes.
struct Task {
  uint32_t File;
  uint64_t Begin, End;
  /// Which of HashRun::Order to hash.
  size_t FirstTensor, LastTensor;
  bool Sha256;
};

class HashRun {
public:
  HashRun(const Checkpoint &Weights, const HashOptions &Options)
      : Weights(Weights), Options(Options) {}

  absl::Status plan(bool Tensors, const std::vector<bool> &Sha256);
  absl::StatusOr<FileHashes> run();

private:
  struct Ordered {
    const TensorInfo *Tensor;
    size_t Number; ///< in Checkpoint::tensors()
  };

  void work(std::vector<char> &Buffer);
  absl::Status hash(const Task &T, std::vector<char> &Buffer);
  void wait();
  bool isCancelled() const { return Options.Cancelled && Options.Cancelled(); }

  const Checkpoint &Weights;
  const HashOptions &Options;
  std::vector<Ordered> Order; ///< by file and offset
  std::vector<Task> Tasks;
  uint64_t Total = 0;
  FileHashes Result;

  std::atomic<size_t> Next{0};
  std::atomic<uint64_t> Done{0};
  std::atomic<bool> Stop{false};
  std::mutex Mutex;
  std::condition_variable Finished;
  unsigned Running = 0; ///< under Mutex, as is Status
  absl::Status Status;
};

absl::Status HashRun::plan(bool Tensors, const std::vector<bool> &Sha256) {
  size_t Number = 0;
  for (const auto &[Name, Tensor] : Weights.tensors())
    Order.push_back({&Tensor, Number++});
  std::sort(Order.begin(), Order.end(), [](const Ordered &A, const Ordered &B) {
    return std::tie(A.Tensor->File, A.Tensor->Offset, A.Tensor->Bytes) <
           std::tie(B.Tensor->File, B.Tensor->Offset, B.Tensor->Bytes);
  });
  Result.Tensors.resize(Order.size());
  Result.Sha256.resize(Weights.files().size());
  size_t First = 0;
  for (uint32_t File = 0; File < Weights.files().size(); ++File) {
    size_t Last = First;
    while (Last < Order.size() && Order[Last].Tensor->File == File)
      ++Last;
    if (Sha256[File]) {
      struct stat Stat;
      if (::stat(Weights.files()[File].c_str(), &Stat) != 0)
        return makeError("cannot open ", Weights.files()[File], ": ",
                         std::strerror(errno));
      Tasks.push_back({File, 0, static_cast<uint64_t>(Stat.st_size), First,
                       Tensors ? Last : First, true});
    } else if (Tensors) {
      for (size_t Begin = First, End; Begin < Last; Begin = End) {
        uint64_t Offset = Order[Begin].Tensor->Offset, Stop = Offset;
        for (End = Begin; End < Last && Stop - Offset < TaskBytes; ++End)
          Stop = Order[End].Tensor->Offset + Order[End].Tensor->Bytes;
        Tasks.push_back({File, Offset, Stop, Begin, End, false});
      }
    }
    First = Last;
  }
  for (const Task &T : Tasks)
    Total += T.End - T.Begin;
  // Whole files take longest.
  std::sort(Tasks.begin(), Tasks.end(), [](const Task &A, const Task &B) {
    return std::make_tuple(!A.Sha256, A.File, A.Begin) <
           std::make_tuple(!B.Sha256, B.File, B.Begin);
  });
  return absl::OkStatus();
}

absl::Status HashRun::hash(const Task &T, std::vector<char> &Buffer) {
  const std::string &Path = Weights.files()[T.File];
  struct Closer {
    int Descriptor;
    ~Closer() {
      if (Descriptor >= 0)
        ::close(Descriptor);
    }
  } File{::open(Path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (File.Descriptor < 0)
    return makeError("cannot open ", Path, ": ", std::strerror(errno));
  ::posix_fadvise(File.Descriptor, T.Begin, T.End - T.Begin,
                  POSIX_FADV_SEQUENTIAL);
  SHA256_CTX Sha;
  SHA256_Init(&Sha);
  XXH3_state_t State;
  XXH3_128bits_reset(&State);
  size_t Current = T.FirstTensor;
  // Hashes the bytes [Begin, End) of the file, and ends tensors that they end.
  auto Feed = [&](const char *Data, uint64_t Begin, uint64_t End) {
    for (; Current < T.LastTensor; ++Current) {
      const TensorInfo &Tensor = *Order[Current].Tensor;
      uint64_t From = std::max(Begin, Tensor.Offset);
      uint64_t To = std::min(End, Tensor.Offset + Tensor.Bytes);
      if (From < To)
        XXH3_128bits_update(&State, Data + (From - Begin), To - From);
      if (Tensor.Offset + Tensor.Bytes > End)
        return;
      XXH128_hash_t Hash = XXH3_128bits_digest(&State);
      Result.Tensors[Order[Current].Number] = {Hash.high64, Hash.low64};
      XXH3_128bits_reset(&State);
    }
  };
  for (uint64_t Offset = T.Begin; Offset < T.End && !Stop;) {
    ssize_t Count =
        ::pread(File.Descriptor, Buffer.data(),
                std::min<uint64_t>(Buffer.size(), T.End - Offset), Offset);
    if (Count < 0 && errno == EINTR)
      continue;
    if (Count < 0)
      return makeError("cannot read ", Path, ": ", std::strerror(errno));
    if (Count == 0)
      return makeError(Path, ": the file became shorter since its header was "
                             "read");
    if (T.Sha256)
      SHA256_Update(&Sha, Buffer.data(), Count);
    Feed(Buffer.data(), Offset, Offset + Count);
    Offset += Count;
    Done += Count;
  }
  Feed(nullptr, T.End, T.End); // empty tensors at the end
  if (T.Sha256) {
    unsigned char Bytes[SHA256_DIGEST_LENGTH];
    SHA256_Final(Bytes, &Sha);
    const char Digits[] = "0123456789abcdef";
    for (unsigned char Byte : Bytes) {
      Result.Sha256[T.File] += Digits[Byte >> 4];
      Result.Sha256[T.File] += Digits[Byte & 15];
    }
  }
  return absl::OkStatus();
}

void HashRun::work(std::vector<char> &Buffer) {
  absl::Status Mine;
  for (size_t I; Mine.ok() && !Stop && (I = Next++) < Tasks.size();)
    Mine = hash(Tasks[I], Buffer);
  std::lock_guard<std::mutex> Lock(Mutex);
  Status.Update(Mine);
  if (!Mine.ok())
    Stop = true;
  --Running;
  Finished.notify_one();
}

/// Waits until no thread runs; reports progress and stops them if cancelled.
void HashRun::wait() {
  std::unique_lock<std::mutex> Lock(Mutex);
  while (Running > 0) {
    Finished.wait_for(Lock, std::chrono::milliseconds(100));
    if (Options.Progress)
      Options.Progress(Done, Total);
    if (isCancelled()) {
      Stop = true;
      Status.Update(absl::CancelledError("interrupted"));
    }
  }
}

absl::StatusOr<FileHashes> HashRun::run() {
  unsigned Count =
      Options.Threads ? Options.Threads : std::thread::hardware_concurrency();
  Count = std::clamp<size_t>(Count, 1, std::max<size_t>(Tasks.size(), 1));
  if (isCancelled())
    return absl::CancelledError("interrupted");
  // Threads allocate nothing.
  std::vector<std::vector<char>> Buffers(Count, std::vector<char>(BufferBytes));
  for (std::string &Sha256 : Result.Sha256)
    Sha256.reserve(2 * SHA256_DIGEST_LENGTH);
  std::vector<std::thread> Threads;
  Threads.reserve(Count);
  for (std::vector<char> &Buffer : Buffers) {
    {
      std::lock_guard<std::mutex> Lock(Mutex);
      ++Running;
    }
    try {
      Threads.emplace_back([&] { work(Buffer); });
    } catch (const std::exception &) {
      // No thread or no memory for it: those that there are do the work.
      if (Threads.empty())
        work(Buffer);
      else {
        std::lock_guard<std::mutex> Lock(Mutex);
        --Running;
      }
      break;
    }
  }
  wait();
  for (std::thread &Thread : Threads)
    Thread.join();
  if (!Status.ok())
    return Status;
  if (Options.Progress)
    Options.Progress(Total, Total);
  return std::move(Result);
}
} // namespace

absl::StatusOr<FileHashes> m1::hashFiles(const Checkpoint &Weights,
                                         bool Tensors,
                                         const std::vector<bool> &Sha256,
                                         const HashOptions &Options) {
  HashRun Run(Weights, Options);
  M1_RETURN_IF_ERROR(Run.plan(Tensors, Sha256));
  return Run.run();
}
