# ===- masks.py - tests of structured outputs without a model -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Random walks: at each place, any of the tokens that a mask permits."""

import json
import os
import random
import re
import sys

import checks
import numpy as np
from checks import raises
from m1c import Error, SamplingParams, StructuredOutputsParams
from m1c.masks import Constraints
from m1c.structured import Function, ToolCalls
from m1c.text import OutputParser, Reasoning, Tokenizer, ToolCallDelta, merge_events, thinking_budget

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import byte_tokenizer  # noqa: E402

VOCABULARY, END = 272, 258
bytes_tokenizer = Tokenizer(byte_tokenizer.tokenizer(), special_tokens={"eos_token": "<end_of_sentence>"})
byte_constraints = Constraints(bytes_tokenizer, VOCABULARY, [END])
# Merges that reach across the parts of a response.
small_tokenizer = Tokenizer.from_directory(os.path.join(ROOT, "test", "data", "tokenizer"))
small_constraints = Constraints(small_tokenizer, small_tokenizer.vocab_size, small_tokenizer.stop_token_ids)
BOTH = ((bytes_tokenizer, byte_constraints), (small_tokenizer, small_constraints))

PLACE = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 6},
        "warm": {"type": "boolean"},
        "size": {"enum": ["small", "large", None, 7]},
        "tags": {
            "type": "array",
            "items": {"type": "integer", "minimum": -20, "maximum": 300},
            "maxItems": 3,
        },
    },
    "required": ["city", "warm", "tags"],
    "additionalProperties": False,
}


def is_place(value):
    """Whether a value follows PLACE."""
    assert list(value) in (["city", "warm", "tags"], ["city", "warm", "size", "tags"]), value
    assert isinstance(value["city"], str) and len(value["city"]) <= 6, value
    assert isinstance(value["warm"], bool) and value.get("size", 7) in ("small", "large", None, 7), value
    assert len(value["tags"]) <= 3 and all(type(n) is int and -20 <= n <= 300 for n in value["tags"]), value
    return True


