//===- Memory.cpp - the emulated GPU's global memory ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Memory.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

using namespace m1;
using namespace m1::ptx;

std::string ptx::hex(uint64_t Value) {
  char Text[2 + 16 + 1];
  std::snprintf(Text, sizeof(Text), "0x%" PRIx64, Value);
  return Text;
}

//===----------------------------------------------------------------------===//
// Allocations
//===----------------------------------------------------------------------===//

void Allocation::noteRange(uint64_t At, uint64_t Count) {
  if (AllWritten)
    return;
  uint64_t Begin = At - Address, End = Begin + Count;
  while (Begin < End && Begin % 8)
    shadow()[Begin / 8] |= 1u << (Begin % 8), ++Begin;
  while (End > Begin && End % 8)
    --End, shadow()[End / 8] |= 1u << (End % 8);
  if (Begin < End)
    std::memset(shadow() + Begin / 8, 0xFF, (End - Begin) / 8);
}

uint64_t Allocation::firstUnwritten(uint64_t At, uint64_t Count) const {
  uint64_t End = At - Address + Count;
  if (AllWritten)
    return At + Count;
  for (uint64_t Offset = At - Address; Offset < End;) {
    if (Offset % 8 == 0 && Offset + 8 <= End && shadow()[Offset / 8] == 0xFF)
      Offset += 8;
    else if (test(Offset))
      ++Offset;
    else
      return Address + Offset;
  }
  return At + Count;
}

void Allocation::copyWritten(uint64_t To, const Allocation &Source,
                             uint64_t From, uint64_t Count) {
  if (AllWritten)
    return;
  auto Copy = [&](uint64_t I) {
    uint64_t Offset = To - Address + I;
    unsigned char Bit = 1u << (Offset % 8);
    if (Source.test(From - Source.Address + I))
      shadow()[Offset / 8] |= Bit;
    else
      shadow()[Offset / 8] &= ~Bit;
  };
  // Ranges may overlap: read each byte's state before it is overwritten.
  if (To <= From)
    for (uint64_t I = 0; I < Count; ++I)
      Copy(I);
  else
    for (uint64_t I = Count; I-- > 0;)
      Copy(I);
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

static absl::StatusOr<Pages> reserve(uint64_t Bytes) {
  absl::StatusOr<Pages> Result = Pages::allocate(Bytes);
  if (Result.ok())
    return Result;
  return absl::ResourceExhaustedError(
      concat("ptx: ", std::string(Result.status().message())));
}

absl::StatusOr<uint64_t> GlobalMemory::allocate(uint64_t Bytes, bool Written,
                                                std::string Name) {
  // Like cudaMalloc's, addresses are multiples of 256. Gaps are at least a
  // page, and wide enough to attribute a stray address to an allocation.
  constexpr uint64_t Gap = 4096, Step = 1 << 20, Limit = 1ull << AddressBits;
  if (Bytes > Limit || Next > Limit - Bytes)
    return absl::ResourceExhaustedError(
        concat("ptx: cannot allocate ", Bytes, " bytes of emulated memory"));
  auto New = std::make_unique<Allocation>();
  M1_ASSIGN_OR_RETURN(New->Data, reserve(Bytes));
  if (!Written) {
    M1_ASSIGN_OR_RETURN(New->Shadow, reserve(Bytes / 8 + 2));
  }
  New->Address = Next;
  New->Bytes = Bytes;
  New->AllWritten = Written;
  New->Name = Name.empty() ? concat("allocation ", Number++) : std::move(Name);
  Next += (Bytes + Gap + Step - 1) / Step * Step;
  Live.push_back(std::move(New));
  return Live.back()->Address;
}

absl::Status GlobalMemory::release(uint64_t Address) {
  auto It = std::lower_bound(
      Live.begin(), Live.end(), Address,
      [](const auto &A, uint64_t At) { return A->Address < At; });
  if (It == Live.end() || (*It)->Address != Address)
    return makeError("ptx: cannot release ", hex(Address),
                     ", which is the address of no allocation");
  Gone.push_back({(*It)->Address, (*It)->Bytes, (*It)->Name});
  Live.erase(It);
  return absl::OkStatus();
}

const Allocation *GlobalMemory::find(uint64_t Address) const {
  auto After = std::upper_bound(
      Live.begin(), Live.end(), Address,
      [](uint64_t At, const auto &A) { return At < A->Address; });
  if (After == Live.begin())
    return nullptr;
  const Allocation *Before = std::prev(After)->get();
  return Address - Before->Address < Before->Bytes ? Before : nullptr;
}

std::string GlobalMemory::describe(uint64_t Address) const {
  auto Size = [](const auto &A) { return concat(" (", A.Bytes, " bytes)"); };
  for (const Released &R : Gone)
    if (Address - R.Address < R.Bytes)
      return concat("in ", R.Name, Size(R), ", which was released");
  // An address in the gap after an allocation is an overrun of it; one in the
  // last page before an allocation, an underrun.
  constexpr uint64_t Near = 1 << 20, NearBefore = 4096;
  for (const auto &A : Live)
    if (A->Address - Address <= NearBefore && Address < A->Address)
      return concat(A->Address - Address, " bytes before ", A->Name, Size(*A));
  for (auto A = Live.rbegin(); A != Live.rend(); ++A)
    if (Address >= (*A)->Address &&
        Address - (*A)->Address < (*A)->Bytes + Near)
      return concat(Address - (*A)->Address < (*A)->Bytes ? "in " : "beyond ",
                    (*A)->Name, Size(**A));
  return "outside all allocations";
}

absl::StatusOr<Allocation *> GlobalMemory::range(std::string_view Action,
                                                 uint64_t Address,
                                                 uint64_t Bytes) const {
  const Allocation *Found = find(Address);
  if (!Found || !Found->contains(Address, Bytes))
    return makeError("ptx: cannot ", Action, " ", Bytes, " bytes at ",
                     hex(Address), ", ",
                     describe(Found ? Found->Address + Found->Bytes : Address));
  return const_cast<Allocation *>(Found);
}

absl::Status GlobalMemory::write(uint64_t To, const void *From,
                                 uint64_t Bytes) {
  if (Bytes == 0)
    return absl::OkStatus();
  M1_ASSIGN_OR_RETURN(Allocation * A, range("write", To, Bytes));
  std::memcpy(A->at(To), From, Bytes);
  A->noteRange(To, Bytes);
  return absl::OkStatus();
}

absl::Status GlobalMemory::read(void *To, uint64_t From, uint64_t Bytes) const {
  if (Bytes == 0)
    return absl::OkStatus();
  M1_ASSIGN_OR_RETURN(Allocation * A, range("read", From, Bytes));
  if (uint64_t Bad = A->firstUnwritten(From, Bytes); Bad != From + Bytes)
    return makeError("ptx: cannot read ", Bytes, " bytes at ", hex(From),
                     ": byte ", Bad - A->Address, " of ", A->Name, " (",
                     A->Bytes, " bytes) was never written");
  std::memcpy(To, A->at(From), Bytes);
  return absl::OkStatus();
}

absl::Status GlobalMemory::copy(uint64_t To, uint64_t From, uint64_t Bytes) {
  if (Bytes == 0)
    return absl::OkStatus();
  M1_ASSIGN_OR_RETURN(Allocation * Source, range("copy", From, Bytes));
  M1_ASSIGN_OR_RETURN(Allocation * Target, range("copy", To, Bytes));
  std::memmove(Target->at(To), Source->at(From), Bytes);
  Target->copyWritten(To, *Source, From, Bytes);
  return absl::OkStatus();
}
