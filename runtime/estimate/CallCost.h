//===- CallCost.h - what a call of a plan's function costs ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ESTIMATE_CALLCOST_H
#define M1C_RUNTIME_ESTIMATE_CALLCOST_H

#include "runtime/estimate/Roofline.h"
#include "runtime/plan/Traffic.h"

#include <map>
#include <string>
#include <vector>

namespace m1 {

/// A ragged batch of sequences that are all alike.
struct CallShape {
  int64_t Sequences = 1;
  int64_t Tokens = 1;  ///< of this call, of each sequence
  int64_t Context = 0; ///< tokens of each sequence before this call

  int64_t tokens() const { return Sequences * Tokens; }
  /// A token's keys, the tokens of its sequence up to itself; summed over all
  /// tokens.
  double keys() const;
  /// The keys of each sequence's last token, summed over the sequences.
  double positions() const;
};

/// The sum of terms (plan.fbs), for these values of the plan's symbols.
double sumOf(const flatbuffers::Vector<flatbuffers::Offset<plan::Term>> &Terms,
             const CallShape &Shape, std::span<const int64_t> Symbols);

/// The values of a plan's symbols: B is the number of sequences, R, the rows of
/// sampling rules, and those of the mesh are 0, and every other symbol is the
/// number of tokens. An error if one is above its bound, or if a sequence is
/// longer than the plan allows.
absl::StatusOr<std::vector<int64_t>> symbolsOf(const plan::Plan &Plan,
                                               const CallShape &Shape);

/// The floating-point operations of the products of a call; of the rank with
/// the coordinates 0. Errors as for symbolsOf.
absl::StatusOr<double> operationsOf(const plan::Plan &Plan,
                                    const plan::Function &Function,
                                    const CallShape &Shape);

/// What a memory's bytes are.
struct MovedBytes {
  double Weights = 0; ///< packed ones, and parameters that are read in place
  double States = 0;  ///< that last between calls
  double Activations = 0; ///< and inputs, outputs and constants
  double total() const { return Weights + States + Activations; }
  MovedBytes &operator+=(const MovedBytes &Other);
};

/// Launches of one kernel, or all copies.
struct KernelCost {
  int64_t Launches = 0;
  double Operations = 0;
  MovedBytes Bytes;
  double Seconds = 0;
};

/// A call's sums over its steps; of the rank with the coordinates 0.
struct CallCost {
  int64_t Launches = 0; ///< and copies
  Traffic Sent;
  TrafficByKind SentByKind; ///< the same, by kind and axis
  std::map<ElementType, double> Operations;
  MovedBytes Bytes;
  // Seconds. Launches whose operations take longer than their bytes count as
  // computing, others as moving data.
  double Launch = 0, Compute = 0, Memory = 0;
  double Exchange = 0; ///< nothing else happens at the same time
  std::map<std::string, KernelCost, std::less<>> Kernels;

  double operations() const;
  double seconds() const { return Launch + Compute + Memory + Exchange; }
  /// The largest part of the time: "compute", "memory", "launches" or
  /// "exchanges".
  std::string_view bound() const;
};

/// The cost of a call of `Function`. The device starts a step when the one
/// before has ended. Steps of no cells cost nothing. An error if the machine
/// has fewer ranks than the plan.
absl::StatusOr<CallCost> costOf(const plan::Plan &Plan,
                                const plan::Function &Function,
                                const CallShape &Shape, const Machine &M);

} // namespace m1

#endif // M1C_RUNTIME_ESTIMATE_CALLCOST_H
