# ===- lives.py - clients that leave, servers that end, metrics, batches, benchmarks ===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What happens around requests: disconnects, shutdown, metrics, batches, the benchmark's client."""

import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import openai
from clients import TOOLS, USER
from double import END, ScriptedLLM, Step, byte_tokenizer, pieces
from harness import Served, check_error, free_port, raw_request, until
from m1c.cli.options import engine_options
from m1c.server import batch, bench, cli, fields, json_text, requests
from openai.types import completion_create_params
from openai.types.chat import completion_create_params as chat_create_params
from prometheus_client.parser import text_string_to_metric_families

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
FOREVER = [Step([65], pause=2)] * 1000
DOCS = Path(__file__).resolve().parents[3] / "docs"


# ---- Clients that leave


async def case_disconnect():
    """The engine is free two steps after the client has gone, streaming or not, before or after the first
    token."""
    async with Served(ScriptedLLM(byte_tokenizer(), step_seconds=0.01)) as served:
        llm = served.llm
        bodies = [
            (CHAT, {"messages": USER}),
            (COMPLETIONS, {"prompt": "x"}),
            (COMPLETIONS, {"prompt": ["x", "y"]}),
        ]
        for path, body in bodies:
            for stream in (False, True):
                for steps in (1, 7):
                    for _ in range(2):
                        llm.say(FOREVER)
                    data = json.dumps({**body, "stream": stream, "max_tokens": 900}).encode()
                    _, writer = await served.raw(raw_request(path, data))
                    await until(lambda: llm.running and llm.running[-1].steps >= steps)
                    # From here on, the engine makes a step only when the server has had its turn.
                    writer.transport.abort()
                    before = llm.steps
                    await until(lambda: not llm.running)
                    assert llm.steps - before <= 2, llm.steps - before
                    assert all(stream.aborted for stream in llm.submitted)
                    llm.scripts.clear()
        await until(lambda: served.application.active == 0)
        assert served.service.metrics.disconnects == 12
        assert (await served.client.completions.create(model="tiny", prompt="x")).choices[0].text == "ok"


async def case_thousand_aborts():
    async with Served() as served:
        llm = served.llm
        for i in range(100):
            llm.scripts.extend([[FOREVER]] * 10)
            data = json.dumps({"prompt": "x", "max_tokens": 900, "stream": i % 2 == 0}).encode()
            writers = [(await served.raw(raw_request(COMPLETIONS, data)))[1] for _ in range(10)]
            await until(lambda: len(llm.submitted) == 10 * (i + 1))
            for writer in writers:
                writer.transport.abort()
        await until(lambda: not llm.running and served.application.active == 0)
        assert len(llm.submitted) == 1000 and all(stream.aborted for stream in llm.submitted)
        assert served.service.metrics.finished["abort"] == 1000
        assert (await served.client.completions.create(model="tiny", prompt="x")).choices[0].text == "ok"


async def case_openai_client_that_leaves():
    async with Served() as served:
        served.llm.say(FOREVER)
        stream = await served.client.chat.completions.create(model="tiny", messages=USER, stream=True)
        async for _ in stream:
            break
        await stream.close()
        await until(lambda: not served.llm.running)
        served.llm.say(FOREVER)
        with contextlib.suppress(openai.APITimeoutError):
            await served.client.with_options(timeout=0.2).chat.completions.create(model="tiny", messages=USER)
            raise AssertionError("answered")
        await until(lambda: not served.llm.running)


async def case_slow_reader():
    """A client that does not read holds up nobody else."""
    async with Served() as served:
        served.llm.say([Step(list(b"x" * 1000))] + pieces("y" * 900))
        _, writer = await served.raw(
            raw_request(
                COMPLETIONS,
                json.dumps({"prompt": "x", "stream": True, "max_tokens": 1000, "logprobs": 20}).encode(),
            )
        )
        await until(lambda: served.llm.submitted)
        assert (await served.client.completions.create(model="tiny", prompt="x")).choices[0].text == "ok"
        writer.transport.abort()
        await until(lambda: served.application.active == 0)


