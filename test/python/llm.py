# ===- llm.py - tests of LLM and AsyncLLM ---------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import checks
import models
import numpy as np
from checks import raises
from m1c import LLM, AsyncLLM, Error, QueueFull, SamplingParams, Stopped, StructuredOutputsParams
from m1c.compiler import Bounds, compile_model

WORK = sys.argv[1]
shutil.rmtree(WORK, ignore_errors=True)
SPEAKING = models.checkpoint(os.path.join(WORK, "speaking"))
SILENT = models.checkpoint(os.path.join(WORK, "silent"), tokenizer=False)
# All tests share one plan.
BOUNDS = {"max_model_len": 2048, "max_num_seqs": 4, "max_num_batched_tokens": 64}
llm = LLM(SPEAKING, **BOUNDS, quiet=True)
END = 258
PROMPTS = ["Hello", "The quick brown fox", "é", "0123456789" * 9]


def bits(output):
    return [
        (
            o.token_ids,
            np.float32([next(iter(place.values())).logprob for place in o.logprobs]).tobytes(),
            o.finish_reason,
        )
        for o in output.outputs
    ]


def check_generate():
    """A response is the same alone and beside others, in any order, with any number of threads."""
    params = SamplingParams(temperature=0.8, max_tokens=24, seed=5, logprobs=2, ignore_eos=True)
    together = llm.generate(PROMPTS, params)
    assert [output.prompt for output in together] == PROMPTS
    for prompt, output in zip(PROMPTS, together):
        assert bits(llm.generate(prompt, params)[0]) == bits(output)
        assert output.prompt_token_ids == list(prompt.encode())
        [only] = output.outputs
        assert len(only.token_ids) == len(only.logprobs) == 24 and only.finish_reason == "length"
        assert only.text == bytes(t for t in only.token_ids if t < 256).decode("utf-8", "replace")
        own = [next(iter(place.items())) for place in only.logprobs]
        assert [token for token, _ in own] == only.token_ids
        assert np.isclose(only.cumulative_logprob, sum(each.logprob for _, each in own))
        for place in only.logprobs:
            ranked = sorted((each.rank, -each.logprob) for each in place.values() if each.rank)
            assert [rank for rank, _ in ranked] == [1, 2] and ranked[0][1] <= ranked[1][1]
    with LLM(SPEAKING, **BOUNDS, threads=1, quiet=True) as single:
        assert [bits(each) for each in single.generate(PROMPTS[::-1], params)] == [
            bits(each) for each in together[::-1]
        ]


def check_choices():
    """Choice i has the seed s + i; without a seed, requests differ, unless the model has one."""
    params = SamplingParams(max_tokens=12, seed=40, n=3, logprobs=0, ignore_eos=True)
    [output] = llm.generate("abc", params)
    alone = [llm.generate("abc", params.replace(n=1, seed=40 + i))[0] for i in range(3)]
    assert bits(output) == [bits(each)[0] for each in alone]
    assert len({tuple(each.token_ids) for each in output.outputs}) == 3
    free = SamplingParams(max_tokens=12, ignore_eos=True)
    assert len({tuple(each.outputs[0].token_ids) for each in llm.generate(["abc"] * 3, free)}) == 3
    seeded = []
    for _ in range(2):
        with LLM(SPEAKING, **BOUNDS, seed=9, quiet=True) as model:
            seeded.append([each.outputs[0].token_ids for each in model.generate(["abc"] * 3, free)])
    assert seeded[0] == seeded[1] and seeded[0][0] != seeded[0][1]


