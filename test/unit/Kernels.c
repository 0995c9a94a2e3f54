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

/* A model with the memory of one that was compiled for serving: a slot has the
   state at the last multiple of `Chunk` tokens and the tokens after it, a block
   of the pool the tokens of `BlockPositions` positions. Both must agree about
   the sequence; where they do not, its logits are others. One cell per
   sequence. args: slots, pool, tokens, positions, cu_seqlens, slots, blocks,
   blocks of a sequence, logits, per_token. */
enum { Chunk = 64, BlockPositions = 16 };
struct serving_slot {
  uint64_t hash;
  int32_t open[Chunk];
};

static uint64_t mix(uint64_t hash, int32_t token) {
  hash = (hash + (uint64_t)(int64_t)token + 1) * 6364136223846793005u + 1;
  return hash ^ hash >> 33;
}

void serving_logits(const uint64_t *args, const int64_t *cell, void *scratch) {
  const int32_t *tokens = (const int32_t *)args[2];
  const int32_t *positions = (const int32_t *)args[3];
  const int32_t *offsets = (const int32_t *)args[4];
  int64_t b = cell[0], columns = (int64_t)args[7];
  struct serving_slot *slot =
      (struct serving_slot *)args[0] + ((const int32_t *)args[5])[b];
  int32_t *pool = (int32_t *)args[1];
  const int32_t *table = (const int32_t *)args[6] + b * columns;
  float *logits = (float *)args[8];
  (void)scratch;
  for (int32_t t = offsets[b]; t < offsets[b + 1]; ++t) {
    const int32_t p = positions[t];
    if (p == 0)
      slot->hash = 0;
    slot->open[p % Chunk] = tokens[t];
    pool[table[p / BlockPositions] * BlockPositions + p % BlockPositions] =
        tokens[t];
    uint64_t of_slot = slot->hash, of_pool = 0;
    for (int32_t i = 0; i <= p % Chunk; ++i)
      of_slot = mix(of_slot, slot->open[i]);
    for (int32_t i = 0; i <= p; ++i)
      of_pool = mix(of_pool, pool[table[i / BlockPositions] * BlockPositions +
                                  i % BlockPositions]);
    if (p % Chunk == Chunk - 1)
      slot->hash = of_slot;
    uint64_t hash = of_slot ^ (of_pool == of_slot ? 0 : ~of_pool * 3 + 1);
    float *row = logits + (args[9] ? t : b) * Vocabulary;
    for (int v = 0; v < Vocabulary; ++v) {
      hash = hash * 6364136223846793005u + 1442695040888963407u;
      row[v] = (float)(int32_t)(hash >> 40) / 4194304.0f - 2.0f;
    }
    /* The most probable token at temperature 0 is never the last one. */
    row[Vocabulary - 1] = -3.0f;
  }
}

/* exp(x) for x <= 0, roughly: no libm. */
static float weight(float x) {
  float base = 1.0f + x / 1024.0f;
  if (base < 0)
    return 0;
  for (int i = 0; i < 10; ++i)
    base *= base;
  return base;
}

/* A draw from adjusted logits, and what stands for log-probabilities of the
   token: its logit, and its adjusted one over the temperature. A logit of the
   token `Vocabulary - 2` that is above 1.9 counts as NaN if min_p is 1. args:
   logits, temperature, seeds, positions, min_p, adjustments, bias, repetition,
   sampled, log_probs, policy_log_probs. One cell per row. */
void serving_draw(const uint64_t *args, const int64_t *cell, void *scratch) {
  const int64_t b = cell[0];
  const float *row = (const float *)args[0] + b * Vocabulary;
  const float temperature = ((const float *)args[1])[b];
  const int32_t adjustment = ((const int32_t *)args[5])[b];
  const float *bias = (const float *)args[6] + adjustment * Vocabulary;
  const float *repetition = (const float *)args[7] + adjustment * Vocabulary;
  float adjusted[Vocabulary], largest, sum = 0;
  int32_t token = 0;
  (void)scratch;
  for (int v = 0; v < Vocabulary; ++v) {
    adjusted[v] = row[v];
    if (adjustment >= 0)
      adjusted[v] =
          (row[v] > 0 ? row[v] / repetition[v] : row[v] * repetition[v]) +
          bias[v];
    if (adjusted[v] > adjusted[token])
      token = v;
  }
  largest = adjusted[token];
  if (temperature > 0) {
    uint64_t hash = ((const uint64_t *)args[2])[b];
    hash =
        (hash + (uint64_t)((const int32_t *)args[3])[b]) * 6364136223846793005u;
    hash = (hash ^ hash >> 29) * 0x9E3779B97F4A7C15u;
    for (int v = 0; v < Vocabulary; ++v)
      sum += weight((adjusted[v] - largest) / temperature);
    float left = sum * (float)(hash >> 40) / 16777216.0f;
    for (token = 0; token < Vocabulary - 1; ++token) {
      left -= weight((adjusted[token] - largest) / temperature);
      if (left < 0)
        break;
    }
    while (weight((adjusted[token] - largest) / temperature) == 0)
      --token;
  }
  ((int32_t *)args[8])[b] = token;
  if (((const float *)args[4])[b] == 1 && row[Vocabulary - 2] > 1.9f)
    ((int32_t *)args[8])[b] = -1 - (Vocabulary - 2);
  ((float *)args[9])[b] = row[token];
  ((float *)args[10])[b] =
      temperature > 0 ? adjusted[token] / temperature : row[token];
}

/* The logits of targets. args: out, logits, targets. One cell per row. */
void serving_targets(const uint64_t *args, const int64_t *cell, void *scratch) {
  (void)scratch;
  ((float *)args[0])[cell[0]] =
      ((const float *)
           args[1])[cell[0] * Vocabulary + ((const int32_t *)args[2])[cell[0]]];
}
