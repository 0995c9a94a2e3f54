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
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import harness  # noqa: E402
import models  # noqa: E402
import openai  # noqa: E402
import pydantic  # noqa: E402
from harness import Served, raw_request, until  # noqa: E402
from m1c import AsyncLLM  # noqa: E402

WORK = sys.argv[1]
BOUNDS = {"max_model_len": 256, "max_num_seqs": 4, "max_num_batched_tokens": 64}
TEMPLATE = harness.TEMPLATE.replace("<begin>", "").replace("<turn>", "").replace("<end>", "")
LONG = [1 + i % 250 for i in range(150)]
USER = [{"role": "user", "content": "hi"}]


def serving(tools="none", reasoning="m1", **options):
    """A server of the tiny model, with prefix caching."""
    llm = AsyncLLM(
        os.path.join(WORK, "speaking"), **{**BOUNDS, "enable_prefix_caching": True, "quiet": True, **options}
    )
    return Served(llm, template=TEMPLATE, tools=tools, reasoning=reasoning)


async def complete(served, prompt, **options):
    """The first choice of a completion, as JSON."""
    return (await choices(served, prompt, **options))[0]


async def choices(served, prompt, **options):
    """All choices of a completion, as JSON."""
    body = {
        "prompt": prompt,
        "max_tokens": 12,
        "logprobs": 1,
        "ignore_eos": True,
        "return_token_ids": True,
        **options,
    }
    response = await served.post("/v1/completions", body)
    assert response.status_code == 200, response.text
    return response.json()["choices"]


def bits(choice):
    """What must be equal: tokens, text and log-probabilities."""
    return (
        choice["token_ids"],
        choice["text"],
        choice["logprobs"]["token_logprobs"],
        choice["logprobs"]["top_logprobs"],
    )


async def case_same_bits():
    """A request alone, among others, streamed, with a cached prefix, and its choices each alone."""
    async with serving() as served:
        prompts = ["Hello", LONG, [5], "é" * 20]
        alone = [bits(await complete(served, prompt, seed=i)) for i, prompt in enumerate(prompts)]
        noise = [asyncio.create_task(complete(served, [i, 9], max_tokens=100)) for i in range(5)]
        together = await asyncio.gather(
            *[complete(served, prompt, seed=i) for i, prompt in enumerate(prompts)]
        )
        assert [bits(each) for each in together] == alone
        await asyncio.gather(*noise)
        assert (await served.post("/v1/completions", {"prompt": LONG, "max_tokens": 1})).json()["usage"][
            "prompt_tokens_details"
        ]["cached_tokens"] > 0
        several = await choices(served, LONG, seed=7, n=3)
        ones = [await complete(served, LONG, seed=7 + i) for i in range(3)]
        assert [bits(each) for each in several] == [bits(each) for each in ones]
        assert len({tuple(each["token_ids"]) for each in several}) == 3
        events = await served.events(
            "/v1/completions",
            {
                "prompt": LONG,
                "max_tokens": 12,
                "logprobs": 1,
                "ignore_eos": True,
                "return_token_ids": True,
                "seed": 1,
            },
        )
        parts = [each["choices"][0] for each in events]
        assert sum((part["token_ids"] for part in parts), []) == alone[1][0]
        assert "".join(part["text"] for part in parts) == alone[1][1]
        assert sum((part["logprobs"]["token_logprobs"] for part in parts), []) == alone[1][2]
        stats = served.llm.stats()
        assert stats["running"] == stats["waiting"] == 0, stats


