# ===- clients.py - the stock client of OpenAI ----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What OpenAI's own package makes of the server's answers, whole and streamed."""

import json

import openai
from double import END, ScriptedLLM, Step, byte_tokenizer, logprob, pieces, top
from harness import Served
from m1c.server import app

USER = [{"role": "user", "content": "hi"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "adds",
            "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
        },
    }
]
CALLS = (
    '<think>\nI need two sums.\n</think>\n\nLet me see.\n<tool_calls>\n{"name": "add", "arguments": {"a": 1}}\n'
    '{"name": "add", "arguments": {"a": "é}</tool_calls>"}}\n</tool_calls>'
)


async def gather(stream):
    """The parts of a chat stream: (text, reasoning, calls, finish, logprob tokens, usage, roles)."""
    text, reasoning, calls, finish, tokens, usage, roles = "", "", {}, None, [], None, []
    async for chunk in stream:
        if chunk.usage:
            usage = chunk.usage
            assert chunk.choices == []
        for choice in chunk.choices:
            assert choice.index == 0 and finish is None, chunk
            delta = choice.delta
            if delta.role:
                roles.append(delta.role)
            text += delta.content or ""
            reasoning += getattr(delta, "reasoning_content", None) or ""
            for call in delta.tool_calls or []:
                known = calls.setdefault(
                    call.index, {"id": call.id, "name": call.function.name, "arguments": ""}
                )
                known["arguments"] += call.function.arguments or ""
            if choice.logprobs and choice.logprobs.content:
                tokens += choice.logprobs.content
            finish = choice.finish_reason
    return text, reasoning, calls, finish, tokens, usage, roles


async def case_chat():
    async with Served() as served:
        served.llm.say("Grüß dich 你好 🙂")
        result = await served.client.chat.completions.create(model="tiny", messages=USER)
        assert result.object == "chat.completion" and result.model == "tiny", result
        message = result.choices[0].message
        assert (message.role, message.content, message.tool_calls) == (
            "assistant",
            "Grüß dich 你好 🙂",
            None,
        ), message
        assert result.choices[0].finish_reason == "stop"
        count = len("Grüß dich 你好 🙂".encode()) + 1
        assert result.usage.completion_tokens == count, result.usage
        prompt = served.llm.submitted[0].prompt
        assert result.usage.prompt_tokens == len(prompt) and result.usage.total_tokens == len(prompt) + count
        assert bytes(t for t in prompt if t < 256).decode() == "user: hiassistant: ", prompt


async def case_chat_stream():
    async with Served() as served:
        for cut in (1, 2, 3, 7, 100):
            served.llm.say("Grüß dich 你好 🙂", cut=cut)
            stream = await served.client.chat.completions.create(
                model="alias", messages=USER, stream=True, stream_options={"include_usage": True}
            )
            text, reasoning, calls, finish, tokens, usage, roles = await gather(stream)
            assert (text, reasoning, calls, finish, tokens, roles) == (
                "Grüß dich 你好 🙂",
                "",
                {},
                "stop",
                [],
                ["assistant"],
            )
            assert usage.completion_tokens == len(text.encode()) + 1, usage


async def case_frame_of_chat_stream():
    async with Served() as served:
        served.llm.say("ab")
        plain = await served.events("/v1/chat/completions", {"model": "tiny", "messages": USER})
        assert [choice["choices"][0]["delta"] for choice in plain] == [
            {"role": "assistant", "content": "", "refusal": None},
            {"content": "a"},
            {"content": "b"},
            {},
        ], plain
        assert [each["choices"][0]["finish_reason"] for each in plain] == [None, None, None, "stop"]
        assert len({(each["id"], each["created"], each["model"], each["object"]) for each in plain}) == 1
        assert plain[0]["object"] == "chat.completion.chunk" and not any("usage" in each for each in plain)
        served.llm.say("ab")
        counted = await served.events(
            "/v1/chat/completions",
            {"model": "tiny", "messages": USER, "stream_options": {"include_usage": True}},
        )
        assert [each["usage"] for each in counted[:-1]] == [None] * 4 and counted[-1]["choices"] == []
        assert counted[-1]["usage"]["completion_tokens"] == 3, counted[-1]


