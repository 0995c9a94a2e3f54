// What a target must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{C1: expected at least one register, found 0}}
module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 0>} {}

// -----

// expected-error@+1 {{C2: expected a power of two as lanes of a cpu, found 0}}
module attributes {tile.target = #tile.target<cpu "x86-64-v3", registers = 16>} {}

// -----

// expected-error@+1 {{C2: expected a power of two as lanes of a cpu, found 12}}
module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 12, registers = 16>} {}

// -----

// expected-error@+1 {{C2: expected no lanes for a gpu, found 8}}
module attributes {tile.target = #tile.target<gpu "sm_80", lanes = 8, registers = 255, shared = 1024>} {}

// -----

// expected-error@+1 {{C3: expected no shared memory for a cpu, found 1024}}
module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 16, shared = 1024>} {}

// -----

// expected-error@+1 {{C3: expected at least one byte of shared memory for a gpu, found 0}}
module attributes {tile.target = #tile.target<gpu "sm_80", registers = 255>} {}

// -----

// expected-error@+1 {{C4: expected a matrix unit of a cpu, found #tile.mma}}
module attributes {tile.target = #tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.mma>} {}

// -----

// expected-error@+1 {{expected a #tile.target as tile.target, found "sm_80"}}
module attributes {tile.target = "sm_80"} {}

// -----

// expected-error@+1 {{'tile.kernel' op has the attribute tile.target, expected it on a module}}
tile.kernel @k(%x: index, %y: index, %z: index) attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 16>} {
  tile.return
}
