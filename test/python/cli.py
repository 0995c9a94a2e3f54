# ===- cli.py - tests of the command m1 -----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import checks
import models

WORK = sys.argv[1]
shutil.rmtree(WORK, ignore_errors=True)
SPEAKING = models.checkpoint(os.path.join(WORK, "speaking"))
SILENT = models.checkpoint(os.path.join(WORK, "silent"), tokenizer=False)
# The plan that llm.py uses, too.
BOUNDS = ["--max-model-len", "2048", "--max-num-seqs", "4", "--max-num-batched-tokens", "64"]
M1 = [sys.executable, "-m", "m1c.cli"]


def m1(*arguments, status=0, **options):
    done = subprocess.run([*M1, *map(str, arguments)], capture_output=True, timeout=300, **options)
    assert done.returncode == status, (arguments, done)
    return done.stdout.decode("utf-8", "replace"), done.stderr.decode()


def complete(*arguments, **options):
    return m1("complete", SPEAKING, *BOUNDS, "--seed", 3, "--ignore-eos", *arguments, **options)[0]


def refused(*parts, arguments):
    out, error = m1(*arguments, status=1)
    lines = [line for line in error.splitlines() if not line.startswith("m1: compil")]
    assert out == "" and len(lines) == 1 and all(part in lines[0] for part in parts), (out, error)


def check_complete():
    """The same text from each source of the prompt, streamed or whole."""
    text = complete("--prompt", "Hello", "--max-tokens", 20)
    assert complete("--prompt", "Hello", "--max-tokens", 20, "--echo") == "Hello" + text
    assert complete("--max-tokens", 20, input=b"Hello") == text
    assert complete("--max-tokens", 20, "--prompt-token-ids", "72,101,108,108,111") == text
    whole = json.loads(complete("--prompt", "Hello", "--max-tokens", 20, "--json", "--logprobs", 1, "-n", 2))
    first, second = whole["outputs"]
    assert first["text"] + "\n" == text and second["text"] != first["text"] and len(first["logprobs"]) == 20
    both = complete("--prompt", "Hello", "--max-tokens", 20, "-n", 2)
    assert both == f"--- 0\n{first['text']}\n--- 1\n{second['text']}\n"
    stop = first["text"][9:11]
    assert (
        complete("--prompt", "Hello", "--max-tokens", 20, "--stop", stop)
        == first["text"][: first["text"].index(stop)] + "\n"
    )
    ids = m1("complete", SILENT, *BOUNDS, "--prompt-token-ids", "72,101", "--seed", 1, "--max-tokens", 3)[0]
    assert re.fullmatch(r"(\d+ ){3}\n", ids), ids


def check_refused():
    """One line, and exit status 1."""
    refused("m1: error", "COMMAND", arguments=[])
    refused("invalid choice: 'complte'", "'complete'", arguments=["complte"])
    refused(
        "--temperature",
        "expected a number",
        "'nan'",
        arguments=["complete", SPEAKING, "--temperature", "nan"],
    )
    refused("--max-num-seqs", "at least 1", "'0'", arguments=["complete", SPEAKING, "--max-num-seqs", "0"])
    refused("no such checkpoint", arguments=["complete", "nowhere", "--prompt", "x"])
    refused("top_p", "above 0", arguments=["complete", SPEAKING, *BOUNDS, "--prompt", "x", "--top-p", "2"])
    refused("--prompt-token-ids", arguments=["complete", SPEAKING, "--prompt-token-ids", "1,x"])
    refused("tokenizer.json", arguments=["complete", SILENT, *BOUNDS, "--prompt", "x"])
    refused("tokenizer.json", arguments=["chat", SILENT, *BOUNDS])
    refused("absent.jsonl", arguments=["run-batch", SPEAKING, "-i", "absent.jsonl", "-o", "out.jsonl"])
    refused("at least one token", arguments=["complete", SPEAKING, *BOUNDS, "--prompt", ""])
    assert re.fullmatch(r"m1 \d+\.\d+\.\d+\n", m1("--version")[0])
    assert "run-batch" in m1("--help")[0] and "--kv-cache-memory" in m1("complete", "--help")[0]