async def case_many_at_once():
    async with Served() as served:
        texts = [f"répondre {i}" for i in range(60)]
        served.llm.scripts.extend([[pieces(text, 1 + i % 5)] for i, text in enumerate(texts)])

        async def ask(i):
            result = ""
            async for chunk in await served.client.completions.create(
                model="tiny", prompt=[i], stream=True, max_tokens=50
            ):
                result += chunk.choices[0].text
            return served.llm.submitted[[s.prompt for s in served.llm.submitted].index([i])], result

        answers = await asyncio.gather(*[ask(i) for i in range(60)])
        assert sorted(text for _, text in answers) == sorted(texts)


# ---- Browsers


async def case_cors():
    async with Served() as served:
        response = await served.http.get("/health", headers={"origin": "http://page"})
        assert "access-control-allow-origin" not in response.headers
        check_error(
            await served.http.options(
                CHAT, headers={"origin": "http://page", "access-control-request-method": "POST"}
            ),
            405,
        )
    async with Served(origins=["http://page"], keys=["k"]) as served:
        response = await served.http.options(
            CHAT,
            headers={
                "origin": "http://page",
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,content-type",
            },
        )
        assert response.status_code == 200, response.text
        assert response.headers["access-control-allow-origin"] == "http://page"
        response = await served.http.get(
            "/v1/models", headers={"origin": "http://other", "authorization": "Bearer k"}
        )
        assert "access-control-allow-origin" not in response.headers
        response = await served.post(CHAT, {"messages": USER}, headers={"origin": "http://page"})
        check_error(response, 401)
        assert response.headers["access-control-allow-origin"] == "http://page", (
            "the page could not read the error"
        )


# ---- Ends


async def case_drain():
    async with Served() as served:
        served.llm.gate.clear()
        running = asyncio.create_task(served.post(CHAT, {"messages": USER}))
        stream = asyncio.create_task(served.events(COMPLETIONS, {"prompt": "x"}))
        await until(lambda: len(served.llm.running) == 2)
        served.server.stop()
        await until(lambda: served.service.draining)
        for path, body in ((CHAT, {"messages": USER}), (COMPLETIONS, {"prompt": "x"})):
            response = await served.post(path, body)
            assert check_error(response, 503, "shutting down")["code"] == "shutting_down"
            assert response.headers["retry-after"] == "10"
        check_error(await served.http.get("/health"), 503)
        assert (await served.http.get("/metrics")).status_code == 200
        served.llm.gate.set()
        assert (await running).json()["choices"][0]["message"]["content"] == "ok"
        assert (await stream)[-1]["choices"][0]["finish_reason"] == "stop"
        await asyncio.wait_for(served.task, 100)


async def case_engine_failure():
    """A server whose engine has failed ends with status 1."""
    async with Served() as served:
        served.llm.failure = "rank 1 exited on signal 9 (Killed)"
        await asyncio.wait_for(served.task, 60)
        assert served.service.draining and served.server.exit_status == 1


async def case_drain_timeout():
    async with Served(shutdown_timeout=0.2) as served:
        for _ in range(2):
            served.llm.say([Step([65], pause=50)] * 1000)
        running = asyncio.create_task(served.post(CHAT, {"messages": USER}))
        stream = asyncio.create_task(served.events(COMPLETIONS, {"prompt": "x", "max_tokens": 999}))
        await until(lambda: len(served.llm.running) == 2 and all(s.steps > 9 for s in served.llm.running))
        served.server.stop()
        check_error(await running, 503)
        assert (await stream)[-1]["error"]["code"] == "shutting_down"
        await asyncio.wait_for(served.task, 100)
        assert not served.llm.running