async def case_tools_cut_anywhere():
    async with Served() as served:
        expected = {
            0: {"name": "add", "arguments": '{"a": 1}'},
            1: {"name": "add", "arguments": '{"a": "é}</tool_calls>"}'},
        }
        size = len(CALLS.encode())
        for cut in [1, 2, 5, 1000, *[[place] for place in range(1, size, 3)]]:
            served.llm.say(CALLS, cut=cut)
            stream = await served.client.chat.completions.create(
                model="tiny", messages=USER, tools=TOOLS, stream=True
            )
            text, reasoning, calls, finish, _, _, _ = await gather(stream)
            ids = [call.pop("id") for call in calls.values()]
            assert (text, reasoning, calls, finish) == (
                "Let me see.",
                "I need two sums.",
                expected,
                "tool_calls",
            ), (cut, text, reasoning, calls, finish)
            assert len(set(ids)) == 2 and all(each.startswith("call_") for each in ids), ids


async def case_tools_whole():
    async with Served() as served:
        served.llm.say(CALLS)
        result = await served.client.chat.completions.create(
            model="tiny", messages=USER, tools=TOOLS, tool_choice="auto"
        )
        choice = result.choices[0]
        assert choice.finish_reason == "tool_calls" and choice.message.content == "Let me see."
        assert choice.message.reasoning_content == "I need two sums."
        assert [json.loads(call.function.arguments) for call in choice.message.tool_calls] == [
            {"a": 1},
            {"a": "é}</tool_calls>"},
        ]
        assert result.usage.completion_tokens_details.reasoning_tokens > 10
        # The answer to the call goes back as a message.
        served.llm.say("3")
        history = [
            *USER,
            choice.message,
            {"role": "tool", "tool_call_id": choice.message.tool_calls[0].id, "content": "1"},
        ]
        result = await served.client.chat.completions.create(model="tiny", messages=history, tools=TOOLS)
        assert result.choices[0].message.content == "3" and result.choices[0].finish_reason == "stop"
        prompt = bytes(t for t in served.llm.submitted[-1].prompt if t < 256).decode()
        assert "[add][add]" in prompt and '"name": "add"' in prompt, prompt


async def case_one_tool_call():
    async with Served() as served:
        for stream in (False, True):
            served.llm.say(CALLS)
            result = await served.client.chat.completions.create(
                model="tiny", messages=USER, tools=TOOLS, parallel_tool_calls=False, stream=stream
            )
            if stream:
                _, _, calls, finish, _, _, _ = await gather(result)
            else:
                calls, finish = result.choices[0].message.tool_calls, result.choices[0].finish_reason
            assert len(calls) == 1 and finish == "tool_calls", (calls, finish)
            assert served.llm.submitted[-1].aborted, "the second call was computed"


async def case_tools_that_are_text():
    async with Served() as served:
        # Without tools, and with tool_choice none, calls are text.
        for options in ({}, {"tools": TOOLS, "tool_choice": "none"}):
            served.llm.say('<tool_calls>\n{"name": "add", "arguments": {}}\n</tool_calls>')
            result = await served.client.chat.completions.create(model="tiny", messages=USER, **options)
            assert result.choices[0].finish_reason == "stop" and not result.choices[0].message.tool_calls
            assert "tool_calls" in result.choices[0].message.content
            assert b"tools" not in bytes(t for t in served.llm.submitted[-1].prompt if t < 256)
        # A call that the limit cuts is content, and the reason is the limit.
        served.llm.say('<tool_calls>\n{"name": "add", "arguments": {"a": 1')
        result = await served.client.chat.completions.create(
            model="tiny", messages=USER, tools=TOOLS, max_tokens=30
        )
        assert result.choices[0].finish_reason == "length", result