async def case_logprobs():
    """Those of a response are those that scoring it gives, whatever the temperature; the named mode has
    others."""
    async with serving() as served:
        hot = await complete(
            served, LONG, seed=3, temperature=2.0, top_p=0.9, presence_penalty=1, frequency_penalty=1
        )
        scored = await complete(served, LONG + hot["token_ids"], echo=True, max_tokens=0)
        assert scored["logprobs"]["token_logprobs"][len(LONG) :] == hot["logprobs"]["token_logprobs"]
        # The top log-probabilities list the drawn token too, if it is not among them.
        for a, b in zip(scored["logprobs"]["top_logprobs"][len(LONG) :], hot["logprobs"]["top_logprobs"]):
            assert a == b, (a, b)
        processed = await complete(
            served,
            LONG,
            seed=3,
            temperature=2.0,
            top_p=0.9,
            presence_penalty=1,
            frequency_penalty=1,
            logprobs_mode="processed",
        )
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
        fair = await complete(
            served, "x", logit_bias={"67": 90, "68": 90}, temperature=0, max_tokens=40, frequency_penalty=2
        )
        assert min(fair["text"].count("C"), fair["text"].count("D")) >= 15, fair["text"]
        ended = await complete(served, "x", logit_bias={"258": 100}, ignore_eos=False)
        assert (ended["token_ids"], ended["text"], ended["finish_reason"]) == ([258], "", "stop"), ended
        late = await complete(served, "x", logit_bias={"258": 100}, ignore_eos=False, min_tokens=4)
        assert len(late["token_ids"]) == 5 and late["finish_reason"] == "stop", late
        stop = await complete(served, "x", logit_bias={"67": 100}, stop_token_ids=[67])
        assert (stop["text"], stop["token_ids"], stop["finish_reason"], stop["stop_reason"]) == (
            "",
            [67],
            "stop",
            67,
        )
        text = await complete(served, "x", logit_bias={"67": 100}, stop=["CCC"])
        assert (text["text"], text["token_ids"], text["finish_reason"]) == ("", [67, 67, 67], "stop"), text
        # The checkpoint's generation_config.json has a temperature of 0.9.
        assert bits(await complete(served, "x", seed=1)) == bits(
            await complete(served, "x", seed=1, temperature=0.9)
        )
        assert bits(await complete(served, "x", seed=1)) != bits(
            await complete(served, "x", seed=1, temperature=1.5)
        )


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
        options = {
            "model": "tiny",
            "messages": USER,
            "seed": 5,
            "max_tokens": 40,
            "logprobs": True,
            "top_logprobs": 2,
            "extra_body": {"ignore_eos": True},
        }
        whole = (await chat.create(**options)).choices[0]
        text, tokens = "", []
        async for chunk in await chat.create(**options, stream=True, stream_options={"include_usage": True}):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                tokens += (choice.logprobs.content or []) if choice.logprobs else []
        assert chunk.usage.completion_tokens == 40 and chunk.usage.prompt_tokens == len("user: hiassistant: ")
        assert text == whole.message.content and tokens == whole.logprobs.content
        # A budget closes thinking that the prompt has opened.
        served.service.chat_format.template = harness.ChatTemplate(
            TEMPLATE + "<think>\n", served.llm.tokenizer
        )
        thought = (
            (
                await chat.create(
                    model="tiny",
                    messages=USER,
                    seed=5,
                    max_tokens=60,
                    extra_body={"thinking_budget": 8, "ignore_eos": True, "logit_bias": {"60": -100}},
                )
            )
            .choices[0]
            .message
        )
        assert thought.content and 0 < len(thought.reasoning_content.encode()) <= 8 * 3, thought