def permitted(mask):
    """The ids in a mask."""
    assert len(mask) % 4 == 0
    return np.flatnonzero(np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")).tolist()


class Walk:
    """A choice whose tokens are drawn at random, but for those of `script`, which must be possible."""

    def __init__(self, masks, tokenizer, seed=0, choice=0):
        self.masks, self.tokenizer, self.choice = masks, tokenizer, choice
        self.random = random.Random(seed)
        self.ids, self.new = [], []
        self.ended = False

    def possible(self):
        """The tokens that may come next; None if the form is complete."""
        mask = self.masks(self.choice, self.new)
        self.new = []
        assert mask is False or isinstance(mask, bytes)
        return permitted(mask) if mask else None

    def take(self, token):
        self.ids.append(token)
        self.new = [token]

    def say(self, text):
        """These tokens come next."""
        for token in self.tokenizer.encode(text):
            assert token in self.possible(), (text, self.text())
            self.take(token)
        return self

    def run(self, limit=400, end=0.5):
        """Draws until the form is complete, or, where it may end, with a probability of `end`. Returns the
        text."""
        for _ in range(limit):
            ids = self.possible()
            if ids is None:
                self.ended = True
                break
            assert ids and max(ids) < self.tokenizer.vocab_size, ids
            stops = set(self.tokenizer.stop_token_ids)
            assert not set(ids) & self.tokenizer.special_ids - stops
            if stops & set(ids) and (self.random.random() < end or set(ids) <= stops):
                self.ended = True
                break
            self.take(self.random.choice([token for token in ids if token not in stops]))
        return self.text()

    def text(self):
        return self.tokenizer.decode(self.ids)


def walks(count, limit=400, end=0.5, **form):
    """The texts of walks that reach the end of a form, with either tokenizer."""
    found = []
    for tokenizer, constraints in BOTH:
        masks = constraints.masks(StructuredOutputsParams(**form))
        for choice in range(count):
            walk = Walk(masks, tokenizer, choice, choice)
            text = walk.run(limit, end)
            if walk.ended:
                found.append(text)
    assert len(found) >= count, found
    return found


def check_schemas():
    for options in ({"disable_any_whitespace": True}, {}, {"whitespace_pattern": "[ ]{1,2}"}):
        texts = walks(12, json=PLACE, **options)
        assert all(is_place(json.loads(text)) for text in texts)
        spaces = [text for text in texts if re.search(r"[\s]", re.sub(r'"[^"]*"', "", text))]
        assert not spaces if options.get("disable_any_whitespace") else spaces, texts
    assert all(is_place(json.loads(text)) for text in walks(3, json=json.dumps(PLACE)))
    assert all(
        isinstance(json.loads(text), dict) for text in walks(6, json_object=True, disable_any_whitespace=True)
    )


def check_other_forms():
    assert set(walks(20, choice=["a", "ab", 'q"\n', "é"])) == {"a", "ab", 'q"\n', "é"}
    assert all(
        re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", text) for text in walks(5, regex="[0-9]{4}-(0[1-9]|1[0-2])")
    )
    assert all(re.fullmatch("(ab|c)+", text) for text in walks(5, regex="(ab|c)+", end=0.3))
    lark = 'start: "x" item+ "!"\nitem: /[0-9]/ | "(" item ")"'
    gbnf = 'root ::= "x" item+ "!"\nitem ::= [0-9] | "(" item ")"'
    for grammar in (lark, gbnf):
        for text in walks(5, grammar=grammar):
            assert text[0] == "x" and text[-1] == "!" and text.count("(") == text.count(")"), text


def check_thinking():
    """The form begins after the thinking, wherever tokens end."""
    for tokenizer, constraints in BOTH:
        params = StructuredOutputsParams(json=PLACE, disable_any_whitespace=True, after_thinking=True)
        masks = constraints.masks(params)
        for choice, said in enumerate(
            ("", "<think>\nhm {}</think>", "<think></think>\n\n", "<think>a</t</think>\n")
        ):
            walk = Walk(masks, tokenizer, choice, choice).say(said)
            text = walk.run()
            assert walk.ended and text.startswith(said), text
            events = merge_events((parser := OutputParser("m1", "none")).push(text) + parser.finish())
            thought = re.match("<think>.+</think>", said, re.DOTALL)
            assert isinstance(events[0], Reasoning) == bool(thought) and is_place(json.loads(events[-1].text))
        # No end within the thinking.
        walk = Walk(masks, tokenizer, 9, 9).say("<think>")
        assert not set(walk.possible()) & tokenizer.special_ids
        # A budget may end it behind half a character.
        walk.take(0xC3)
        walk.possible()
        assert is_place(json.loads(walk.say("</think>").run().split("</think>")[1]))
        # With a budget, it thinks first; what is forced, follows the form.
        walk = Walk(constraints.masks(params, must_think=True), tokenizer)
        assert all("<think>".startswith(tokenizer.decode([token])) for token in walk.possible())
        for token in thinking_budget(tokenizer, 0, opened=False).tokens:
            walk.take(token)
            assert walk.possible()
        assert is_place(json.loads(walk.run().split("</think>\n\n")[1]))
        # The prompt began it.
        walk = Walk(constraints.masks(params, opened=True), tokenizer).say("any text\n</think>\n\n")
        assert is_place(json.loads(walk.run().split("</think>\n\n")[1]))


TOOLS = [
    Function(
        name="add",
        parameters={
            "type": "object",
            "properties": {"a": {"type": "integer", "maximum": 99}, "b": {"type": "boolean"}},
            "required": ["a"],
            "additionalProperties": False,
        },
    ),
    Function(
        name='say "hi"',
        parameters={"properties": {"x": {"enum": ["<", "é\n"]}}, "additionalProperties": False},
    ),
    Function(name="now"),
]


def check_tool_calls():
    names, several = set(), False
    for tokenizer, constraints in BOTH:
        for parallel in (True, False):
            form = StructuredOutputsParams(tool_calls=ToolCalls(functions=TOOLS, parallel=parallel))
            masks = constraints.masks(form)
            for choice in range(15):
                walk = Walk(masks, tokenizer, choice, choice)
                text = walk.run()
                if not walk.ended:
                    continue
                events = (parser := OutputParser("none", "m1")).push(text) + parser.finish()
                assert events and all(isinstance(event, ToolCallDelta) for event in events), text
                assert parallel or len(events) == 1, text
                several |= len(events) > 1
                for call in events:
                    names.add(call.name)
                    arguments = json.loads(call.arguments)
                    if call.name == "add":
                        assert type(arguments.pop("a")) is int and type(arguments.pop("b", True)) is bool, (
                            text
                        )
                    if call.name == 'say "hi"':
                        assert arguments.pop("x", "<") in ("<", "é\n"), text
                    assert not arguments, text
        # Either a form or a call.
        form = StructuredOutputsParams(choice=["yes"], tool_calls=ToolCalls(functions=TOOLS[2:]))
        assert Walk(constraints.masks(form), tokenizer).say("y").run() == "yes"
        assert Walk(constraints.masks(form), tokenizer).say("<tool").run(end=1).endswith("</tool_calls>")
    assert names == {"add", 'say "hi"', "now"} and several, names


def check_ends():
    """The model's own end, and forms that have no end."""
    masks = byte_constraints.masks(StructuredOutputsParams(regex="a*"))
    walk = Walk(masks, bytes_tokenizer)
    assert walk.possible() == [97, END]
    walk.take(97)
    assert walk.possible() == [97, END]
    masks = byte_constraints.masks(StructuredOutputsParams(regex="a*"), ignore_eos=True)
    assert Walk(masks, bytes_tokenizer).possible() == [97]
    assert (
        Walk(byte_constraints.masks(StructuredOutputsParams(choice=["a"])), bytes_tokenizer)
        .say("a")
        .possible()
        is None
    )
    endless = Constraints(bytes_tokenizer, VOCABULARY, [])
    walk = Walk(endless.masks(StructuredOutputsParams(regex="a*")), bytes_tokenizer)
    assert [token for token in walk.possible() if token < VOCABULARY] == [97]
    # A vocabulary that is padded to whole words or not.
    for size in (260, 261, 288, 289, 300):
        walk = Walk(
            Constraints(bytes_tokenizer, size, [END]).masks(StructuredOutputsParams(regex="(.|\n)*")),
            bytes_tokenizer,
        )
        assert len(walk.masks(0, [])) == 4 * ((size + 31) // 32)
        ids = walk.possible()
        assert END in ids and 97 in ids and max(ids) == END, ids


def check_refused():
    for values, parts in (
        ({}, ("none",)),
        ({"json": {}, "regex": "a"}, ("json and regex",)),
        ({"json": "{"}, ("json",)),
        ({"json": [1]}, ("json", "[1]")),
        ({"regex": 7}, ("regex", "7")),
        ({"choice": []}, ("choice",)),
        ({"choice": "ab"}, ("choice", "ab")),
        ({"choice": ["a", ""]}, ("choice",)),
    ):
        with raises(Error, "structured_outputs", *parts):
            StructuredOutputsParams(**values)
    for values in (
        {"json": {"type": 5}},
        {"json": {"type": "object", "properties": 3}},
        {"json": {"$ref": "https://example.org/x"}},
        {"json": {"type": "string", "contentEncoding": "base64", "not": {"const": "a"}}},
        {"regex": "(?=a)b"},
        {"regex": "("},
        {"grammar": "start: missing"},
        {"grammar": "root ::= ("},
    ):
        with raises(Error, "structured_outputs"):
            byte_constraints.masks(StructuredOutputsParams(**values))
    form = StructuredOutputsParams(
        json={"type": "string", "maxLength": 1, "not": {"const": "a"}}, lenient=True
    )
    assert Walk(byte_constraints.masks(form), bytes_tokenizer).run()[0] == '"'
    with raises(Error, "'f'", "array"):
        ToolCalls(functions=[Function(name="f", parameters={"type": "array"})]).grammar()
    masks = byte_constraints.masks(StructuredOutputsParams(choice=["a"]))
    with raises(Error, "98"):
        masks(0, [98])
    for name, value in (("structured_outputs", {"json": {}}), ("next_mask", 7)):
        with raises(Error, name):
            SamplingParams(**{name: value})
    with raises(Error, "thinking_budget", "after_thinking"):
        SamplingParams(thinking_budget=3, structured_outputs=StructuredOutputsParams(regex="a"))
    with raises(Error, "next_mask", "structured_outputs"):
        SamplingParams(next_mask=print, structured_outputs=StructuredOutputsParams(regex="a"))
    hidden, sys.modules["llguidance"] = sys.modules["llguidance"], None
    try:
        with raises(Error, "llguidance", "m1c[structured]"):
            Constraints(bytes_tokenizer, VOCABULARY, [END]).masks(StructuredOutputsParams(json={}))
    finally:
        sys.modules["llguidance"] = hidden


if __name__ == "__main__":
    checks.main(sys.modules[__name__], sys.argv[1:])