class Process:
    """`m1 serve` with a scripted engine, in a process of its own."""

    def __init__(self, *options: str, port: int = 0, **environment: str):
        here = Path(__file__).parent
        self.process = subprocess.Popen(
            [sys.executable, here / "serve_double.py", "model", "--port", str(port), *options],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    async def ready(self) -> str:
        """The address, from the line that the server prints."""
        line = await asyncio.to_thread(self.process.stdout.readline)
        match = re.fullmatch(r"m1 serve: (\S+) at (http://127\.0\.0\.1:\d+)\n", line)
        if not match:
            raise AssertionError((line, self.process.communicate()))
        return match[2]

    async def end(self) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        out, err = await asyncio.to_thread(self.process.communicate)
        return self.process.returncode, out, err


async def case_signals():
    drained, forced = Process("--served-model-name", "a", "b"), Process("--log-level", "error")
    taken = None
    try:
        address = await drained.ready()
        client = openai.AsyncOpenAI(base_url=address + "/v1", api_key="x", max_retries=0, timeout=300)
        assert [model.id async for model in await client.models.list()] == ["a", "b"]
        stream = await client.chat.completions.create(model="b", messages=USER, stream=True)
        seen = [(await anext(stream)).choices[0].delta.content]
        drained.process.send_signal(signal.SIGTERM)
        for _ in range(200):
            try:
                await client.completions.create(model="a", prompt="x", max_tokens=1)
            except openai.InternalServerError as error:
                assert error.status_code == 503, error
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("requests were still accepted")
        async for chunk in stream:
            seen.append(chunk.choices[0].delta.content or "")
        assert "".join(seen) == "slowly" * 5 and chunk.choices[0].finish_reason == "stop", seen
        status, out, err = await drained.end()
        assert status == 0 and out == "", (status, out, err)

        # A second signal does not wait.
        address = await forced.ready()
        taken = Process(port=int(address.rsplit(":", 1)[1]))
        status, out, err = await taken.end()
        assert (status, out) == (1, "") and err.count("\n") == 1, (status, out, err)
        assert (
            err.startswith("m1 serve: cannot listen on '127.0.0.1', port ")
            and "Address already in use" in err
        ), err
        client = openai.AsyncOpenAI(base_url=address + "/v1", api_key="x", max_retries=0, timeout=300)
        stream = await client.chat.completions.create(model="model", messages=USER, stream=True)
        await anext(stream)
        forced.process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.2)
        forced.process.send_signal(signal.SIGINT)
        status, out, err = await forced.end()
        assert status == -signal.SIGINT and "second signal" in err, (status, out, err)
    finally:
        for each in (drained, forced, taken):
            if each is not None and each.process.poll() is None:
                each.process.kill()


async def case_curl():
    process = Process(M1_API_KEY="one,two")
    try:
        address = await process.ready()

        async def curl(*arguments: str) -> str:
            run = await asyncio.to_thread(
                subprocess.run, ["curl", "-sS", "-m", "100", *arguments], text=True, capture_output=True
            )
            assert run.returncode == 0, run
            return run.stdout

        body = json.dumps({"messages": USER, "stream": True, "max_tokens": 6})
        key = "Authorization: Bearer two"
        text = await curl("-N", address + CHAT, "-H", key, "-H", "Content-Type: application/json", "-d", body)
        assert text.endswith("\n\ndata: [DONE]\n\n"), text
        deltas = [json.loads(line[6:])["choices"][0] for line in text.split("\n\n")[:-2]]
        assert "".join(each["delta"].get("content", "") for each in deltas) == "slowly", text
        assert deltas[-1]["finish_reason"] == "length", deltas
        text = await curl(address + CHAT, "-H", key, "-d", body, "-w", " %{http_code}")
        assert "expected application/json" in text and text.endswith(" 415"), text
        text = await curl(address + "/v1/models", "-w", " %{http_code}")
        assert text.endswith(" 401"), text
        process.process.send_signal(signal.SIGTERM)
        assert (await process.end())[0] == 0
    finally:
        if process.process.poll() is None:
            process.process.kill()


