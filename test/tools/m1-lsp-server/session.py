# ===- session.py - an editor's session with the language server ------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""session.py FILE[:LINE:COLUMN]...

Starts m1-lsp-server as an editor does, opens each file, and prints what the
server publishes about it: "FILE: no diagnostics", or a line for each with its
position counted from 1. With a position, what a hover there shows. Ends with
the server's exit code.
"""

import json
import os
import subprocess
import sys


class Server:
    """JSON-RPC over the standard streams, each message after a header with its length."""

    def __init__(self):
        self.process = subprocess.Popen(["m1-lsp-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.requests = 0

    def send(self, **message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self, wanted):
        """The next message that `wanted` accepts."""
        while True:
            length = None
            while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if length is None:
                sys.exit("the server ended its output")
            message = json.loads(self.process.stdout.read(length))
            if wanted(message):
                return message

    def request(self, method, params):
        self.requests += 1
        self.send(id=self.requests, method=method, params=params)
        answer = self.receive(lambda m: m.get("id") == self.requests)
        if "error" in answer:
            sys.exit(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, path):
        """The diagnostics of a file."""
        uri = "file://" + os.path.realpath(path)
        with open(path) as file:
            document = {"uri": uri, "languageId": "mlir", "version": 1, "text": file.read()}
        self.send(method="textDocument/didOpen", params={"textDocument": document})
        published = self.receive(lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri)
        return published["params"]["diagnostics"]

    def hover(self, path, line, column):
        """The text of a hover; line and column are counted from 1."""
        document = {"uri": "file://" + os.path.realpath(path)}
        position = {"line": line - 1, "character": column - 1}
        return self.request("textDocument/hover", {"textDocument": document, "position": position})["contents"]["value"]


server = Server()
info = server.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
print("hover:", info["capabilities"]["hoverProvider"])
server.send(method="initialized", params={})
for argument in sys.argv[1:]:
    path, *position = argument.split(":")
    diagnostics = server.open(path)
    name = os.path.basename(path)
    if not diagnostics:
        print(f"{name}: no diagnostics")
    for diagnostic in diagnostics:
        start = diagnostic["range"]["start"]
        print(f"{name}:{start['line'] + 1}:{start['character'] + 1}: {diagnostic['message']}")
    if position:
        print(server.hover(path, *map(int, position)))
server.request("shutdown", None)
server.send(method="exit")
print("exit code:", server.process.wait(timeout=60))
