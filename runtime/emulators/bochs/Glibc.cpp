//===- Glibc.cpp - functions of a newer glibc for Bochs -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// bochscpu-python declares glibc 2.28 but refers to two functions of 2.38: the
// C23 variants, which also accept binary literals. Bochs parses none.
//
//===----------------------------------------------------------------------===//

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#if !__GLIBC_PREREQ(2, 38)
extern "C" unsigned long long __isoc23_strtoull(const char *Text, char **End,
                                                int Base) {
  return std::strtoull(Text, End, Base);
}

extern "C" int __isoc23_sscanf(const char *Text, const char *Format, ...) {
  va_list Arguments;
  va_start(Arguments, Format);
  int Count = std::vsscanf(Text, Format, Arguments);
  va_end(Arguments);
  return Count;
}
#endif