async def case_options():
    parser = argparse.ArgumentParser(prog="m1 serve")
    cli.add_arguments(parser)
    args = parser.parse_args(
        [
            "/some/dir/model/",
            "--max-model-len",
            "9",
            "--no-enable-prefix-caching",
            "--served-model-name",
            "x",
            "x",
            "y",
        ]
    )
    assert cli.served_names(args) == ["x", "y"]
    assert engine_options(args) == {"max_model_len": 9, "enable_prefix_caching": False}
    assert args.max_num_queued == 1024
    assert cli.served_names(parser.parse_args(["/some/dir/model/"])) == ["model"]
    for wrong in (
        ["--port", "70000"],
        ["--port", "x"],
        ["--max-num-seqs", "0"],
        ["--request-timeout", "-1"],
        ["--request-timeout", "nan"],
        ["--shutdown-timeout", "inf"],
        ["--reasoning-parser", "x"],
    ):
        with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.suppress(SystemExit):
            parser.parse_args(["m", *wrong])
            raise AssertionError(wrong)
        assert wrong[0] in err.getvalue(), err.getvalue()


# ---- Metrics


def scrape(text):
    """The samples of a metrics page: (name, labels without the model) to value."""
    result = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("model_name", "tiny") == "tiny", sample
            key = (sample.name, tuple(sorted(labels.items())))
            assert key not in result, key
            result[key] = sample.value
    return result


async def case_metrics():
    async with Served() as served:
        served.llm.say("abcd")
        await served.post(CHAT, {"messages": USER})
        served.llm.say("ab", "abc")
        await served.events(COMPLETIONS, {"prompt": "xyz", "n": 2, "max_tokens": 3})
        await served.post("/v1/nowhere/" + "x" * 50)
        response = await served.http.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = scrape(response.text)
        prompt = len(served.llm.submitted[0].prompt) + 3
        for prefix in ("m1_", "vllm:"):
            assert found[prefix + "prompt_tokens_total", ()] == prompt
            tokens = "generated_tokens" if prefix == "m1_" else "generation_tokens"
            assert found[f"{prefix}{tokens}_total", ()] == 5 + 3 + 3
            finished = "requests_finished" if prefix == "m1_" else "request_success"
            assert found[f"{prefix}{finished}_total", (("finished_reason", "stop"),)] == 2
            assert found[f"{prefix}{finished}_total", (("finished_reason", "length"),)] == 1
            assert found[prefix + "time_to_first_token_seconds_count", ()] == 2
            assert found[prefix + "inter_token_latency_seconds_count", ()] == 4 + 2 + 2
            assert found[prefix + "time_per_output_token_seconds_count", ()] == 2
            latency = "request_latency" if prefix == "m1_" else "e2e_request_latency"
            assert found[f"{prefix}{latency}_seconds_count", ()] == 2
            assert found[prefix + "request_prompt_tokens_bucket", (("le", "5.0"),)] == 1
            assert found[prefix + "request_prompt_tokens_bucket", (("le", "+Inf"),)] == 2
        for name in (
            "num_requests_running",
            "num_requests_waiting",
            "kv_cache_usage_perc",
            "prefix_cache_hits_total",
            "prefix_cache_queries_total",
            "num_preemptions_total",
            "request_params_n_count",
        ):
            assert ("vllm:" + name, ()) in found, name
        assert found["m1_http_responses_total", (("path", "other"), ("status", "404"))] == 1
        assert found["m1_http_responses_total", (("path", CHAT), ("status", "200"))] == 1
        # A scrape of an idle server changes nothing but its own count.
        again = scrape((await served.http.get("/metrics")).text)
        assert {key for key in found if found[key] != again[key]} <= {
            ("m1_http_responses_total", (("path", "/metrics"), ("status", "200")))
        }


# ---- Fields


