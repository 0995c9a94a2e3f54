// What a module's kernels are compiled for.
// RUN: m1-opt %s -split-input-file | m1-opt -split-input-file | FileCheck %s

// CHECK: module attributes {tile.target = #tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.amx>}
module attributes {tile.target = #tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.amx>} {}

// -----

// CHECK: module attributes {tile.target = #tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.avx512_bf16>}
module attributes {tile.target = #tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.avx512_bf16>} {}

// -----

// CHECK: module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 16>}
module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 16>} {}

// -----

// CHECK: module attributes {tile.target = #tile.target<gpu "sm_80", registers = 255, shared = 166912, unit = #tile.mma>}
module attributes {tile.target = #tile.target<gpu "sm_80", shared = 166912, registers = 255, unit = #tile.mma>} {}