class Place(pydantic.BaseModel):
    """What structured outputs are checked against, by code that nobody here wrote."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    kind: Literal["town", "village"]
    warm: bool
    sizes: Annotated[list[Annotated[int, pydantic.Field(ge=-5, le=40)]], pydantic.Field(max_length=2)]


ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 9}, "b": {"type": "boolean"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}
NOW = {"type": "function", "function": {"name": "now"}}


def is_call(call):
    """Whether a call follows the parameters of its function."""
    arguments = json.loads(call.function.arguments)
    if call.function.name == "now":
        return arguments == {}
    assert (
        call.function.name == "add" and list(arguments) == ["a", "b"] and arguments["b"] in (True, False)
    ), call
    return arguments["a"] in range(10)


async def case_structured_outputs():
    """The stock client gets what it asks for, from a model that knows nothing: whole, streamed, of several
    choices."""
    schema = Place.model_json_schema()
    options = {"model": "tiny", "messages": USER, "seed": 5, "n": 2, "max_tokens": 230}
    strict = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}
    async with serving(tools="m1", reasoning="none") as served:
        chat = served.client.chat.completions
        whole = (await chat.create(**options, response_format=strict)).choices
        places = [Place.model_validate_json(choice.message.content) for choice in whole]
        assert len(places) == 2 and {choice.finish_reason for choice in whole} == {"stop"}, whole
        texts = ["", ""]
        async for chunk in await chat.create(**options, response_format=strict, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
        assert texts == [choice.message.content for choice in whole]
        # Beside others, and alone.
        together = await asyncio.gather(
            *[chat.create(**options, response_format=strict) for _ in range(2)],
            complete(served, LONG, max_tokens=90),
            complete(served, "x"),
        )
        assert [choice.message.content for choice in together[1].choices] == texts
        alone = await chat.create(**{**options, "n": 1, "seed": 6}, response_format=strict)
        assert alone.choices[0].message.content == texts[1]
        cut = (await chat.create(**{**options, "max_tokens": 4}, response_format=strict)).choices[1]
        assert cut.finish_reason == "length" and texts[1].startswith(cut.message.content), cut
        parsed = await chat.parse(model="tiny", messages=USER, seed=1, max_tokens=230, response_format=Place)
        assert isinstance(parsed.choices[0].message.parsed, Place)
        loose = await chat.create(
            **{**options, "n": 1},
            response_format={"type": "json_object"},
            extra_body={"logit_bias": {"125": 100, "34": -100}},
        )
        assert json.loads(loose.choices[0].message.content) == {}
        for format in (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": 5}}},
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "x",
                    "strict": True,
                    "schema": {"type": "string", "not": {"const": "a"}},
                },
            },
        ):
            error = await served.refused(
                "/v1/chat/completions",
                {"messages": USER, "response_format": format},
                400,
                "Invalid 'response_format'",
            )
            assert error["param"] == "response_format", error
        completions = served.client.completions
        for form, pattern in (
            ({"structured_outputs": {"regex": "[a-c]{3}-[0-9]"}}, "[a-c]{3}-[0-9]"),
            ({"structured_outputs": {"choice": ["no", "not yet"]}}, "no|not yet"),
            ({"guided_grammar": 'start: "(" /[xy]/ ")"'}, r"\([xy]\)"),
            ({"guided_json": json.dumps({"enum": [17, True]})}, "17|true"),
        ):
            answer = await completions.create(
                model="tiny", prompt=["ab", [7, 8]], n=2, seed=3, max_tokens=20, extra_body=form
            )
            assert len(answer.choices) == 4 and {choice.finish_reason for choice in answer.choices} == {
                "stop"
            }, answer
            assert all(re.fullmatch(pattern, choice.text) for choice in answer.choices), answer


def bare(served):
    """Chats are their messages alone: the context is short."""
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    served.service.chat_format.template = harness.ChatTemplate(template, served.llm.tokenizer)


async def case_forced_tools():
    """Calls of tools that the model must make, with arguments that follow their parameters."""
    options = {"model": "tiny", "messages": USER, "tools": [NOW, ADD], "max_tokens": 200, "seed": 2}
    named = {"type": "function", "function": {"name": "add"}}
    async with serving(tools="m1", reasoning="none") as served:
        bare(served)
        chat = served.client.chat.completions
        for choice, functions in (("required", {"now", "add"}), (named, {"add"})):
            found = (await chat.create(**options, tool_choice=choice, n=3, parallel_tool_calls=False)).choices
            for each in found:
                assert each.finish_reason == "tool_calls" and each.message.content is None, each
                assert len(each.message.tool_calls) == 1 and is_call(each.message.tool_calls[0]), each
                assert each.message.tool_calls[0].function.name in functions
            calls = []
            async for chunk in await chat.create(
                **options, tool_choice=choice, stream=True, parallel_tool_calls=False
            ):
                calls += chunk.choices[0].delta.tool_calls or []
                assert not chunk.choices[0].delta.content
            assert chunk.choices[0].finish_reason == "tool_calls" and len(calls) == 1
            assert (
                calls[0].function == found[0].message.tool_calls[0].function
                or calls[0].function.arguments == found[0].message.tool_calls[0].function.arguments
            )
        several = (await chat.create(**options, tool_choice="required")).choices[0]
        assert several.finish_reason in ("tool_calls", "length") and all(
            map(is_call, several.message.tool_calls or [])
        )
        bad = [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]
        await served.refused(
            "/v1/chat/completions",
            {"messages": USER, "tools": bad, "tool_choice": "required"},
            400,
            "Invalid 'tools'",
            "'f'",
        )
    async with serving(tools="m1") as served:
        bare(served)
        # The thinking comes first.
        answer = (
            await served.client.chat.completions.create(
                **options, tool_choice=named, extra_body={"thinking_budget": 12}
            )
        ).choices[0]
        assert answer.message.reasoning_content and is_call(answer.message.tool_calls[0]), answer
        answer = (
            await served.client.chat.completions.create(
                **{**options, "tools": []},
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"enum": ["yes", "no"]}},
                },
                extra_body={"thinking_budget": 0},
            )
        ).choices[0]
        assert answer.message.content in ('"yes"', '"no"') and answer.finish_reason == "stop", answer
    async with serving() as served:
        bare(served)
        await served.refused(
            "/v1/chat/completions",
            {"messages": USER, "tools": [ADD], "tool_choice": "required"},
            400,
            "--tool-call-parser none",
        )


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
            body = json.dumps(
                {"prompt": [i], "max_tokens": 200, "stream": i % 2 == 0, "ignore_eos": True, "n": 4}
            ).encode()
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
    process = subprocess.Popen(
        [*command, "serve", folder, *bounds, "--port", "0", "--served-model-name", "a", "b"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = await asyncio.to_thread(process.stdout.readline)
        assert line.startswith("m1 serve: a at http://127.0.0.1:"), (line, process.communicate())
        address = line.split()[-1]

        async def run(*arguments):
            return await asyncio.to_thread(
                subprocess.run, [*command, *arguments], text=True, capture_output=True
            )

        bench = await run(
            "bench",
            "serve",
            "--base-url",
            address,
            "--num-prompts",
            "6",
            "--input-len",
            "9",
            "--output-len",
            "5",
            "--json",
        )
        report = json.loads(bench.stdout)
        assert bench.returncode == 0 and report["output_tokens"] == 30 and report["model"] == "a", bench
        client = openai.AsyncOpenAI(base_url=address + "/v1", api_key="x", max_retries=0, timeout=300)
        answer = await client.chat.completions.create(model="b", messages=USER, max_tokens=4)
        assert answer.choices[0].finish_reason in ("stop", "length")
        port = address.rsplit(":", 1)[1]
        for options, part in (
            ([folder, *bounds, "--port", port], "Address already in use"),
            (["/nowhere"], "/nowhere"),
            ([folder, "--api-key", ""], "--api-key"),
            ([folder, *bounds, "--chat-template", "/nowhere"], "/nowhere"),
        ):
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