async def case_tables_of_fields():
    """Every field of the installed openai package is in a table, and every honoured field is read."""
    for table, params in (
        (fields.CHAT, chat_create_params.CompletionCreateParamsStreaming),
        (fields.COMPLETIONS, completion_create_params.CompletionCreateParamsStreaming),
    ):
        known = {name for name, field in table.items() if not field.extension}
        names = {
            name
            for each in params.__mro__
            if hasattr(each, "__annotations__")
            for name in each.__annotations__
        }
        assert names == known, names ^ known
    readers = []

    class Watching(fields.Reader):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            readers.append(self)

    original, requests.Reader = requests.Reader, Watching
    try:
        requests.parse_chat({"messages": USER}, 10)
        requests.parse_completion({"prompt": "x"}, 10)
        requests.parse_tokenize({"prompt": "x"})
        requests.parse_detokenize({"tokens": []}, 10)
    finally:
        requests.Reader = original
    for reader, table in zip(readers, (fields.CHAT, fields.COMPLETIONS, fields.TOKENIZE, fields.DETOKENIZE)):
        honoured = {name for name, field in table.items() if field.status == fields.HONOURED}
        assert reader.read == honoured, reader.read ^ honoured


async def case_document_of_fields():
    """docs/openai.md has the tables as they are."""
    text = (DOCS / "openai.md").read_text()
    for title, table in fields.TABLES.items():
        found = re.search(rf"<!-- fields: {title} -->\n(.*?)<!-- end -->", text, re.DOTALL)
        assert found and found[1] == fields.markdown(table), (
            f"docs/openai.md: the table '{title}' differs; python -m m1c.server.fields prints it"
        )


async def case_document_of_metrics():
    """docs/serving.md names every metric."""
    text = (DOCS / "serving.md").read_text()
    async with Served() as served:
        for family in text_string_to_metric_families((await served.http.get("/metrics")).text):
            assert f"`{family.name}" in text, family.name


# ---- Batches


async def case_batch():
    async with Served(ScriptedLLM(byte_tokenizer(), max_queued=3)) as served:
        body = {"messages": USER}
        lines = [
            json.dumps({"custom_id": f"r{i}", "method": "POST", "url": CHAT, "body": body}) for i in range(20)
        ]
        lines[3] = json.dumps(
            {"custom_id": "c", "url": COMPLETIONS, "body": {"prompt": [[1], [2]], "max_tokens": 1}}
        )
        lines[5] = "\n"
        lines[6] = json.dumps({"custom_id": "bad", "method": "POST", "url": CHAT, "body": {"messages": []}})
        lines[7] = "{nonsense"
        lines[8:8] = [
            json.dumps({"url": CHAT, "body": body}),
            json.dumps({"custom_id": "u", "url": "/x", "body": body}),
            json.dumps({"custom_id": "s", "url": CHAT, "body": {**body, "stream": True}}),
            json.dumps({"custom_id": "g", "method": "GET", "url": CHAT, "body": body}),
            b"\xff",
            json.dumps({"custom_id": "m", "url": CHAT}),
            json.dumps({"custom_id": "z", "url": CHAT, "Z": 1}),
        ]
        counts = batch.BatchCounts()
        output = [
            json.loads(line) async for line in batch.run_batch(served.service, lines, counts, concurrency=8)
        ]
        assert len(output) == 26 and (counts.succeeded, counts.refused, counts.invalid) == (17, 3, 6), counts
        assert [line["custom_id"] for line in output[:6]] == ["r0", "r1", "r2", "c", "r4", "bad"]
        for line in output:
            assert set(line) == {"id", "custom_id", "response", "error"}, line
            assert (line["response"] is None) != (line["error"] is None), line
        by_id = {line["custom_id"]: line for line in output}
        assert by_id["r0"]["response"]["status_code"] == 200
        assert by_id["r0"]["response"]["body"]["choices"][0]["message"]["content"] == "ok"
        assert [c["text"] for c in by_id["c"]["response"]["body"]["choices"]] == ["o", "o"]
        assert by_id["bad"]["response"]["status_code"] == 400
        assert by_id["bad"]["response"]["body"]["error"]["param"] == "messages"
        assert by_id["s"]["response"]["body"]["error"]["param"] == "stream"
        assert (
            by_id["u"]["error"]["code"] == "invalid_url" and by_id["g"]["error"]["code"] == "invalid_method"
        )
        assert not served.llm.running
        # An output that is not read to its end leaves nothing running.
        served.llm.scripts.extend([[FOREVER]] * 3)
        async with contextlib.aclosing(
            batch.run_batch(served.service, ["{", *lines[:3]], concurrency=1)
        ) as partial:
            await anext(partial)
        assert not served.llm.running


