// RUN: m1-opt %s --tile-set-target="name=x86-64-v4+amx" | FileCheck %s --check-prefix=AMX
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4+avx512bf16" | FileCheck %s --check-prefix=BF16
// RUN: m1-opt %s --tile-set-target="name=sm_90a" | FileCheck %s --check-prefix=GPU
// RUN: not m1-opt %s --tile-set-target="name=sm_75" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not m1-opt %s --tile-to-host 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not m1-opt %s --tile-set-target="name=sm_80" --tile-to-host 2>&1 | FileCheck %s --check-prefix=KIND

// AMX: tile.target = #tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.amx>
// BF16: tile.target = #tile.target<cpu "x86-64-v4", lanes = 16, registers = 32, unit = #tile.avx512_bf16>
// GPU: tile.target = #tile.target<gpu "sm_90a", registers = 255, shared = 232448, unit = #tile.mma>
// UNKNOWN: error: target: found 'sm_75', expected one of x86-64-v4+amx, x86-64-v3+amx, x86-64-v4+avx512bf16, x86-64-v4, x86-64-v3, sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a
// NONE: error: expected a module with the attribute tile.target, found none; the pass tile-set-target sets it
// KIND: error: expected tile.target to be a cpu, found #tile.target<gpu "sm_80"
tile.kernel @k(%x: index, %y: index, %z: index) {
  tile.return
}
