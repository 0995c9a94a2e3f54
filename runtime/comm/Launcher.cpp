//===- Launcher.cpp - how a process was started ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/Launcher.h"

#include "runtime/comm/mpi/MpiTransport.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>

using namespace m1;

namespace {
/// The variables of a launcher.
struct Variables {
  const char *Size, *Rank, *LocalSize, *LocalRank;
};
constexpr Variables kLaunchers[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_LOCAL_SIZE",
     "MV2_COMM_WORLD_LOCAL_RANK"},
    {"PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS", "MPI_LOCALRANKID"},
    // srun: PMIx has no variable for the number of ranks.
    {"SLURM_STEP_NUM_TASKS", "PMIX_RANK", "SLURM_STEP_TASKS_PER_NODE",
     "SLURM_LOCALID"},
};

std::optional<int> number(const char *Variable) {
  const char *Text = std::getenv(Variable);
  if (!Text)
    return std::nullopt;
  int Value = 0;
  const char *End = Text + std::string_view(Text).size();
  // The number of tasks on each node: "4(x2),3".
  const char *Rest = std::from_chars(Text, End, Value).ptr;
  if (Rest == Text || Value < 0 || (Rest != End && *Rest != '('))
    return std::nullopt;
  return Value;
}
} // namespace

absl::StatusOr<std::optional<LaunchedRank>> m1::launchedRank() {
  for (const Variables &V : kLaunchers) {
    std::optional<int> Size = number(V.Size), Rank = number(V.Rank);
    if (!Size || !Rank)
      continue;
    if (*Size == 1)
      return std::nullopt;
    if (*Rank >= *Size)
      return makeError("the environment says that this is rank ", *Rank, " (",
                       V.Rank, ") of ", *Size, " (", V.Size, ")");
    return LaunchedRank{V.Size, *Rank, *Size,
                        number(V.LocalRank).value_or(*Rank),
                        number(V.LocalSize).value_or(*Size)};
  }
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<Transport>>
m1::joinRanks(const LaunchedRank &Own, const TransportOptions &Options) {
  std::error_code Error;
  const std::filesystem::path Library =
      std::filesystem::read_symlink("/proc/self/exe", Error).parent_path() /
      "libm1-mpi.so";
  const std::string Started =
      concat("started on ", Own.Size, " ranks (", Own.Variable, ")");
  if (!std::filesystem::exists(Library, Error))
    return makeError(Started, ", but ", Library.string(),
                     " is missing: this program was built without MPI; install "
                     "libopenmpi-dev and build it again");
  absl::StatusOr<const mpi::Api *> Mpi = mpi::loadMpi(Library.string());
  if (!Mpi.ok())
    return makeError(Started, ", but ", std::string(Mpi.status().message()));
  mpi::MpiOptions ForMpi;
  ForMpi.Timeout = Options.Timeout;
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Transport> Ranks,
                      mpi::createMpiTransport(**Mpi, ForMpi));
  if (Ranks->size() != Own.Size || Ranks->rank() != Own.Rank)
    return makeError(Started, " as rank ", Own.Rank, ", but ",
                     (*Mpi)->Library(), " says rank ", Ranks->rank(), " of ",
                     Ranks->size(),
                     "; start it with the mpirun of that library");
  return Ranks;
}
