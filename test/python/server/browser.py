# ===- browser.py - a page in a headless browser --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A page of another origin reads the server's streams with fetch, in headless Chromium."""

import asyncio
import shutil
import sys
import tempfile

import harness
import uvicorn
from double import ScriptedLLM, Step, byte_tokenizer, pieces
from harness import Served, until
from m1c.server.lifecycle import address_of, bind
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

PAGE = """<!doctype html><meta charset="utf-8"><script>
async function events(body, onEvent, signal) {
  const response = await fetch("SERVER/v1/chat/completions", {method: "POST", signal, body: JSON.stringify(body),
    headers: {"Content-Type": "application/json", "Authorization": "Bearer key"}});
  if (!response.ok) return {status: response.status, error: (await response.json()).error};
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", done = false, reads = 0;
  for (;;) {
    const {value, done: end} = await reader.read();
    if (end) return {status: response.status, done, reads, id: response.headers.get("x-request-id")};
    reads++;
    rest += value;
    const blocks = rest.split("\\n\\n");
    rest = blocks.pop();
    for (const block of blocks) {
      if (block === "data: [DONE]") done = true; else onEvent(JSON.parse(block.slice(6)));
    }
  }
}
(async () => {
  const messages = [{role: "user", content: "hi"}], result = {text: "", reasoning: "", reasons: []};
  let told = false;
  const add = (event) => {
    if (!told) fetch("/seen", {method: "POST"});
    told = true;
    for (const {delta, finish_reason} of event.choices) {
      result.text += delta.content ?? "";
      result.reasoning += delta.reasoning_content ?? "";
      if (finish_reason) result.reasons.push(finish_reason);
    }
  };
  result.first = await events({messages, stream: true}, add);
  result.wrong = await events({messages, stream: true, n: 0}, add);
  const controller = new AbortController();
  let seen = 0;
  try {
    await events({messages, stream: true, max_tokens: 900}, () => { if (++seen == 5) controller.abort(); },
                 controller.signal);
  } catch (error) {
    result.left = error.name;
  }
  return result;
})().catch((error) => ({error: String(error)})).then(
  (result) => fetch("/result", {method: "POST", body: JSON.stringify(result)}));
</script>
"""
TEXT = "<think>\nhm \u2028 hm\n</think>\n\nGrüß dich 你好 🙂"


async def case_page():
    page_socket = bind("127.0.0.1", 0)
    async with Served(
        ScriptedLLM(byte_tokenizer(), step_seconds=0.002), keys=["key"], origins=[address_of(page_socket)]
    ) as served:
        results: asyncio.Queue = asyncio.Queue()

        async def take(request):
            results.put_nowait(await request.json())
            return Response()

        seen = asyncio.Event()

        async def note(request):
            seen.set()
            return Response()

        def halves():
            """Says the second half when the page has seen the first."""
            steps = pieces(TEXT, cut=2)
            yield from steps[:9]
            while not seen.is_set():
                yield Step([])
            yield from steps[9:]

        page = Starlette(
            routes=[
                Route("/seen", note, methods=["POST"]),
                Route("/", lambda request: HTMLResponse(PAGE.replace("SERVER", served.address))),
                Route("/result", take, methods=["POST"]),
            ]
        )
        page_socket.listen()
        pages = uvicorn.Server(uvicorn.Config(page, log_level="error", lifespan="off"))
        task = asyncio.create_task(pages.serve(sockets=[page_socket]))
        served.llm.scripts.append([halves()])
        served.llm.say([Step([65], pause=1)] * 1000)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            browser = await asyncio.create_subprocess_exec(
                shutil.which("chromium"),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                address_of(page_socket) + "/",
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                result = await results.get()
            finally:
                browser.terminate()
                await browser.wait()
        assert result["text"] == "Grüß dich 你好 🙂" and result["reasoning"] == "hm \u2028 hm", result
        assert result["reasons"] == ["stop"] and result["left"] == "AbortError", result
        first, wrong = result["first"], result["wrong"]
        assert (
            first["status"] == 200
            and first["done"]
            and first["reads"] > 1
            and first["id"].startswith("chatcmpl-")
        )
        assert wrong["status"] == 400 and wrong["error"]["param"] == "n", result
        await until(lambda: not served.llm.running)
        assert served.llm.submitted[-1].aborted
        pages.should_exit = True
        await task


if __name__ == "__main__":
    sys.exit(harness.run_cases([sys.modules["__main__"]], sys.argv[1:]))
