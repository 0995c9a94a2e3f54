//===- Documentation.cpp - documentation in hovers ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1-lsp-server/Documentation.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <unistd.h>

using namespace llvm;

static constexpr std::pair<StringLiteral, StringLiteral> kDocumentation[] = {
#include "tools/m1-lsp-server/Documentation.inc"
};

StringRef m1::documentationOf(StringRef Op) {
  for (const auto &[Name, Text] : kDocumentation)
    if (Name == Op)
      return Text;
  return {};
}

std::string m1::addDocumentation(StringRef Message) {
  Expected<json::Value> Parsed = json::parse(Message);
  if (!Parsed) {
    consumeError(Parsed.takeError());
    return Message.str();
  }
  json::Object *Part = Parsed->getAsObject();
  for (StringRef Name : {"result", "contents"})
    Part = Part ? Part->getObject(Name) : nullptr;
  std::optional<StringRef> Text =
      Part ? Part->getString("value") : std::nullopt;
  // MLIR's text for an op begins with its name in quotation marks.
  if (!Text || !Text->starts_with("\""))
    return Message.str();
  StringRef Documentation =
      documentationOf(Text->drop_front().split('"').first);
  if (Documentation.empty())
    return Message.str();
  (*Part)["value"] = (*Text + "\n---\n\n" + Documentation).str();
  return formatv("{0}", *Parsed);
}

void m1::addDocumentation(int From, int To) {
  raw_fd_ostream Out(To, /*shouldClose=*/false);
  std::string Buffer;
  // Reads until Buffer holds `Size` bytes; false at the end.
  auto Fill = [&](size_t Size) {
    std::array<char, 4096> Chunk;
    while (Buffer.size() < Size) {
      ssize_t Count =
          sys::RetryAfterSignal(-1, ::read, From, Chunk.data(), Chunk.size());
      if (Count <= 0)
        return false;
      Buffer.append(Chunk.data(), Count);
    }
    return true;
  };
  auto Take = [&](size_t Size) {
    std::string Taken = Buffer.substr(0, Size);
    Buffer.erase(0, Size);
    return Taken;
  };
  size_t End;
  while (true) {
    while ((End = Buffer.find('\n')) == std::string::npos)
      if (!Fill(Buffer.size() + 1)) {
        Out << Buffer;
        return;
      }
    std::string Line = Take(End + 1);
    StringRef Length = StringRef(Line).trim();
    size_t Size;
    if (!Length.consume_front("Content-Length: ") ||
        Length.getAsInteger(10, Size)) {
      Out << Line; // not a message, such as --help
      continue;
    }
    if (!Fill(2 + Size)) { // an empty line and the message
      Out << Line << Buffer;
      return;
    }
    Take(2);
    std::string Message = addDocumentation(Take(Size));
    Out << "Content-Length: " << Message.size() << "\r\n\r\n" << Message;
    Out.flush();
  }
}
