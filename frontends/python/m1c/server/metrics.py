# ===- metrics.py - what Prometheus reads ---------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The server's metrics.

Updates happen on the event loop only and cost a microsecond; the text is made when it is asked for. Every
metric has a name of its own (m1_...); where vLLM has the same one, its name follows, so that dashboards for
vLLM work.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
    20,
    40,
    80,
    160,
    640,
)
_TOKEN_SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
    0.4,
    0.5,
    0.75,
    1,
    2.5,
    5,
    10,
)
_REQUEST_SECONDS = (
    0.05,
    0.1,
    0.3,
    0.5,
    0.8,
    1,
    1.5,
    2,
    2.5,
    5,
    10,
    15,
    20,
    30,
    40,
    50,
    60,
    120,
    240,
    480,
    960,
    1920,
)
_TOKENS = (
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10000,
    20000,
    50000,
    100000,
    200000,
    500000,
    1000000,
)

FINISH_REASONS = ("stop", "length", "tool_calls", "abort", "error")


class Histogram:
    """Counts of values in buckets; a bucket includes its upper bound."""

    def __init__(self, bounds: tuple[float, ...]):
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Adds `times` values."""
        self._counts[bisect_left(self._bounds, value)] += times
        self._sum += value * times

    def family(self, name: str, text: str, labels: dict[str, str]) -> Metric:
        """The histogram as Prometheus has it."""
        buckets, total = [], 0
        for bound, count in zip((*(repr(float(each)) for each in self._bounds), "+Inf"), self._counts):
            total += count
            buckets.append((bound, total))
        family = HistogramMetricFamily(name, text, labels=tuple(labels))
        family.add_metric(tuple(labels.values()), buckets, self._sum)
        return family


class RequestRecord:
    """Measures one request to the engine. `finish` must be called once, whatever happens."""

    def __init__(self, metrics: Metrics, prompt_tokens: int, max_tokens: int, choices: int):
        self._metrics = metrics
        self._start = time.monotonic()
        self._last: dict[int, float] = {}
        self._first = 0.0
        self._tokens = 0
        self._ended = False
        metrics.prompt_tokens += prompt_tokens
        metrics.request_prompt_tokens.observe(prompt_tokens)
        metrics.request_max_tokens.observe(max_tokens)
        metrics.request_choices.observe(choices)

    def tokens(self, choice: int, count: int) -> None:
        """`count` tokens of a choice have arrived."""
        if count == 0:
            return
        now = time.monotonic()
        metrics = self._metrics
        last = self._last.get(choice)
        self._last[choice] = now
        if not self._first:
            self._first = now
            metrics.first_token.observe(now - self._start)
        if last is not None:
            metrics.between_tokens.observe((now - last) / count, count)
        self._tokens += count
        metrics.generated_tokens += count

    def finish(self, reasons: Iterable[str]) -> None:
        """The request has ended; `reasons` has that of each choice."""
        if self._ended:
            return
        self._ended = True
        metrics = self._metrics
        for reason in reasons:
            metrics.finished[reason] += 1
        now = time.monotonic()
        metrics.whole_request.observe(now - self._start)
        metrics.request_generated_tokens.observe(self._tokens)
        steps = self._tokens // max(len(self._last), 1) - 1
        if steps > 0:
            metrics.per_output_token.observe((max(self._last.values()) - self._first) / steps)


class Metrics(Collector):
    """All metrics of one server. `engine_stats` returns the engine's own numbers."""

    def __init__(self, model: str, engine_stats: Callable[[], dict[str, Any]], version: str):
        self._labels = {"model_name": model}
        self._engine_stats = engine_stats
        self._version = version
        self.prompt_tokens = 0
        self.generated_tokens = 0
        self.finished: Counter[str] = Counter(dict.fromkeys(FINISH_REASONS, 0))
        self.http_requests: Counter[tuple[str, int]] = Counter()
        self.http_active = 0
        self.disconnects = 0
        self.first_token = Histogram(_SECONDS)
        self.between_tokens = Histogram(_TOKEN_SECONDS)
        self.per_output_token = Histogram(_TOKEN_SECONDS)
        self.whole_request = Histogram(_REQUEST_SECONDS)
        self.request_prompt_tokens = Histogram(_TOKENS)
        self.request_generated_tokens = Histogram(_TOKENS)
        self.request_max_tokens = Histogram(_TOKENS)
        self.request_choices = Histogram((1, 2, 5, 10, 20))
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """No description, so that registering does not collect."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every metric under each of its names."""
        labels, values = tuple(self._labels), tuple(self._labels.values())
        engine = self._engine_stats()

        for name, alias, text, value in (
            (
                "m1_requests_running",
                "vllm:num_requests_running",
                "Requests that the engine computes.",
                engine.get("running", 0),
            ),
            (
                "m1_requests_waiting",
                "vllm:num_requests_waiting",
                "Requests in the engine's queue.",
                engine.get("waiting", 0),
            ),
            (
                "m1_kv_cache_usage_ratio",
                "vllm:kv_cache_usage_perc",
                "Used part of the key/value blocks, 0 to 1.",
                engine.get("cache_usage", 0.0),
            ),
            ("m1_http_requests_active", None, "HTTP requests that have not been answered.", self.http_active),
        ):
            for each in (name, alias) if alias else (name,):
                family = GaugeMetricFamily(each, text, labels=labels)
                family.add_metric(values, value)
                yield family

        for name, alias, text, value in (
            ("m1_prompt_tokens", "vllm:prompt_tokens", "Tokens of prompts.", self.prompt_tokens),
            ("m1_generated_tokens", "vllm:generation_tokens", "Tokens of responses.", self.generated_tokens),
            (
                "m1_prefix_cache_queries",
                "vllm:prefix_cache_queries",
                "Tokens looked up in the prefix cache.",
                engine.get("prefix_cache_queries", 0),
            ),
            (
                "m1_prefix_cache_hits",
                "vllm:prefix_cache_hits",
                "Tokens found in the prefix cache.",
                engine.get("prefix_cache_hits", 0),
            ),
            (
                "m1_preemptions",
                "vllm:num_preemptions",
                "Sequences that were moved out to make room.",
                engine.get("preemptions", 0),
            ),
            ("m1_engine_steps", None, "Steps of the engine.", engine.get("steps", 0)),
            ("m1_client_disconnects", None, "Requests whose client went away.", self.disconnects),
        ):
            for each in (name, alias) if alias else (name,):
                counter = CounterMetricFamily(each, text, labels=labels)
                counter.add_metric(values, value)
                yield counter

        for name in ("m1_requests_finished", "vllm:request_success"):
            counter = CounterMetricFamily(
                name, "Finished responses, by reason.", labels=(*labels, "finished_reason")
            )
            for reason, count in self.finished.items():
                counter.add_metric((*values, reason), count)
            yield counter

        counter = CounterMetricFamily("m1_http_responses", "HTTP responses.", labels=("path", "status"))
        for (path, status), count in self.http_requests.items():
            counter.add_metric((path, str(status)), count)
        yield counter

        for name, alias, text, histogram in (
            (
                "m1_time_to_first_token_seconds",
                "vllm:time_to_first_token_seconds",
                "From the submission of a request to its first token.",
                self.first_token,
            ),
            (
                "m1_inter_token_latency_seconds",
                "vllm:inter_token_latency_seconds",
                "Between two tokens of a response.",
                self.between_tokens,
            ),
            (
                "m1_time_per_output_token_seconds",
                "vllm:time_per_output_token_seconds",
                "A request's mean time of a token after the first.",
                self.per_output_token,
            ),
            (
                "m1_request_latency_seconds",
                "vllm:e2e_request_latency_seconds",
                "From the submission of a request to its end.",
                self.whole_request,
            ),
            (
                "m1_request_prompt_tokens",
                "vllm:request_prompt_tokens",
                "Tokens of a prompt.",
                self.request_prompt_tokens,
            ),
            (
                "m1_request_generated_tokens",
                "vllm:request_generation_tokens",
                "Tokens of all responses to a prompt.",
                self.request_generated_tokens,
            ),
            (
                "m1_request_max_tokens",
                "vllm:request_params_max_tokens",
                "The limit of a request's tokens.",
                self.request_max_tokens,
            ),
            (
                "m1_request_choices",
                "vllm:request_params_n",
                "The choices of a request.",
                self.request_choices,
            ),
        ):
            for each in (name, alias):
                yield histogram.family(each, text, self._labels)

        info = GaugeMetricFamily("m1_info", "The server's version.", labels=(*labels, "version"))
        info.add_metric((*values, self._version), 1)
        yield info