def check_pipe():
    """A reader that goes away ends the program as it ends others."""
    child = subprocess.Popen(
        [*M1, "complete", SPEAKING, *BOUNDS, "--prompt", "x", "--ignore-eos", "--max-tokens", "2000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    child.stdout.read(1)
    child.stdout.close()
    assert child.stderr.read() == b"" and child.wait(60) == -signal.SIGPIPE
    child.stderr.close()


def check_batch():
    requests = [
        {
            "custom_id": "a",
            "method": "POST",
            "url": "/v1/completions",
            "body": {"prompt": "Hello", "max_tokens": 8, "seed": 3, "ignore_eos": True},
        },
        {
            "custom_id": "b",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "seed": 1},
        },
        {
            "custom_id": "c",
            "method": "POST",
            "url": "/v1/completions",
            "body": {"prompt": "x", "temperature": "hot"},
        },
    ]
    source, target = os.path.join(WORK, "in.jsonl"), os.path.join(WORK, "out.jsonl")
    with open(source, "w") as file:
        file.write("\n".join(map(json.dumps, requests)) + "\nno request\n")
    _, error = m1("run-batch", SPEAKING, *BOUNDS, "-i", source, "-o", target)
    assert error == "m1 run-batch: 2 answered, 1 refused, 1 lines are no requests\n", error
    with open(target) as file:
        answers = [json.loads(line) for line in file]
    assert [each["custom_id"] for each in answers] == ["a", "b", "c", None]
    assert [each["response"] and each["response"]["status_code"] for each in answers] == [200, 200, 400, None]
    text = answers[0]["response"]["body"]["choices"][0]["text"]
    assert complete("--prompt", "Hello", "--max-tokens", 8) == text + "\n"
    assert answers[1]["response"]["body"]["usage"]["completion_tokens"] <= 4
    assert not [name for name in os.listdir(WORK) if name.startswith("out.jsonl.")]
    out, _ = m1("run-batch", SPEAKING, *BOUNDS, "-i", "-", "-o", "-", input=json.dumps(requests[0]).encode())
    assert json.loads(out)["response"]["body"]["choices"][0]["text"] == text


def check_chat():
    """Turns from a pipe: the history counts, and /reset forgets it."""

    def chat(text, *arguments):
        return m1(
            "chat", SPEAKING, *BOUNDS, "--seed", 4, "--max-tokens", 6, "--ignore-eos", *arguments, input=text
        )

    once, _ = chat(b"Hi\n")
    again, error = chat(b"Hi\n/reset\nHi\nHi\n/nonsense\n")
    assert again.startswith(once + once) and again[2 * len(once) :] not in ("", once), (once, again)
    assert error == "m1 chat: unknown command /nonsense; /help lists them\n", error
    assert once not in (chat(b"Hi\n", "--system", "Be brief")[0], chat(b"Hi\\\nthere\n")[0])


def check_interrupted():
    """On a terminal: Ctrl-C stops an answer only, and /exit ends."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"
        os.execv(sys.executable, [*M1, "chat", SPEAKING, *BOUNDS, "--ignore-eos", "--threads", "1"])
    shown = b""

    def until(condition):
        nonlocal shown
        end = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < end, shown
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 65536)

    until(lambda: shown.endswith(b"> "))
    os.write(terminal, b"Hello\n")
    begin = len(shown)
    until(lambda: len(shown) > begin + 40)
    os.write(terminal, b"\x03")
    until(lambda: shown.endswith(b"\r\n> "))
    answer = len(shown) - begin
    os.write(terminal, b"/exit\n")
    _, status = os.waitpid(child, 0)
    assert status == 0 and b"Traceback" not in shown and answer < 1500, (answer, shown[-2000:])


if __name__ == "__main__":
    checks.main(sys.modules[__name__], sys.argv[2:])
