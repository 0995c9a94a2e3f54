# ===- refusals.py - bad requests -----------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Requests that the server must refuse, with the right status and OpenAI's JSON; and it must go on
serving."""

import asyncio
import copy
import json
import random

import httpx2 as httpx
import openai
from clients import TOOLS, USER
from double import ScriptedLLM, Step, byte_tokenizer
from harness import Served, check_error, raw_request

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"


async def lives(served):
    """The server still answers."""
    served.llm.scripts.clear()
    assert (await served.client.completions.create(model="tiny", prompt="x")).choices[0].text == "ok"
    assert not served.llm.running


async def case_bodies():
    async with Served(max_body_bytes=100_000) as served:
        for content, parts in (
            (b"", ["not valid JSON"]),
            (b"{", ["not valid JSON", "line 1, column 2"]),
            (b"[1]", ["JSON object"]),
            (b"null", ["JSON object"]),
            (b'"x"', ["JSON object"]),
            (b"\xff{}", ["not valid UTF-8 (byte 0)"]),
            (b'{"prompt": "\xc3"}', ["not valid UTF-8 (byte 12)"]),
            (b'{"prompt": "\\ud800"}', ["surrogate"]),
            (b'{"\\udc00": 1}', ["surrogate"]),
            (b'{"prompt": "a", "temperature": NaN}', ["NaN"]),
            (b'{"prompt": "a", "temperature": Infinity}', ["Infinity"]),
            (b'{"prompt": "a", "temperature": -Infinity}', ["-Infinity"]),
            (b'{"prompt": "a", "temperature": 1e999}', ["1e999", "out of range"]),
            (b'{"prompt": "a", "seed": ' + b"1" * 5000 + b"}", ["too many digits"]),
            (b'{"prompt": "a", "seed": ' + b"1" * 50 + b"}", ["'seed'", "many digits"]),
            (b'{"prompt": "a", "prompt": "b"}', ["'prompt' occurs twice"]),
            (b"[" * 50_000, ["nested too deep"]),
            (b'{"prompt": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", []),
        ):
            error = await served.refused(
                COMPLETIONS, None, 400, *parts, content=content, headers={"content-type": "application/json"}
            )
            assert error["type"] == "invalid_request_error", error
        await served.refused(
            COMPLETIONS,
            None,
            413,
            "100000 bytes",
            content=b" " * 100_001,
            headers={"content-type": "application/json"},
        )

        async def pieces():
            for _ in range(11):
                yield b" " * 10_000

        await served.refused(
            COMPLETIONS,
            None,
            413,
            "100000 bytes",
            content=pieces(),
            headers={"content-type": "application/json"},
        )
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            await served.refused(
                COMPLETIONS,
                None,
                415,
                kind.partition(";")[0],
                content=b'{"prompt": "a"}',
                headers={"content-type": kind},
            )
        await served.refused(
            COMPLETIONS,
            None,
            415,
            "Compressed",
            content=b"x",
            headers={"content-type": "application/json", "content-encoding": "gzip"},
        )
        response = await served.post(
            COMPLETIONS,
            content=b'{"prompt": "\\ud83d\\ude42"}',
            headers={"content-type": "application/json; charset=utf-8"},
        )
        assert response.status_code == 200 and served.llm.submitted[-1].prompt == list("🙂".encode())
        await lives(served)


async def case_types():
    async with Served() as served:
        wrong = {
            "max_tokens": ["5", 1.5, True, -1, [], {}, 2**40],
            "temperature": ["1", True, -0.1, [], {}],
            "top_p": ["1", -0.1, 1.1],
            "n": [0, 129, "1", 1.0, False],
            "seed": [1.5, "1", 2**64, -(2**63) - 1],
            "presence_penalty": [2.1, -2.1, "0"],
            "frequency_penalty": [2.1, "0"],
            "logit_bias": [
                [],
                {"a": 1},
                {"-1": 1},
                {"272": 1},
                {"1": "x"},
                {"1": 101},
                {"1": True},
                {"\u0661": 1},
                {str(i): 1 for i in range(2000)},
            ],
            "stop": [1, [1], [""], "", ["x" * 5000], ["x"] * 20000, {}],
            "stream": ["true", 1],
            "stream_options": [{}, {"include_usage": True}],
            "model": [1, []],
            "top_k": [-2, 1.5, "3"],
            "min_p": [-0.1, 1.1],
            "repetition_penalty": [0, -1, "1"],
            "ignore_eos": [1, "yes"],
            "min_tokens": [-1, 17, "1"],
            "stop_token_ids": [1, ["a"], [272], [-1], [True], [1.0]],
            "allowed_token_ids": [[], [272], "x"],
            "priority": [1.5, "high", 2**31],
            "logprobs_mode": ["cooked", 1],
            "logprobs": [True, -1, 21],
            "echo": [1, "no"],
            "best_of": [0, 129, "2"],
            "suffix": ["x"],
            "return_token_ids": [1],
            "skip_special_tokens": ["x"],
            "return_tokens_as_token_ids": [0],
            "allow_special": ["x"],
            "prompt": [
                None,
                1,
                {},
                [],
                True,
                [[]],
                [1, "a"],
                ["a", 1],
                [1.5],
                [-1],
                [272],
                [[272]],
                [True],
                [None],
                "",
            ],
        }
        for name, values in wrong.items():
            for value in values:
                error = await served.refused(COMPLETIONS, {"prompt": "x", name: value}, 400)
                assert name in error["message"] or name == "prompt", (name, value, error)
                assert error["param"] is None or error["param"].startswith(name), (name, error)
        await served.refused(COMPLETIONS, {"prompt": "x", "n": 3, "best_of": 2}, 400, "'best_of'")
        await served.refused(COMPLETIONS, {"prompt": "x", "best_of": 2, "stream": True}, 400, "'best_of'")
        for value in ({"include_usage": 1}, {"usage": True}, []):
            await served.refused(
                COMPLETIONS, {"prompt": "x", "stream": True, "stream_options": value}, 400, "stream_options"
            )
        assert not served.llm.submitted
        # Null is as good as missing.
        response = await served.post(COMPLETIONS, {**dict.fromkeys(wrong), "prompt": "x"})
        assert response.status_code == 200, response.text
        await lives(served)


async def case_chat_types():
    async with Served() as served:
        for messages in (
            None,
            [],
            {},
            "hi",
            ["hi"],
            [{}],
            [{"role": "user"}],
            [{"role": "king", "content": "x"}],
            [{"role": 1, "content": "x"}],
            [{"role": "user", "content": 1}],
            [{"role": "user", "content": []}],
            [{"role": "user", "content": ["x"]}],
            [{"role": "user", "content": [{"type": "text"}]}],
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
            [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
            [{"role": "user", "content": "x", "mood": "good"}],
            [{"role": "user", "content": "x", "name": 1}],
            [{"role": "assistant", "content": None}],
            [{"role": "tool", "content": "x"}],
            [{"role": "user", "content": "x", "tool_calls": []}],
            [{"role": "assistant", "tool_calls": [1]}],
            [{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f"}}]}],
            [{"role": "assistant", "tool_calls": [{"type": "custom", "custom": {}}]}],
            [{"role": "function", "name": "f", "content": "x"}],
        ):
            error = await served.refused(CHAT, {"messages": messages}, 400)
            assert error["param"].startswith("messages"), error
        for field, value in (
            ("tools", {}),
            ("tools", [1]),
            ("tools", [{"type": "custom"}]),
            ("tools", [{"type": "function"}]),
            ("tools", [{"type": "function", "function": {"name": 1}}]),
            ("tools", TOOLS * 200),
            ("tools", [{"type": "function", "function": {"name": "f", "parameters": []}}]),
            ("tool_choice", "required"),
            ("tool_choice", {"type": "function", "function": {"name": "add"}}),
            ("tools", [{"type": "function", "function": {"name": "f", "strict": 1}}]),
            ("tool_choice", "any"),
            ("tool_choice", "auto"),
            ("tool_choice", 1),
            ("functions", [{"name": "f"}]),
            ("function_call", {"name": "f"}),
            ("response_format", {"type": "json_schema"}),
            ("response_format", {}),
            ("response_format", "json_object"),
            ("response_format", {"type": "structural_tag"}),
            ("response_format", {"type": "text", "x": 1}),
            ("response_format", {"type": "json_schema", "json_schema": {"schema": []}}),
            ("response_format", {"type": "json_schema", "json_schema": {"schema": {}, "strict": 1}}),
            ("response_format", {"type": "json_schema", "json_schema": {"schema": {}, "other": 1}}),
            ("structured_outputs", []),
            ("structured_outputs", {}),
            ("structured_outputs", {"structural_tag": "x"}),
            ("structured_outputs", {"regex": 1}),
            ("structured_outputs", {"regex": "a", "choice": ["b"]}),
            ("structured_outputs", {"choice": []}),
            ("structured_outputs", {"choice": [1]}),
            ("structured_outputs", {"json": "{"}),
            ("guided_json", 1),
            ("guided_json", "["),
            ("guided_choice", "ab"),
            ("modalities", ["audio"]),
            ("audio", {"voice": "x"}),
            ("web_search_options", {}),
            ("moderation", {}),
            ("top_logprobs", 2),
            ("logprobs", 1),
            ("max_completion_tokens", 0),
            ("thinking_budget", -1),
            ("chat_template_kwargs", []),
            ("chat_template_kwargs", {"messages": []}),
            ("parallel_tool_calls", 1),
        ):
            error = await served.refused(CHAT, {"messages": USER, field: value}, 400, field)
            assert error["param"].startswith(field), error
        for choice in (
            {"type": "function", "function": {"name": "mul"}},
            {"type": "allowed_tools"},
            {"type": "function"},
        ):
            await served.refused(
                CHAT, {"messages": USER, "tools": TOOLS, "tool_choice": choice}, 400, "'tool_choice'"
            )
        await served.refused(
            CHAT,
            {"messages": USER, "response_format": {"type": "json_object"}, "guided_regex": "a"},
            400,
            "'response_format' and 'guided_regex'",
        )
        served.llm.refuse_forms = True
        for body, field in (
            ({"response_format": {"type": "json_object"}}, "response_format"),
            ({"tools": TOOLS, "tool_choice": "required"}, "tools"),
            ({"structured_outputs": {"regex": "a"}}, "structured_outputs"),
        ):
            error = await served.refused(
                CHAT, {"messages": USER, **body}, 400, f"Invalid '{field}': no such form"
            )
            assert (error["param"], error["code"]) == (field, "invalid_form"), error
        # Harmless values of refused fields.
        response = await served.post(
            CHAT,
            {
                "messages": USER,
                "response_format": {"type": "text"},
                "modalities": ["text"],
                "functions": [],
                "tool_choice": "none",
                "function_call": "none",
            },
        )
        assert response.status_code == 200, response.text
        # Parts, developer, names and refusals are accepted.
        response = await served.post(
            CHAT,
            {
                "messages": [
                    {"role": "developer", "content": "be"},
                    {
                        "role": "user",
                        "name": "me",
                        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    },
                    {"role": "assistant", "content": None, "refusal": "no"},
                    *USER,
                ]
            },
        )
        assert response.status_code == 200, response.text
        await lives(served)


async def case_unknown_fields():
    async with Served() as served:
        error = await served.refused(
            CHAT, {"messages": USER, "temprature": 1}, 400, "'temprature'", "'temperature'"
        )
        assert error["code"] == "unknown_parameter" and error["param"] == "temprature", error
        await served.refused(COMPLETIONS, {"prompt": "x", "y" * 5000: 1}, 400)
        await served.refused(COMPLETIONS, {"prompt": "x", "new\nline\x1b[31m": 1}, 400)
        await served.refused(COMPLETIONS, {"prompt": "x", "messages": USER}, 400, "'messages'")
        response = await served.post(
            CHAT, {"messages": USER, "store": True, "metadata": {"a": "b"}, "reasoning_effort": "low"}
        )
        assert response.status_code == 200
        assert response.headers["x-m1-ignored"] == "store, metadata, reasoning_effort", response.headers
        response = await served.post(CHAT, {"messages": USER, "store": None})
        assert "x-m1-ignored" not in response.headers


async def case_paths():
    async with Served() as served:
        for method, path, status in (
            ("GET", CHAT, 405),
            ("DELETE", COMPLETIONS, 405),
            ("POST", "/v1/models", 405),
            ("PUT", "/health", 405),
            ("GET", "/", 404),
            ("POST", "/v1/embeddings", 404),
            ("GET", "/v1/models/none", 404),
            ("GET", "/v1/models/", 404),
            ("POST", CHAT + "/", 404),
            ("GET", "/%2e%2e/etc/passwd", 404),
        ):
            response = await served.http.request(method, path)
            check_error(response, status)
            if status == 405:
                assert response.headers["allow"], response.headers
        error = await served.refused(
            CHAT, {"messages": USER, "model": "other"}, 404, "'other'", "tiny, alias"
        )
        assert error["code"] == "model_not_found"
        for path in (COMPLETIONS, "/tokenize", "/detokenize"):
            await served.refused(
                path,
                {"model": "other", "prompt": "x"}
                if path != "/detokenize"
                else {"model": "other", "tokens": []},
                404,
                "'other'",
            )
        for path, body in (
            ("/tokenize", {}),
            ("/tokenize", {"prompt": 1}),
            ("/tokenize", {"prompt": "", "messages": USER}),
            ("/detokenize", {}),
            ("/detokenize", {"tokens": "x"}),
            ("/detokenize", {"tokens": [272]}),
            ("/detokenize", {"tokens": [-1]}),
            ("/tokenize", {"prompt": "x", "y": 1}),
        ):
            await served.refused(path, body, 400)
        assert (await served.http.head("/health")).status_code == 200
        health, version = await served.http.get("/health"), await served.http.get("/version")
        assert health.json() == {"status": "ok"} and version.json() == {"version": "1.0"}


async def case_keys():
    async with Served(keys=["first key", "s\u00e9cond"]) as served:
        for header in (
            None,
            "",
            "first key",
            "Bearer",
            "Bearer wrong",
            "Basic first key",
            "Bearer first key2",
        ):
            headers = {} if header is None else {"authorization": header}
            for method, path in (
                ("POST", CHAT),
                ("POST", COMPLETIONS),
                ("GET", "/v1/models"),
                ("POST", "/tokenize"),
                ("POST", "/detokenize"),
            ):
                response = await served.http.request(method, path, headers=headers)
                check_error(response, 401)
                assert response.headers["www-authenticate"] == "Bearer"
        for key in ("first key", "s\u00e9cond"):
            response = await served.http.get(
                "/v1/models", headers={"authorization": f"Bearer {key}".encode()}
            )
            assert response.status_code == 200, response.text
        for path in ("/health", "/version", "/metrics"):
            assert (await served.http.get(path)).status_code == 200
        try:
            await served.client.chat.completions.create(model="tiny", messages=USER)
            raise AssertionError("accepted")
        except openai.AuthenticationError as error:
            assert error.code == "invalid_api_key", error
        await served.client.with_options(api_key="first key").models.list()


async def case_queue_full():
    async with Served(ScriptedLLM(byte_tokenizer(), max_queued=2)) as served:
        served.llm.gate.clear()
        waiting = [asyncio.create_task(served.post(COMPLETIONS, {"prompt": "x"})) for _ in range(2)]
        while len(served.llm.running) < 2:
            await asyncio.sleep(0.01)
        for body in ({"prompt": "x"}, {"prompt": ["x", "y"]}, {"prompt": "x", "stream": True}):
            response = await served.post(COMPLETIONS, body)
            assert check_error(response, 429, "queue is full")["code"] == "queue_full"
            assert response.headers["retry-after"] == "1"
        assert len(served.llm.running) == 2
        served.llm.gate.set()
        assert [response.status_code for response in await asyncio.gather(*waiting)] == [200, 200]
        # Of a list that does not fit, nothing stays behind.
        await served.refused(COMPLETIONS, {"prompt": ["x", "y", "z"]}, 429)
        await lives(served)
    async with Served() as served:
        served.llm.close()
        await served.refused(COMPLETIONS, {"prompt": "x"}, 503, "shutting down")


async def case_engine_errors():
    async with Served() as served:
        for script, status in (
            ([Step([65]), Step([], "error")], 500),
            ([Step([65]), Step([], "abort")], 503),
            ([Step([65]), RuntimeError("secret")], 500),
        ):
            for path, body in (
                (CHAT, {"messages": USER}),
                (COMPLETIONS, {"prompt": "x"}),
                (COMPLETIONS, {"prompt": ["x", "y"]}),
            ):
                served.llm.say(script)
                error = await served.refused(path, body, status)
                assert "secret" not in error["message"], error
                served.llm.scripts.clear()
                served.llm.say(script)
                events = await served.events(path, body)
                assert "error" in events[-1] and "choices" in events[0], events
                assert "secret" not in json.dumps(events)
        served.llm.say([Step([65]), Step([], "error")])
        try:
            async for _ in await served.client.chat.completions.create(
                model="tiny", messages=USER, stream=True
            ):
                pass
            raise AssertionError("no error")
        except openai.APIError as error:
            assert error.code == "internal_error", error
        await lives(served)


async def case_timeout():
    async with Served(request_timeout=0.3) as served:
        for path, body in ((CHAT, {"messages": USER}), (COMPLETIONS, {"prompt": "x"})):
            served.llm.say([Step([65]), Step([66], pause=10**9)])
            error = await served.refused(path, body, 504, "0.3 seconds")
            assert error["code"] == "timeout"
            served.llm.say([Step([65]), Step([66], pause=10**9)])
            events = await served.events(path, body)
            assert events[-1]["error"]["code"] == "timeout" and len(events) > 1, events
            assert served.llm.submitted[-1].aborted and not served.llm.running
        await lives(served)
    async with Served(body_timeout=0.2) as served:
        reader, writer = await served.raw(raw_request(COMPLETIONS, b'{"prompt": "x"}')[:-3])
        assert b" 408 " in await reader.readline()
        writer.close()
        await lives(served)


async def case_http_that_is_none():
    async with Served() as served:
        for data in (
            b"GARBAGE\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
            b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        ):
            reader, writer = await served.raw(data)
            try:
                answer = await asyncio.wait_for(reader.read(200), 5)
                assert answer == b"" or b" 400 " in answer or b" 404 " in answer, answer
            except ConnectionResetError:
                pass
            writer.close()
        await lives(served)


async def case_fuzz():
    """Mutations of good requests: an answer with a status that is not 500, and OpenAI's JSON if it is no
    success."""
    generator = random.Random(1)
    values = [
        None,
        True,
        0,
        -1,
        1,
        2.5,
        "",
        "x",
        [],
        [1],
        ["x"],
        {},
        {"type": "text"},
        [[1]],
        10**20,
        [{}],
        "auto",
    ]
    async with Served() as served:
        good = [
            (
                CHAT,
                {"messages": USER, "tools": TOOLS, "stop": "x", "n": 2, "logprobs": True, "top_logprobs": 1},
            ),
            (COMPLETIONS, {"prompt": ["a", "b"], "stop": ["x"], "logprobs": 1, "echo": True, "best_of": 2}),
            ("/tokenize", {"prompt": "x"}),
            ("/detokenize", {"tokens": [1]}),
        ]
        for _ in range(300):
            path, body = generator.choice(good)
            body = json.loads(json.dumps(body))
            for _ in range(generator.randint(1, 3)):
                at, key = body, None
                while isinstance(at, (dict, list)) and at:
                    keys = list(at) if isinstance(at, dict) else list(range(len(at)))
                    holder, key = at, generator.choice(keys)
                    at = at[key]
                    if generator.random() < 0.4:
                        break
                if key is not None:
                    holder[key] = copy.deepcopy(generator.choice(values))
            response = await served.post(path, body)
            if response.status_code != 200:
                assert response.status_code in (400, 404), (body, response.text)
                check_error(response, response.status_code)
        await lives(served)


async def case_transport():
    """The application works on any ASGI server: here on none at all."""
    async with Served() as served:
        transport = httpx.ASGITransport(served.application.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            assert (await client.post(COMPLETIONS, json={"prompt": "x"})).json()["choices"][0]["text"] == "ok"
            check_error(await client.get("/nowhere"), 404)
