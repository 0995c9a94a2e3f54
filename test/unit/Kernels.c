/*===- Kernels.c - kernels for the runtime's tests ----------------*- C -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Built into a shared object that the tests put into their plans, as m1c does
// with the code it generates.
//
//===----------------------------------------------------------------------===*/

#include <stdint.h>

enum { Vocabulary = 16 };

/* out[x] = a[x] + scale * b[x]; one cell per element. */
void add_scaled(const uint64_t *args, const int64_t *cell, void *scratch) {
  float *out = (float *)args[0];
  const float *a = (const float *)args[1], *b = (const float *)args[2];
  (void)scratch;
  out[cell[0]] = a[cell[0]] + (float)(int64_t)args[3] * b[cell[0]];
}

/* out[z][y][x] = 100 z + 10 y + x on a grid of x, y, z; args: out, nx, ny. Goes
   through the scratch memory, which must be private to the thread. */
void coordinates(const uint64_t *args, const int64_t *cell, void *scratch) {
  volatile int32_t *mine = (volatile int32_t *)scratch;
  int64_t nx = args[1], ny = args[2];
  *mine = (int32_t)(100 * cell[2] + 10 * cell[1] + cell[0]);
  ((int32_t *)args[0])[(cell[2] * ny + cell[1]) * nx + cell[0]] = *mine;
}

/* out[-1] = 1: out of bounds. */
void store_before(const uint64_t *args, const int64_t *cell, void *scratch) {
  (void)cell;
  (void)scratch;
  ((int32_t *)args[0])[-1] = 1;
}

/* counter[0] += step: persistent state. */
void accumulate(const uint64_t *args, const int64_t *cell, void *scratch) {
  (void)cell;
  (void)scratch;
  *(int64_t *)args[0] += (int64_t)args[1];
}

/* The model of the scheduler's tests. Each slot's state is a running hash of
   the tokens it was fed; position 0 restarts it. One cell per sequence. args:
   state, tokens, positions, cu_seqlens, slots, logits, per_token. With
   per_token, logits[t] for every token t, otherwise one row per sequence. The
   most probable token, hash % Vocabulary, has the logit 4, others 0. */
void model_logits(const uint64_t *args, const int64_t *cell, void *scratch) {
  uint64_t *state = (uint64_t *)args[0];
  const int32_t *tokens = (const int32_t *)args[1];
  const int32_t *positions = (const int32_t *)args[2];
  const int32_t *offsets = (const int32_t *)args[3];
  const int32_t *slots = (const int32_t *)args[4];
  float *logits = (float *)args[5];
  int64_t b = cell[0];
  uint64_t *hash = &state[2 * slots[b]], *fed = &state[2 * slots[b] + 1];
  (void)scratch;
  for (int32_t t = offsets[b]; t < offsets[b + 1]; ++t) {
    if (positions[t] == 0)
      *hash = *fed = 0;
    /* A token out of order corrupts the hash, so that a test fails. */
    if ((uint64_t)positions[t] != *fed)
      *hash += 0x9E3779B97F4A7C15u;
    *hash = (*hash + (uint64_t)tokens[t] + 1) * 6364136223846793005u + 1;
    *hash ^= *hash >> 33;
    ++*fed;
    float *row = logits + (args[6] ? t : b) * Vocabulary;
    for (int v = 0; v < Vocabulary; ++v)
      row[v] = 0;
    row[*hash % Vocabulary] = 4;
  }
}

/* The most probable token at temperature 0; otherwise any, by seed and
   position.
   args: logits, temperature, seeds, positions, sampled. One cell per row. */
void model_sample(const uint64_t *args, const int64_t *cell, void *scratch) {
  const float *row = (const float *)args[0] + cell[0] * Vocabulary;
  uint64_t hash = ((const uint64_t *)args[2])[cell[0]];
  int32_t token = 0;
  (void)scratch;
  hash = (hash + (uint64_t)((const int32_t *)args[3])[cell[0]]) *
         6364136223846793005u;
  hash = (hash ^ hash >> 29) * 0x9E3779B97F4A7C15u;
  if (((const float *)args[1])[cell[0]] != 0)
    token = (int32_t)((hash >> 33) % Vocabulary);
  else
    while (row[token] == 0)
      ++token;
  ((int32_t *)args[4])[cell[0]] = token;
}

/* log softmax of one row at one token, for logits of 0 and one 4: no libm.
   args: out, logits, targets. One cell per row. */
void model_log_probs(const uint64_t *args, const int64_t *cell, void *scratch) {
  const float *row = (const float *)args[1] + cell[0] * Vocabulary;
  const float log_sum = 4.2427380f; /* log(e^4 + 15) */
  (void)scratch;
  ((float *)args[0])[cell[0]] =
      row[((const int32_t *)args[2])[cell[0]]] - log_sum;
}
