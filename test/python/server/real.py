# ===- real.py - the server with a real engine ----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Cases with a tiny model of random weights: what clients see must not depend on anything but their requests.

    real.py WORK_DIR
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import harness  # noqa: E402
import models  # noqa: E402
import openai  # noqa: E402
from harness import Served, raw_request, until  # noqa: E402

from m1c import AsyncLLM  # noqa: E402

WORK = sys.argv[1]
BOUNDS = {"max_model_len": 256, "max_num_seqs": 4, "max_num_batched_tokens": 64}
TEMPLATE = harness.TEMPLATE.replace("<begin>", "").replace("<turn>", "").replace("<end>", "")
LONG = [1 + i % 250 for i in range(150)]
USER = [{"role": "user", "content": "hi"}]


def serving(**options):
    """A server of the tiny model, with prefix caching."""
    llm = AsyncLLM(os.path.join(WORK, "speaking"), **{**BOUNDS, "enable_prefix_caching": True, "quiet": True, **options})
    return Served(llm, template=TEMPLATE, tools="none")


async def complete(served, prompt, **options):
    """The first choice of a completion, as JSON."""
    return (await choices(served, prompt, **options))[0]


async def choices(served, prompt, **options):
    """All choices of a completion, as JSON."""
    body = {"prompt": prompt, "max_tokens": 12, "logprobs": 1, "ignore_eos": True, "return_token_ids": True, **options}
    response = await served.post("/v1/completions", body)
    assert response.status_code == 200, response.text
    return response.json()["choices"]


def bits(choice):
    """What must be equal: tokens, text and log-probabilities."""
    return choice["token_ids"], choice["text"], choice["logprobs"]["token_logprobs"], choice["logprobs"]["top_logprobs"]


