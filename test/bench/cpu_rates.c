/*===- cpu_rates.c - what this CPU can do at most
--------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

  clang-19 -O3 -march=native test/bench/cpu_rates.c -o cpu_rates -lpthread
  ./cpu_rates

Measures, for a file of tools/machines, the rate of fused multiplications and
additions of float vectors, of those of AVX512_BF16 if the CPU has them, and of
reading memory, with 1 thread and with 2. Time
is the thread's own (CLOCK_THREAD_CPUTIME_ID), so that other programs disturb
the rate of computing little; of 9 runs, the median counts. */

#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { Runs = 9, MostThreads = 2 };
static const size_t Bytes = (size_t)256 << 20; /* far beyond the caches */
static char *Memory[MostThreads];
static double Rates[MostThreads][Runs];
static pthread_barrier_t Start;
static volatile float Sink;

static double seconds(void) {
  struct timespec Now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &Now);
  return (double)Now.tv_sec + 1e-9 * (double)Now.tv_nsec;
}

/* Reads all of the thread's memory. Returns the number of bytes. */
static double readMemory(long Thread) {
  const char *From = Memory[Thread];
  __m256i Sum[4] = {};
  for (size_t I = 0; I < Bytes; I += 128)
    for (int J = 0; J < 4; ++J)
      Sum[J] = _mm256_add_epi64(
          Sum[J], _mm256_load_si256((const __m256i *)(From + I + 32 * J)));
  Sink = (float)_mm256_extract_epi64(
      _mm256_add_epi64(_mm256_add_epi64(Sum[0], Sum[1]),
                       _mm256_add_epi64(Sum[2], Sum[3])),
      0);
  return (double)Bytes;
}

#ifdef __AVX512F__
typedef __m512 Vector;
#define SET _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define SUM _mm512_reduce_add_ps
#else
typedef __m256 Vector;
#define SET _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define SUM(V) ((V)[0])
#endif

/* Independent chains, as many as hide the latency. Returns the number of
   floating-point operations. */
static double multiply(long Thread) {
  (void)Thread;
  const long Steps = 10000000;
  Vector Chains[16];
  for (int J = 0; J < 16; ++J)
    Chains[J] = SET((float)J);
  Vector Factor = SET(1.0f), Term = SET(1e-9f);
  __asm__ volatile("" : "+v"(Factor), "+v"(Term)); /* no constants */
  for (long I = 0; I < Steps; ++I)
    for (int J = 0; J < 16; ++J) {
      Chains[J] = FMA(Chains[J], Factor, Term);
      __asm__ volatile("" : "+v"(Chains[J]));
    }
  float Sum = 0;
  for (int J = 0; J < 16; ++J)
    Sum += SUM(Chains[J]);
  Sink = Sum;
  return 2.0 * 16 * (double)Steps * (double)(sizeof(Vector) / sizeof(float));
}

#ifdef __AVX512BF16__
/* The same with products of pairs of bfloat16 numbers. */
static double multiplyPairs(long Thread) {
  (void)Thread;
  const long Steps = 10000000;
  __m512 Chains[16];
  for (int J = 0; J < 16; ++J)
    Chains[J] = _mm512_set1_ps((float)J);
  __m512bh Factor = (__m512bh)_mm512_set1_epi16(0x3f80); /* 1 */
  __asm__ volatile("" : "+v"(Factor));                   /* no constant */
  for (long I = 0; I < Steps; ++I)
    for (int J = 0; J < 16; ++J) {
      Chains[J] = _mm512_dpbf16_ps(Chains[J], Factor, Factor);
      __asm__ volatile("" : "+v"(Chains[J]));
    }
  float Sum = 0;
  for (int J = 0; J < 16; ++J)
    Sum += _mm512_reduce_add_ps(Chains[J]);
  Sink = Sum;
  return 4.0 * 16 * (double)Steps * 16;
}
#endif

static double (*Work)(long Thread);

static void *run(void *Number) {
  const long Thread = (long)Number;
  for (int I = 0; I < Runs; ++I) {
    pthread_barrier_wait(&Start);
    const double Before = seconds();
    const double Amount = Work(Thread);
    Rates[Thread][I] = Amount / (seconds() - Before);
  }
  return NULL;
}

static int compare(const void *A, const void *B) {
  const double X = *(const double *)A, Y = *(const double *)B;
  return (X > Y) - (X < Y);
}

static void measure(const char *Name, double (*Of)(long), int Threads) {
  Work = Of;
  pthread_barrier_init(&Start, NULL, (unsigned)Threads);
  pthread_t Started[MostThreads];
  for (long I = 0; I < Threads; ++I)
    pthread_create(&Started[I], NULL, run, (void *)I);
  double Sum = 0;
  for (int I = 0; I < Threads; ++I) {
    pthread_join(Started[I], NULL);
    qsort(Rates[I], Runs, sizeof(double), compare);
    Sum += Rates[I][Runs / 2];
  }
  printf("%-8s %d thread%s %8.2f G/s\n", Name, Threads, Threads > 1 ? "s" : " ",
         Sum / 1e9);
}

int main(void) {
  for (int I = 0; I < MostThreads; ++I) {
    Memory[I] = aligned_alloc(4096, Bytes);
    if (!Memory[I])
      return 1;
    memset(Memory[I], 1, Bytes);
  }
  for (int Threads = 1; Threads <= MostThreads; ++Threads) {
    measure("bytes", readMemory, Threads);
    measure("flop", multiply, Threads);
#ifdef __AVX512BF16__
    measure("bf16", multiplyPairs, Threads);
#endif
  }
  return 0;
}