async def case_quiet_stream():
    """While nothing comes, there are comments, which clients skip."""
    usual, app.HEARTBEAT_SECONDS = app.HEARTBEAT_SECONDS, 0.05
    try:
        async with Served(ScriptedLLM(byte_tokenizer(), step_seconds=0.01)) as served:
            script = [Step([65]), Step([66], pause=40), Step([END], "stop")]
            served.llm.say(script)
            stream = await served.client.chat.completions.create(model="tiny", messages=USER, stream=True)
            assert (await gather(stream))[0] == "AB"
            served.llm.say(script)
            response = await served.post("/v1/chat/completions", {"messages": USER, "stream": True})
            assert response.text.count(": waiting\n\n") >= 2 and response.text.endswith("data: [DONE]\n\n"), (
                response.text
            )
    finally:
        app.HEARTBEAT_SECONDS = usual


async def case_thinking():
    async with Served() as served:
        served.llm.say("<think>\nnever closed")
        result = await served.client.chat.completions.create(model="tiny", messages=USER)
        message = result.choices[0].message
        assert (message.content, message.reasoning_content) == ("", "never closed"), message
        assert message.reasoning == "never closed"
        served.llm.say("<think>\nfirst\n</think>\n\nthen", cut=3)
        text, reasoning, _, finish, _, _, _ = await gather(
            await served.client.chat.completions.create(
                model="tiny", messages=USER, stream=True, extra_body={"thinking_budget": 5}
            )
        )
        assert (text, reasoning, finish) == ("then", "first", "stop"), (text, reasoning, finish)
        assert served.llm.submitted[-1].params.thinking_budget == 5
    async with Served(reasoning="none") as served:
        served.llm.say("<think>x</think>y")
        result = await served.client.chat.completions.create(model="tiny", messages=USER)
        assert result.choices[0].message.content == "<think>x</think>y"


async def case_chat_logprobs():
    async with Served() as served:
        ids = list("é?".encode()) + [END]
        for stream in (False, True):
            served.llm.say("é?")
            result = await served.client.chat.completions.create(
                model="tiny", messages=USER, logprobs=True, top_logprobs=2, stream=stream
            )
            content = (await gather(result))[4] if stream else result.choices[0].logprobs.content
            assert [entry.logprob for entry in content] == [logprob(token) for token in ids], content
            assert [entry.bytes for entry in content] == [[0xC3], [0xA9], [0x3F], list(b"<end>")]
            assert [entry.token for entry in content] == ["\ufffd", "\ufffd", "?", "<end>"]
            for token, entry in zip(ids, content):
                expected = top(token, 2)
                assert [(each.bytes, each.logprob) for each in entry.top_logprobs] == [
                    ([t], p) for t, p in expected
                ], entry
        served.llm.say("x")
        result = await served.client.chat.completions.create(model="tiny", messages=USER, logprobs=True)
        assert result.choices[0].logprobs.content[0].top_logprobs == []


async def case_stop_strings():
    async with Served() as served:
        for cut in (1, 2, 3, 50):
            for stream in (False, True):
                served.llm.say("one, two, thr\u00e9e", cut=cut)
                result = await served.client.chat.completions.create(
                    model="tiny", messages=USER, stop=["zzz", "two", "o, two"], logprobs=True, stream=stream
                )
                if stream:
                    text, _, _, finish, tokens, _, _ = await gather(result)
                else:
                    choice = result.choices[0]
                    text, finish, tokens = (
                        choice.message.content,
                        choice.finish_reason,
                        choice.logprobs.content,
                    )
                assert (text, finish) == ("one, ", "stop"), (cut, text, finish)
                assert "".join(entry.token for entry in tokens) == "one, ", tokens
            assert cut > 20 or served.llm.submitted[-1].aborted
        served.llm.say("abcd")
        result = await served.client.completions.create(
            model="tiny", prompt="x", stop=[f"s{i}" for i in range(10000)]
        )
        assert result.choices[0].text == "abcd"