async def case_same_bits():
    """A request alone, among others, streamed, with a cached prefix, and its choices each alone."""
    async with serving() as served:
        prompts = ["Hello", LONG, [5], "é" * 20]
        alone = [bits(await complete(served, prompt, seed=i)) for i, prompt in enumerate(prompts)]
        noise = [asyncio.create_task(complete(served, [i, 9], max_tokens=100)) for i in range(5)]
        together = await asyncio.gather(*[complete(served, prompt, seed=i) for i, prompt in enumerate(prompts)])
        assert [bits(each) for each in together] == alone
        await asyncio.gather(*noise)
        assert (await served.post("/v1/completions", {"prompt": LONG, "max_tokens": 1})
                ).json()["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
        several = await choices(served, LONG, seed=7, n=3)
        ones = [await complete(served, LONG, seed=7 + i) for i in range(3)]
        assert [bits(each) for each in several] == [bits(each) for each in ones]
        assert len({tuple(each["token_ids"]) for each in several}) == 3
        events = await served.events("/v1/completions", {
            "prompt": LONG, "max_tokens": 12, "logprobs": 1, "ignore_eos": True, "return_token_ids": True, "seed": 1})
        parts = [each["choices"][0] for each in events]
        assert sum((part["token_ids"] for part in parts), []) == alone[1][0]
        assert "".join(part["text"] for part in parts) == alone[1][1]
        assert sum((part["logprobs"]["token_logprobs"] for part in parts), []) == alone[1][2]
        stats = served.llm.stats()
        assert stats["running"] == stats["waiting"] == 0, stats


async def case_logprobs():
    """Those of a response are those that scoring it gives, whatever the temperature; the named mode has others."""
    async with serving() as served:
        hot = await complete(served, LONG, seed=3, temperature=2.0, top_p=0.9, presence_penalty=1, frequency_penalty=1)
        scored = await complete(served, LONG + hot["token_ids"], echo=True, max_tokens=0)
        assert scored["logprobs"]["token_logprobs"][len(LONG):] == hot["logprobs"]["token_logprobs"]
        # The top log-probabilities list the drawn token too, if it is not among them.
        for a, b in zip(scored["logprobs"]["top_logprobs"][len(LONG):], hot["logprobs"]["top_logprobs"]):
            assert a == b, (a, b)
        processed = await complete(served, LONG, seed=3, temperature=2.0, top_p=0.9, presence_penalty=1,
                                   frequency_penalty=1, logprobs_mode="processed")
        assert processed["token_ids"] == hot["token_ids"] and processed["logprobs"] != hot["logprobs"]
        # As lm-eval does it: log-probabilities of a continuation, and whether it is the likeliest.
        greedy = await complete(served, "abc", temperature=0, max_tokens=5)
        ids = [*b"abc", *greedy["token_ids"]]
        scored = await complete(served, ids, echo=True, max_tokens=1, temperature=0)
        own = scored["logprobs"]["token_logprobs"][3:-1]
        assert own == greedy["logprobs"]["token_logprobs"]
        assert own == [max(top.values()) for top in scored["logprobs"]["top_logprobs"][3:-1]]


async def case_rules():
    async with serving() as served:
        assert set((await complete(served, "x", allowed_token_ids=[65, 66]))["text"]) <= set("AB")
        assert (await complete(served, "x", logit_bias={"67": 100}))["text"] == "C" * 12
        fair = await complete(served, "x", logit_bias={"67": 90, "68": 90}, temperature=0, max_tokens=40,
                              frequency_penalty=2)
        assert min(fair["text"].count("C"), fair["text"].count("D")) >= 15, fair["text"]
        ended = await complete(served, "x", logit_bias={"258": 100}, ignore_eos=False)
        assert (ended["token_ids"], ended["text"], ended["finish_reason"]) == ([258], "", "stop"), ended
        late = await complete(served, "x", logit_bias={"258": 100}, ignore_eos=False, min_tokens=4)
        assert len(late["token_ids"]) == 5 and late["finish_reason"] == "stop", late
        stop = await complete(served, "x", logit_bias={"67": 100}, stop_token_ids=[67])
        assert (stop["text"], stop["token_ids"], stop["finish_reason"], stop["stop_reason"]) == ("", [67], "stop", 67)
        text = await complete(served, "x", logit_bias={"67": 100}, stop=["CCC"])
        assert (text["text"], text["token_ids"], text["finish_reason"]) == ("", [67, 67, 67], "stop"), text
        # The checkpoint's generation_config.json has a temperature of 0.9.
        assert bits(await complete(served, "x", seed=1)) == bits(await complete(served, "x", seed=1, temperature=0.9))
        assert bits(await complete(served, "x", seed=1)) != bits(await complete(served, "x", seed=1, temperature=1.5))


async def case_limits():
    async with serving() as served:
        long = await complete(served, LONG, max_tokens=10**6)
        assert len(long["token_ids"]) == 256 - len(LONG) and long["finish_reason"] == "length"
        await served.refused("/v1/completions", {"prompt": [1] * 256}, 400, "256 tokens", "has 256 tokens")
        await served.refused("/v1/completions", {"prompt": [1] * 300, "max_tokens": 0}, 400, "has 300 tokens")
        await served.refused("/v1/completions", {"prompt": [272]}, 400, "272")
        await served.refused("/v1/completions", {"prompt": ""}, 400, "empty")
        whole = await complete(served, [1] * 256, max_tokens=0, echo=True)
        assert len(whole["logprobs"]["token_logprobs"]) == 256
        assert (await complete(served, "x"))["finish_reason"] == "length"


async def case_stock_client():
    async with serving() as served:
        chat = served.client.chat.completions
        options = {"model": "tiny", "messages": USER, "seed": 5, "max_tokens": 40, "logprobs": True, "top_logprobs": 2,
                   "extra_body": {"ignore_eos": True}}
        whole = (await chat.create(**options)).choices[0]
        text, tokens = "", []
        async for chunk in await chat.create(**options, stream=True, stream_options={"include_usage": True}):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                tokens += (choice.logprobs.content or []) if choice.logprobs else []
        assert chunk.usage.completion_tokens == 40 and chunk.usage.prompt_tokens == len("user: hiassistant: ")
        assert text == whole.message.content and tokens == whole.logprobs.content
        # A budget closes thinking that the prompt has opened.
        served.service.chat_format.template = harness.ChatTemplate(TEMPLATE + "<think>\n", served.llm.tokenizer)
        thought = (await chat.create(model="tiny", messages=USER, seed=5, max_tokens=60, extra_body={
            "thinking_budget": 8, "ignore_eos": True, "logit_bias": {"60": -100}})).choices[0].message
        assert thought.content and 0 < len(thought.reasoning_content.encode()) <= 8 * 3, thought


async def case_aborts():
    """A thousand requests whose clients leave, and nothing is left."""
    submitted = 0

    async with serving() as served:
        submit = served.llm.submit

        def counting(*arguments):
            nonlocal submitted
            submitted += 1
            return submit(*arguments)

        served.llm.submit = counting
        before = await complete(served, "x", seed=1)
        for i in range(25):
            body = json.dumps({"prompt": [i], "max_tokens": 200, "stream": i % 2 == 0, "ignore_eos": True, "n": 4}).encode()
            writers = [(await served.raw(raw_request("/v1/completions", body)))[1] for _ in range(10)]
            await until(lambda: submitted == 1 + 10 * (i + 1))
            for writer in writers:
                writer.transport.abort()
            await until(lambda: served.application.active == 0)
        await until(lambda: served.llm.stats()["running"] == served.llm.stats()["waiting"] == 0)
        finished = served.service.metrics.finished
        assert finished["abort"] + finished["length"] == 1001 and finished["abort"] > 100, finished
        assert bits(await complete(served, "x", seed=1)) == bits(before)
        assert served.llm.stats()["blocks_used"] == 0, served.llm.stats()


async def case_queue():
    async with serving(max_num_queued=2) as served:
        body = {"prompt": "x", "max_tokens": 200, "ignore_eos": True}
        tasks = [asyncio.create_task(served.post("/v1/completions", body)) for _ in range(12)]
        codes = [response.status_code for response in await asyncio.gather(*tasks)]
        assert set(codes) <= {200, 429} and codes.count(200) >= 2 and 429 in codes, codes
        assert (await complete(served, "x"))["finish_reason"] == "length"


async def case_command():
    """m1 serve, m1 bench serve, SIGTERM, and starts that fail."""
    command = [sys.executable, "-m", "m1c.cli"]
    bounds = ["--max-model-len", "256", "--max-num-seqs", "4", "--max-num-batched-tokens", "64"]
    folder = os.path.join(WORK, "speaking")
    process = subprocess.Popen([*command, "serve", folder, *bounds, "--port", "0", "--served-model-name", "a", "b"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = await asyncio.to_thread(process.stdout.readline)
        assert line.startswith("m1 serve: a at http://127.0.0.1:"), (line, process.communicate())
        address = line.split()[-1]

        async def run(*arguments):
            return await asyncio.to_thread(subprocess.run, [*command, *arguments], text=True, capture_output=True)

        bench = await run("bench", "serve", "--base-url", address, "--num-prompts", "6", "--input-len", "9",
                          "--output-len", "5", "--json")
        report = json.loads(bench.stdout)
        assert bench.returncode == 0 and report["output_tokens"] == 30 and report["model"] == "a", bench
        client = openai.AsyncOpenAI(base_url=address + "/v1", api_key="x", max_retries=0, timeout=300)
        answer = await client.chat.completions.create(model="b", messages=USER, max_tokens=4)
        assert answer.choices[0].finish_reason in ("stop", "length")
        port = address.rsplit(":", 1)[1]
        for options, part in (([folder, *bounds, "--port", port], "Address already in use"),
                              (["/nowhere"], "/nowhere"), ([folder, "--api-key", ""], "--api-key"), ([folder, *bounds, "--chat-template", "/nowhere"], "/nowhere")):
            failed = await run("serve", *options)
            assert failed.returncode == 1 and failed.stderr.count("\n") == 1 and part in failed.stderr, failed
            assert failed.stdout == "", failed
        process.send_signal(signal.SIGTERM)
        out, err = await asyncio.to_thread(process.communicate)
        assert process.returncode == 0 and out == "", (process.returncode, out, err)
    finally:
        if process.poll() is None:
            process.kill()


if __name__ == "__main__":
    if not os.path.isdir(os.path.join(WORK, "speaking")):
        models.checkpoint(os.path.join(WORK, "speaking"))
    sys.exit(harness.run_cases([sys.modules["__main__"]], sys.argv[2:]))