# ---- JSON


async def case_json_lines():
    """Events have no line ends but their own, whatever way a client splits lines."""
    odd = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\nh\ri\U0001f642"
    for text in (json_text.quote(odd), json_text.dump({"x": odd})):
        assert len(text.splitlines()) == 1 and json.loads(text) in (odd, {"x": odd})
    async with Served() as served:
        served.llm.say(odd)
        events = await served.events(CHAT, {"messages": USER})
        assert "".join(each["choices"][0]["delta"].get("content", "") for each in events) == odd


# ---- Benchmark


async def case_bench():
    parser = argparse.ArgumentParser(prog="m1 bench serve")
    bench.add_arguments(parser)
    async with Served(keys=["k"]) as served:
        served.llm.default = "0123456789" * 3
        common = [
            "--base-url",
            served.address,
            "--api-key",
            "k",
            "--num-prompts",
            "12",
            "--max-concurrency",
            "4",
        ]
        report = await bench.measure(
            parser.parse_args(
                [
                    *common,
                    "--request-rate",
                    "500",
                    "--input-len",
                    "5",
                    "--output-len",
                    "8",
                    "--prefix-len",
                    "2",
                ]
            )
        )
        assert (report["requests"], report["failed"], report["output_tokens"]) == (12, 0, 96), report
        assert report["prompt_tokens"] == 60 and report["model"] == "tiny"
        prompts = [stream.prompt for stream in served.llm.submitted]
        assert (
            len(prompts) == 13
            and len({tuple(p[:2]) for p in prompts}) == 1
            and len({tuple(p) for p in prompts}) > 9
        )
        for name in (
            "time_to_first_token_ms",
            "inter_token_latency_ms",
            "time_per_output_token_ms",
            "end_to_end_ms",
        ):
            summary = report[name]
            assert 0 < summary["p50"] <= summary["p90"] <= summary["p99"] <= summary["max"], report
        text = bench.table(report)
        assert "12 requests to tiny" in text and "between tokens" in text, text
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write(
                '{"prompt": "abc"}\n\n{"messages": [{"role": "user", "content": "x"}], "max_tokens": 2}\n'
            )
            file.flush()
            report = await bench.measure(
                parser.parse_args([*common, "--dataset", "file", "--file", file.name, "--model", "alias"])
            )
            assert report["failed"] == 0 and report["output_tokens"] == 6 * 31 + 6 * 2, report
            file.write("nonsense\n")
            file.flush()
            for options, part in (
                (["--dataset", "file", "--file", file.name], "line 4"),
                (["--model", "z"], "'z'"),
                (["--dataset", "file", "--file", "/nowhere"], "No such file"),
                (["--api-key", "wrong"], "not valid"),
                (["--input-len", "9999"], "maximum context"),
                (["--base-url", f"http://127.0.0.1:{free_port()}"], "onnect"),
            ):
                try:
                    await bench.measure(parser.parse_args([*common, *options]))
                    raise AssertionError(options)
                except bench.BenchError as error:
                    assert part in str(error) and "\n" not in str(error), error
        served.llm.scripts.extend([[pieces("abc")], [[Step([65]), Step([], "error")]]])
        report = await bench.measure(parser.parse_args([*common, "--num-warmups", "0"]))
        assert report["failed"] == 1 and "failed to process" in report["first_error"], report
    assert bench.quantile([1.0, 2.0, 3.0, 4.0], 50) == 2.0 and bench.quantile([1.0], 99) == 1.0
    assert END and TOOLS