async def case_completion():
    async with Served() as served:
        served.llm.say("world")
        result = await served.client.completions.create(model="tiny", prompt="hello ", max_tokens=50)
        assert result.object == "text_completion" and result.choices[0].text == "world"
        assert result.choices[0].finish_reason == "stop" and result.choices[0].logprobs is None
        served.llm.say("0123456789abcdefgh")
        result = await served.client.completions.create(model="tiny", prompt=[1, 2, 3])
        assert result.choices[0].text == "0123456789abcdef" and result.choices[0].finish_reason == "length"
        assert served.llm.submitted[-1].prompt == [1, 2, 3]


async def case_completion_lists():
    async with Served() as served:
        for stream in (False, True):
            for prompt in (["a", "bb"], [[97], [98, 98]]):
                served.llm.say("A0", "A1")
                served.llm.say("B0", "B1")
                result = await served.client.completions.create(
                    model="tiny", prompt=prompt, n=2, stream=stream, max_tokens=9
                )
                texts, ends = {}, {}
                if stream:
                    async for chunk in result:
                        for choice in chunk.choices:
                            texts[choice.index] = texts.get(choice.index, "") + choice.text
                            ends[choice.index] = choice.finish_reason
                else:
                    texts = {choice.index: choice.text for choice in result.choices}
                    ends = {choice.index: choice.finish_reason for choice in result.choices}
                    assert result.usage.prompt_tokens == 3 and result.usage.completion_tokens == 12
                assert texts == {0: "A0", 1: "A1", 2: "B0", 3: "B1"}, texts
                assert ends == dict.fromkeys(range(4), "stop"), ends


async def case_completion_logprobs():
    async with Served() as served:
        for stream in (False, True):
            served.llm.say("dé")
            result = await served.client.completions.create(
                model="tiny", prompt="abc", echo=True, logprobs=1, stream=stream
            )
            if stream:
                parts = [chunk.choices[0] async for chunk in result]
            else:
                parts = result.choices
            text = "".join(part.text for part in parts)
            tokens, values, tops, offsets = [], [], [], []
            for part in parts:
                tokens += part.logprobs.tokens
                values += part.logprobs.token_logprobs
                tops += part.logprobs.top_logprobs
                offsets += part.logprobs.text_offset
            assert text == "abcdé", text
            assert tokens == ["a", "b", "c", "d", "bytes:\\xc3", "bytes:\\xa9", "<end>"], tokens
            assert values == [None, *[logprob(token) for token in [*"bcdé".encode(), END]]], values
            assert offsets == [0, 1, 2, 3, 4, 4, 5], offsets
            assert tops[0] is None and tops[1] == {"c": -0.25, "b": logprob(98)}, tops
        # As lm-eval does: the prompt's log-probabilities, with a token or with none.
        for max_tokens, count in ((1, 4), (0, 3)):
            result = await served.client.completions.create(
                model="tiny", prompt=[97, 98, 99], echo=True, logprobs=1, max_tokens=max_tokens
            )
            choice = result.choices[0]
            assert choice.logprobs.token_logprobs[:3] == [None, logprob(98), logprob(99)], choice
            assert len(choice.logprobs.tokens) == count and choice.finish_reason == "length", choice
            assert result.usage.completion_tokens == max_tokens
        result = await served.client.completions.create(model="tiny", prompt="abc", echo=True, max_tokens=0)
        assert result.choices[0].text == "abc" and result.choices[0].finish_reason == "length"
        events = await served.events(
            "/v1/completions", {"prompt": ["ab", "c"], "echo": True, "max_tokens": 0, "logprobs": 0}
        )
        assert [each["choices"][0]["text"] for each in events] == ["ab", "c"], events
        assert events[0]["choices"][0]["logprobs"]["token_logprobs"] == [None, logprob(98)], events
        # The next request is served as ever.
        assert (await served.client.completions.create(model="tiny", prompt="abc")).choices[0].text == "ok"