def check_logprobs():
    """Scored, prompted and generated tokens have the same bits; the raw mode does not change with
    temperature."""
    ids = [1, 2, 3, 50, 60, 200, 7]
    params = SamplingParams(max_tokens=9, seed=1, logprobs=0, prompt_logprobs=1, ignore_eos=True)
    [output] = llm.generate([ids], params)
    assert output.prompt is None and output.prompt_logprobs[0] is None and len(output.prompt_logprobs) == 7
    whole = ids + output.outputs[0].token_ids
    prompted = [output.prompt_logprobs[i][ids[i]].logprob for i in range(1, 7)]
    generated = [
        place[token].logprob for token, place in zip(output.outputs[0].token_ids, output.outputs[0].logprobs)
    ]
    [scored] = llm.score([whole])
    assert scored.dtype == np.float32 and scored.tolist() == prompted + generated
    [continued] = llm.score([ids], [output.outputs[0].token_ids])
    assert continued.tolist() == generated
    assert llm.score("x")[0].shape == (0,)
    biased = params.replace(max_tokens=1, temperature=0.3, allowed_token_ids=[65])
    [raw] = llm.generate([ids], biased)
    [processed] = llm.generate([ids], biased.replace(logprobs_mode="processed"))
    assert raw.outputs[0].token_ids == processed.outputs[0].token_ids == [65]
    assert raw.outputs[0].logprobs[0][65].logprob == llm.score([ids + [65]])[0][-1]
    assert abs(processed.outputs[0].logprobs[0][65].logprob) < 1e-6


def check_stops():
    """Stop tokens and texts; nothing of a stop text is in the text, and tokens behind it are not in the
    response."""
    params = SamplingParams(max_tokens=40, seed=3, ignore_eos=True, logprobs=0)
    [output] = llm.generate("stop", params)
    [whole] = output.outputs
    text = whole.text
    cut = next(
        i
        for i in range(8, len(text))
        if text[i - 1] != "\ufffd" and text[i] != "\ufffd" and text.find(text[i - 1 : i + 1]) == i - 1
    )
    stop = text[cut - 1 : cut + 1]
    [stopped] = llm.generate("stop", params.replace(stop=["never", stop]))[0].outputs
    assert stopped.text == text[: cut - 1] and stopped.finish_reason == "stop" and stopped.stop_reason == stop
    assert stopped.token_ids == whole.token_ids[: len(stopped.token_ids)] and len(stopped.logprobs) == len(
        stopped.token_ids
    )
    assert bytes(t for t in stopped.token_ids if t < 256).decode("utf-8", "replace").endswith(stop)
    token = whole.token_ids[5]
    [by_token] = llm.generate("stop", params.replace(stop_token_ids=[token]))[0].outputs
    first = whole.token_ids.index(token)
    assert by_token.token_ids == whole.token_ids[: first + 1] and by_token.stop_reason == token
    # The model's own end, which generation_config.json has.
    own = SamplingParams(max_tokens=5, logit_bias={END: 100.0}, temperature=0)
    [ended] = llm.generate("stop", own)[0].outputs
    assert ended.token_ids == [END] and ended.text == "" and ended.finish_reason == "stop"
    [longer] = llm.generate("stop", own.replace(min_tokens=3))[0].outputs
    assert len(longer.token_ids) == 4 and longer.token_ids[3] == END and END not in longer.token_ids[:3]
    # A prompt alone.
    [nothing] = llm.generate("stop", SamplingParams(max_tokens=0))[0].outputs
    assert nothing.token_ids == [] and nothing.finish_reason == "length"


def check_bounds():
    [output] = llm.generate([[7] * 2042], SamplingParams(max_tokens=1000, ignore_eos=True))
    assert len(output.outputs[0].token_ids) == 6 and output.outputs[0].finish_reason == "length"
    with raises(Error, "has 2100 tokens", "2048"):
        llm.generate([[7] * 2100])
    with raises(Error, "prompts[1]: prompt: has 2048 tokens"):
        llm.generate(["a", [7] * 2048])
    with raises(Error, "at least one token"):
        llm.generate("")
    with raises(Error, "prompts[0][1]", "from 0 to 271, found 272"):
        llm.generate([[1, 272]])
    with raises(Error, "prompts[0][0]: expected a token id"):
        llm.generate([[1.5]])
    with raises(Error, "expected a text or a list of token ids, found int"):
        llm.generate(["a", 7])
    with raises(Error, "expected 2, one for each prompt, found 1"):
        llm.generate(["a", "b"], [SamplingParams()])
    with raises(Error, "SamplingParams"):
        llm.generate("a", [{"temperature": 1}])
    with raises(Error, "272"):
        llm.generate("a", SamplingParams(stop_token_ids=[272]))
    # What had begun ends at the next step.
    end = time.monotonic() + 60
    while llm.stats()["running"] > 0:
        assert time.monotonic() < end, llm.stats()
        time.sleep(0.01)
    assert llm.generate("a", SamplingParams(max_tokens=2))[0].finished


