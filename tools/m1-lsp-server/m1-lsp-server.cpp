//===- m1-lsp-server.cpp - the dialects in an editor ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's language server with this project's dialects. It has no hook for
// hovers, so it runs in a child process, and the parent adds the documentation
// of ops to its messages.
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Register.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "runtime/support/Process.h"
#include "tools/CommandLine.h"
#include "tools/m1-lsp-server/Documentation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/WithColor.h"
#include <cerrno>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

static int serve(int Argc, char **Argv) {
  m1::hideRegisteredOptions(); // the language server adds its own later
  m1::setVersionPrinter("m1-lsp-server");
  mlir::DialectRegistry Registry;
  m1::registerDialects(Registry);
  return mlir::failed(mlir::MlirLspServerMain(Argc, Argv, Registry));
}

int main(int Argc, char **Argv) {
  m1::prepareProcess();
  int Pipe[2];
  pid_t Child = -1;
  if (::pipe(Pipe) == 0)
    Child = ::fork();
  if (Child < 0) {
    llvm::WithColor::error(llvm::errs(), "m1-lsp-server")
        << "cannot start the server: " << std::strerror(errno) << '\n';
    return 1;
  }
  if (Child == 0) {
    ::dup2(Pipe[1], STDOUT_FILENO);
    ::close(Pipe[0]);
    ::close(Pipe[1]);
    return serve(Argc, Argv);
  }
  ::close(Pipe[1]);
  m1::addDocumentation(Pipe[0], STDOUT_FILENO);
  int Status = 0;
  ::waitpid(Child, &Status, 0);
  return WIFEXITED(Status) ? WEXITSTATUS(Status) : 1;
}