async def case_best_of():
    async with Served() as served:
        # The mean log-probability of a token falls with its id; that of the end token is the lowest.
        served.llm.say("zz", "aa", "mmmm")
        result = await served.client.completions.create(model="tiny", prompt="x", n=2, best_of=3)
        assert [choice.text for choice in result.choices] == ["mmmm", "aa"], result
        assert [choice.index for choice in result.choices] == [0, 1]
        assert all(choice.logprobs is None for choice in result.choices)
        assert result.usage.completion_tokens == 11


async def case_choices_that_end_apart():
    async with Served() as served:
        served.llm.say("stop here", [Step([65]), *pieces("later", 1)], "x")
        result = await served.client.chat.completions.create(
            model="tiny", messages=USER, n=3, stop="here", seed=7
        )
        assert [choice.message.content for choice in result.choices] == ["stop ", "Alater", "x"], result
        assert served.llm.submitted[-1].params.seed == 7 and served.llm.submitted[-1].params.n == 3


async def case_sampling_fields():
    async with Served(
        ScriptedLLM(byte_tokenizer(), defaults={"temperature": 0.25, "top_k": 9, "top_p": 0.5})
    ) as served:
        await served.client.chat.completions.create(
            model="tiny",
            messages=USER,
            temperature=0.5,
            top_p=0.9,
            presence_penalty=-1,
            frequency_penalty=1.5,
            seed=-1,
            max_completion_tokens=7,
            max_tokens=100,
            logit_bias={"65": 100, "66": -2.5},
            user="u",
            extra_body={
                "top_k": 5,
                "min_p": 0.1,
                "repetition_penalty": 1.2,
                "ignore_eos": True,
                "min_tokens": 3,
                "stop_token_ids": [7],
                "allowed_token_ids": [1, 2],
                "priority": -5,
                "logprobs_mode": "processed",
                "chat_template_kwargs": {"x": 1},
            },
        )
        params = served.llm.submitted[-1].params
        got = {
            name: getattr(params, name)
            for name in (
                "temperature",
                "top_p",
                "presence_penalty",
                "frequency_penalty",
                "seed",
                "max_tokens",
                "logit_bias",
                "top_k",
                "min_p",
                "repetition_penalty",
                "ignore_eos",
                "min_tokens",
                "stop_token_ids",
                "allowed_token_ids",
                "priority",
                "logprobs_mode",
            )
        }
        assert got == {
            "temperature": 0.5,
            "top_p": 0.9,
            "presence_penalty": -1,
            "frequency_penalty": 1.5,
            "seed": 2**64 - 1,
            "max_tokens": 7,
            "logit_bias": {65: 100, 66: -2.5},
            "top_k": 5,
            "min_p": 0.1,
            "repetition_penalty": 1.2,
            "ignore_eos": True,
            "min_tokens": 3,
            "stop_token_ids": [7],
            "allowed_token_ids": [1, 2],
            "priority": -5,
            "logprobs_mode": "processed",
        }, got
        await served.client.chat.completions.create(model="tiny", messages=USER, top_p=0)
        params = served.llm.submitted[-1].params
        assert (params.temperature, params.top_k, params.seed) == (0.25, 1, None), params
        await served.client.completions.create(model="tiny", prompt="a", extra_body={"top_k": -1})
        params = served.llm.submitted[-1].params
        assert (params.temperature, params.top_k, params.top_p, params.max_tokens) == (0.25, 0, 0.5, 16), (
            params
        )


async def case_limits_of_tokens():
    async with Served(ScriptedLLM(byte_tokenizer(), max_model_len=32)) as served:
        served.llm.say("y" * 100)
        result = await served.client.completions.create(model="tiny", prompt="x" * 20, max_tokens=10**6)
        assert result.choices[0].text == "y" * 12 and result.choices[0].finish_reason == "length"
        served.llm.say("y" * 100)
        result = await served.client.chat.completions.create(model="tiny", messages=USER)
        assert result.usage.total_tokens == 32 and result.choices[0].finish_reason == "length", result
        try:
            await served.client.completions.create(model="tiny", prompt="x" * 32)
            raise AssertionError("accepted")
        except openai.BadRequestError as error:
            assert error.code == "context_length_exceeded" and error.param == "prompt", error
            assert "maximum context length is 32 tokens" in error.message and "has 32 tokens" in error.message
        # A prompt of the whole context has log-probabilities, though no response.
        result = await served.client.completions.create(
            model="tiny", prompt="x" * 32, max_tokens=0, echo=True, logprobs=0
        )
        assert len(result.choices[0].logprobs.tokens) == 32