def check_chat():
    params = SamplingParams(max_tokens=6, seed=2, ignore_eos=True)
    message = {"role": "user", "content": "Hi <end_of_sentence>"}
    [output] = llm.chat([message], params)
    ids = output.prompt_token_ids
    assert ids.count(END) == 1 and ids[0] == 256 and bytes(b for b in ids if b < 256).endswith(b"assistant\n")
    assert [each.outputs[0].token_ids for each in llm.chat([[message], [message]], params)] == [
        output.outputs[0].token_ids
    ] * 2
    assert llm.generate([ids], params)[0].outputs[0].token_ids == output.outputs[0].token_ids
    with raises(Error, "at least one message"):
        llm.chat([])


def check_masks():
    """A function that says which tokens may come next: asked once for each, by choice; its errors end its
    choice."""
    words = (llm.vocab_size + 31) // 32

    def only(*ids):
        mask = np.zeros(words, np.uint32)
        for token in ids:
            mask[token // 32] |= np.uint32(1 << token % 32)
        return mask.tobytes()

    asked = {}

    def alternate(choice, tokens):
        seen = asked.setdefault(choice, [])
        seen += tokens
        return False if len(seen) == 7 else None if len(seen) == 3 else only(65 + len(seen) % 2, 97 + choice)

    params = SamplingParams(n=3, max_tokens=20, seed=1, logprobs=0, ignore_eos=True, next_mask=alternate)
    [output] = llm.generate("x", params)
    for i, response in enumerate(output.outputs):
        assert asked[i] == response.token_ids and len(response.token_ids) == 7, response
        assert (response.finish_reason, response.stop_reason) == ("stop", None)
        for place, token in enumerate(response.token_ids):
            assert place == 3 or token in (65 + place % 2, 97 + i), response
    # Alone, each choice is the same.
    for i, response in enumerate(output.outputs):
        asked.clear()
        alone = params.replace(n=1, seed=1 + i, next_mask=lambda _, tokens, i=i: alternate(i, tokens))
        assert bits(llm.generate("x", alone)[0]) == bits(output)[i : i + 1]

    def fails(choice, tokens):
        raise RuntimeError("no\nmore")

    for function, parts in (
        (fails, ("next_mask: RuntimeError: no",)),
        (lambda choice, tokens: b"12", ("next_mask", f"{4 * words} bytes", "found 2")),
        (lambda choice, tokens: 7, ("next_mask", "int")),
        (lambda choice, tokens: only(), ("next_mask: no token is left",)),
        (lambda: None, ("next_mask: TypeError",)),
    ):
        with raises(Error, *parts):
            llm.generate("x", SamplingParams(next_mask=function))
    assert llm.stats()["seconds_in_masks"] > 0


def check_structured():
    schema = {
        "type": "object",
        "properties": {"a": {"enum": [1, "two"]}, "b": {"type": "boolean"}},
        "required": ["a"],
    }
    schema["additionalProperties"] = False
    form = StructuredOutputsParams(json=schema, disable_any_whitespace=True)
    params = SamplingParams(n=4, max_tokens=60, seed=1, logprobs=0, structured_outputs=form)
    outputs = llm.generate(PROMPTS, params)
    for output in outputs:
        for response in output.outputs:
            assert response.finish_reason == "stop" and json.loads(response.text)["a"] in (1, "two"), response
    assert [bits(each) for each in outputs] == [bits(llm.generate(each, params)[0]) for each in PROMPTS]
    [output] = llm.generate("x", params.replace(max_tokens=3))
    assert {(each.text, each.finish_reason) for each in output.outputs} == {('{"a', "length")}
    thinking = params.replace(structured_outputs=StructuredOutputsParams(choice=["yes"], after_thinking=True))
    for budget in (0, 3, 9):
        for response in llm.generate("x", thinking.replace(thinking_budget=budget))[0].outputs:
            assert response.text.startswith("<think>") and response.text.endswith("</think>\n\nyes"), response
    with raises(Error, "structured_outputs"):
        llm.generate("x", SamplingParams(structured_outputs=StructuredOutputsParams(json={"type": 7})))


def check_silent():
    """Without a tokenizer, token ids work; text is an error."""
    with LLM(SILENT, **BOUNDS, quiet=True) as silent:
        params = SamplingParams(max_tokens=4, seed=1)
        [output] = silent.generate([[1, 2, 3]], params)
        assert (
            silent.tokenizer is None
            and output.outputs[0].text == ""
            and len(output.outputs[0].token_ids) == 4
        )
        with raises(Error, "tokenizer.json", "token ids"):
            silent.generate("text")
        with raises(Error, "tokenizer.json"):
            silent.chat([{"role": "user", "content": "x"}])
        with raises(Error, "stop"):
            silent.generate([[1]], SamplingParams(stop=["x"]))
        with raises(Error, "thinking_budget"):
            silent.generate([[1]], SamplingParams(thinking_budget=3))
        with raises(Error, "structured_outputs", "tokenizer"):
            silent.generate([[1]], SamplingParams(structured_outputs=StructuredOutputsParams(regex="a")))


def check_models():
    """What is no model, and what a plan does not allow."""
    plan = compile_model(SPEAKING, Bounds(max_tokens=64, slots=4, max_length=2048, serve=True), quiet=True)
    params = SamplingParams(max_tokens=5, seed=1)
    with LLM(plan, weights=SPEAKING, max_model_len=100, max_num_seqs=2) as model:
        assert model.max_model_len == 100
        assert model.generate("a", params)[0].outputs == llm.generate("a", params)[0].outputs
        with raises(Error, "101 tokens", "100"):
            model.generate([[1] * 101])
    with LLM(plan, weights="none", seed=3, tokenizer=SPEAKING) as model:
        assert (
            model.generate("a", params)[0].outputs[0].token_ids
            != llm.generate("a", params)[0].outputs[0].token_ids
        )
    with raises(Error, "no weights"):
        LLM(plan)
    with raises(Error, "max_model_len", "at most 2048", "found 4096"):
        LLM(plan, weights=SPEAKING, max_model_len=4096)
    with raises(Error, "max_num_seqs", "at most 4"):
        LLM(plan, weights=SPEAKING, max_num_seqs=5)
    with raises(Error, "kv_cache_memory"):
        LLM(plan, weights=SPEAKING, kv_cache_memory="1GiB")
    with raises(Error, "no such checkpoint"):
        LLM(os.path.join(WORK, "nowhere"))
    with raises(Error, "config.json"):
        LLM(WORK)
    with raises(TypeError, "max_seqs"):
        LLM(SPEAKING, max_seqs=3)
    with raises(Error, "max_num_batched_tokens"):
        LLM(SPEAKING, max_num_seqs=9, max_num_batched_tokens=8)


def check_call():
    result = llm.call(
        "score",
        tokens=[1, 2, 3],
        positions=[0, 1, 2],
        cu_seqlens=[0, 3],
        slots=[0],
        targets=[2, 3, 0],
        blocks=[list(range(32))],
    )
    assert result["log_probs"][:2].tolist() == llm.score([[1, 2, 3]])[0].tolist()


def check_memory():
    """A pool for fewer sequences: the others wait, and get the same bits."""
    info = llm._engine.runtime.model_info["model"]
    assert info["chunk"] == info["block_positions"] == 64 and info["cache_blocks"] == 4 * 2048 // 64
    params = SamplingParams(max_tokens=70, seed=1, logprobs=0, ignore_eos=True)
    with LLM(SPEAKING, **BOUNDS, kv_cache_memory=5 * info["block_bytes"], quiet=True) as small:
        assert small.stats()["blocks"] == 5
        assert [bits(each) for each in small.generate(PROMPTS, params)] == [
            bits(each) for each in llm.generate(PROMPTS, params)
        ]
    with raises(Error, "kv_cache_memory", "block"):
        LLM(SPEAKING, **BOUNDS, kv_cache_memory=100, quiet=True)


def check_prefixes():
    params = SamplingParams(max_tokens=6, seed=1, logprobs=0, ignore_eos=True)
    prompt = [i % 250 for i in range(200)]
    [cold] = llm.generate([prompt], params)
    with LLM(SPEAKING, **BOUNDS, enable_prefix_caching=True, quiet=True) as cached:
        first, second = cached.generate([prompt], params)[0], cached.generate([prompt], params)[0]
        assert bits(first) == bits(second) == bits(cold)
        assert first.num_cached_tokens == 0 and second.num_cached_tokens >= 128


def check_threads():
    """Several threads share the engine."""
    params = SamplingParams(max_tokens=15, seed=8, logprobs=0, ignore_eos=True)
    expected = [bits(each) for each in llm.generate(PROMPTS, params)]
    found = {}

    def work(number):
        found[number] = [bits(each) for each in llm.generate(PROMPTS, params)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert list(found.values()) == [expected] * 3


async def _text(stream):
    return [token async for delta in stream for token in delta.token_ids]


def check_async():
    """Streams: the tokens of generate(); aborted, cancelled and dropped ones leave nothing running."""
    model = AsyncLLM(SPEAKING, **BOUNDS, max_num_queued=40, quiet=True)
    params = SamplingParams(max_tokens=20, seed=4, ignore_eos=True)
    expected = [each.outputs[0].token_ids for each in llm.generate(PROMPTS, params)]

    async def streams():
        return await asyncio.gather(
            *(_text(model.submit(list(prompt.encode()), params)) for prompt in PROMPTS)
        )

    assert asyncio.run(streams()) == expected
    assert asyncio.run(streams()) == expected  # another event loop

    async def details():
        stream = model.submit([1, 2, 3], params.replace(n=2, logprobs=2, prompt_logprobs=1))
        deltas = [delta async for delta in stream]
        assert [each for each in deltas if each.prompt_logprobs] == deltas[:1] and len(
            deltas[0].prompt_logprobs
        ) == 3
        for choice in (0, 1):
            own = [each for each in deltas if each.choice == choice]
            assert [each.finish_reason for each in own] == [None] * (len(own) - 1) + ["length"]
            assert sum(len(each.token_ids) for each in own) == 20
            assert all(len(d.logprobs) == len(d.top_logprobs) == len(d.token_ids) for d in own)
            assert all(len(top) == 2 for d in own for top in d.top_logprobs)

    asyncio.run(details())

    async def idle():
        await asyncio.sleep(0.5)  # the counts are those of the last step
        for _ in range(2000):
            if not model.stats()["running"] and not model.stats()["waiting"]:
                break
            await asyncio.sleep(0.01)
        assert not model.stats()["running"] and not model.stats()["waiting"], model.stats()

    async def ends():
        long = params.replace(max_tokens=2000)
        for _ in range(5):
            stream = model.submit([1], long)
            async for _ in stream:
                break
            stream.abort()
            async for _ in stream:
                pass
            task = asyncio.create_task(_text(model.submit([1], long)))
            await asyncio.sleep(0.01)
            task.cancel()
            dropped = model.submit([2], long)
            del dropped
            async with model.submit([3], long) as closed:
                async for _ in closed:
                    break
        await idle()  # what was aborted has left the queue
        full = [model.submit([1], long) for _ in range(40)]
        with raises(QueueFull, "40"):
            for _ in range(10):
                full.append(model.submit([1], long))
        for each in full:
            each.abort()
        await idle()
        assert await _text(model.submit(list(PROMPTS[0].encode()), params)) == expected[0]

    asyncio.run(ends())

    async def drained():
        stream = model.submit([1], params)
        await model.drain()
        assert len(await _text(stream)) == 20
        with raises(Stopped):
            model.submit([1], params)

    asyncio.run(drained())
    model.close()
    model.close()


def check_interrupted():
    """Ctrl-C ends generate() with KeyboardInterrupt, and the model works on."""
    script = f"""
import os, signal, threading, m1c
llm = m1c.LLM({SPEAKING!r}, **{BOUNDS!r}, quiet=True)
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        llm.generate(["a"] * 4, m1c.SamplingParams(max_tokens=2000, ignore_eos=True))
except KeyboardInterrupt:
    [output] = llm.generate("a", m1c.SamplingParams(max_tokens=3, ignore_eos=True))
    print("interrupted", len(output.outputs[0].token_ids))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout == "interrupted 3\n" and done.returncode == 0, (done.stdout, done.stderr)


if __name__ == "__main__":
    checks.main(sys.modules[__name__], sys.argv[2:])
