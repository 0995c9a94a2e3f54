//===- Module.cpp - the library linked with MPI ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/mpi/MpiApi.h"

#include <cstring>
#include <mpi.h>

using namespace m1::mpi;

namespace {
/// Copies of the world's communicator, so that channels do not meet.
MPI_Comm Channels[2];

const char *text(int Code) {
  if (Code == MPI_SUCCESS)
    return nullptr;
  static char Text[MPI_MAX_ERROR_STRING];
  int Length = 0;
  if (MPI_Error_string(Code, Text, &Length) != MPI_SUCCESS)
    return "unknown error of MPI";
  return Text;
}

MPI_Request load(const Request &From) {
  MPI_Request Result;
  static_assert(sizeof Result <= sizeof From.Handle);
  std::memcpy(&Result, &From.Handle, sizeof Result);
  return Result;
}
void store(Request &To, MPI_Request Value) {
  std::memcpy(&To.Handle, &Value, sizeof Value);
}

const char *library() {
  static char Text[MPI_MAX_LIBRARY_VERSION_STRING];
  int Length = 0;
  if (MPI_Get_library_version(Text, &Length) != MPI_SUCCESS)
    return "MPI";
  Text[std::strcspn(Text, ",\n")] = 0; // what follows is about its build
  return Text;
}

const char *start(int *Rank, int *Size) {
  int Provided = 0;
  if (int Code =
          MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &Provided))
    return text(Code);
  if (Provided < MPI_THREAD_FUNNELED)
    return "the library of MPI supports no process with several threads";
  if (int Code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN))
    return text(Code);
  for (MPI_Comm &Channel : Channels)
    if (int Code = MPI_Comm_dup(MPI_COMM_WORLD, &Channel))
      return text(Code);
  if (int Code = MPI_Comm_rank(MPI_COMM_WORLD, Rank))
    return text(Code);
  return text(MPI_Comm_size(MPI_COMM_WORLD, Size));
}

const char *send(int Channel, int To, int Tag, const void *Data, int Bytes,
                 Request *Pending) {
  MPI_Request Value;
  int Code =
      MPI_Isend(Data, Bytes, MPI_BYTE, To, Tag, Channels[Channel], &Value);
  store(*Pending, Value);
  return text(Code);
}

const char *receive(int Channel, int From, int Tag, void *Data, int Bytes,
                    Request *Pending) {
  MPI_Request Value;
  int Code =
      MPI_Irecv(Data, Bytes, MPI_BYTE, From, Tag, Channels[Channel], &Value);
  store(*Pending, Value);
  return text(Code);
}

const char *test(Request *Pending, bool *IsDone) {
  MPI_Request Value = load(*Pending);
  int Flag = 0;
  int Code = MPI_Test(&Value, &Flag, MPI_STATUS_IGNORE);
  store(*Pending, Value);
  *IsDone = Flag != 0;
  return text(Code);
}

const char *cancel(Request *Pending) {
  MPI_Request Value = load(*Pending);
  if (int Code = MPI_Cancel(&Value))
    return text(Code);
  return text(MPI_Request_free(&Value));
}

const char *probe(int Channel, int From, bool *IsThere, int *Sender, int *Tag,
                  int *Bytes) {
  MPI_Status Status;
  int Flag = 0;
  if (int Code = MPI_Iprobe(From == Api::AnyRank ? MPI_ANY_SOURCE : From,
                            MPI_ANY_TAG, Channels[Channel], &Flag, &Status))
    return text(Code);
  *IsThere = Flag != 0;
  if (!Flag)
    return nullptr;
  *Sender = Status.MPI_SOURCE;
  *Tag = Status.MPI_TAG;
  return text(MPI_Get_count(&Status, MPI_BYTE, Bytes));
}

const char *finish() {
  for (MPI_Comm &Channel : Channels)
    if (int Code = MPI_Comm_free(&Channel))
      return text(Code);
  return text(MPI_Finalize());
}

void abortAll(int ExitCode) { MPI_Abort(MPI_COMM_WORLD, ExitCode); }
} // namespace

extern "C" const Api *m1MpiApi() {
  static const Api Functions = {Api::CurrentVersion,
                                library,
                                start,
                                send,
                                receive,
                                test,
                                cancel,
                                probe,
                                finish,
                                abortAll};
  return &Functions;
}