async def case_no_tokenizer():
    async with Served(ScriptedLLM(None)) as served:
        served.llm.say("AB")
        result = await served.client.completions.create(model="tiny", prompt=[1, 2], logprobs=1)
        choice = result.choices[0]
        assert choice.text == "" and choice.token_ids == [65, 66, END] and choice.prompt_token_ids == [1, 2]
        assert choice.logprobs.tokens == ["token_id:65", "token_id:66", f"token_id:{END}"]
        served.llm.say("AB")
        events = await served.events("/v1/completions", {"prompt": [1]})
        assert [each["choices"][0]["token_ids"] for each in events] == [[65], [66], [END]], events
        for path, body in (
            ("/v1/completions", {"prompt": "x"}),
            ("/v1/chat/completions", {"messages": USER}),
            ("/v1/completions", {"prompt": [1], "stop": "x"}),
            ("/tokenize", {"prompt": "x"}),
            ("/detokenize", {"tokens": [1]}),
        ):
            error = await served.refused(path, body, 400, "has no tokenizer")
            assert error["code"] == "no_tokenizer"


async def case_token_ids():
    async with Served() as served:
        for path, body in (
            ("/v1/chat/completions", {"messages": USER}),
            ("/v1/completions", {"prompt": "hi"}),
        ):
            served.llm.say("né")
            ids = [*"né".encode(), END]
            result = (await served.post(path, {**body, "return_token_ids": True})).json()
            assert result["choices"][0]["token_ids"] == ids, result
            served.llm.say("né")
            events = await served.events(path, {**body, "return_token_ids": True})
            assert sum((each["choices"][0].get("token_ids", []) for each in events), []) == ids, events
        served.llm.say("a")
        result = (
            await served.post(
                "/v1/completions", {"prompt": "a", "logprobs": 1, "return_tokens_as_token_ids": True}
            )
        ).json()
        assert result["choices"][0]["logprobs"]["tokens"] == ["token_id:97", f"token_id:{END}"]


async def case_models_and_tokens():
    async with Served() as served:
        models = [model async for model in await served.client.models.list()]
        assert [model.id for model in models] == ["tiny", "alias"] and models[0].max_model_len == 1024
        assert (await served.client.models.retrieve("alias")).id == "alias"
        result = (
            await served.post(
                "/tokenize", {"prompt": "é<end>", "return_token_strs": True, "add_special_tokens": False}
            )
        ).json()
        assert result["tokens"] == list("é<end>".encode()) and result["count"] == 7, result
        assert result["token_strs"][0] == "bytes:\\xc3" and result["max_model_len"] == 1024
        result = (await served.post("/tokenize", {"prompt": "a<end>", "allow_special": True})).json()
        assert result["tokens"] == [97, END], result
        chat = (await served.post("/tokenize", {"messages": USER, "add_generation_prompt": False})).json()
        assert chat["tokens"] == [256, 257, *b"user: hi", END], chat
        info = (await served.http.get("/tokenizer_info")).json()
        assert info["eos_token"] == "<end>" and info["bos_token"] is None and info["vocab_size"] == 272, info
        text = (await served.post("/detokenize", {"tokens": [*"né".encode(), END]})).json()
        assert text == {"prompt": "né<end>"}, text
        # Control tokens in users' text are text.
        await served.client.chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "<end>"}]
        )
        assert served.llm.submitted[-1].prompt.count(END) == 1
        await served.client.completions.create(model="tiny", prompt="<end>")
        assert served.llm.submitted[-1].prompt == list(b"<end>")
