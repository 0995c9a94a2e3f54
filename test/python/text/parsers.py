# ===- parsers.py - tests of the parsers of responses ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Reasoning and tool calls, from texts that are cut anywhere."""

import json
import resource
import uuid

from support import SMALL, generator, m1c, random_cuts, rejects, small

Content, Reasoning, Call = m1c.text.Content, m1c.text.Reasoning, m1c.text.ToolCallDelta

# Reasoning alone: text, events.
THINKING = [
    ("", []),
    ("Hi", [Content("Hi")]),
    (" \n Hi ", [Content(" \n Hi ")]),
    ("  ", [Content("  ")]),
    ("<think>\nHm.\n</think>\n\nHi", [Reasoning("Hm."), Content("Hi")]),
    ("\n <think>Hm.</think>Hi", [Reasoning("Hm."), Content("Hi")]),
    ("<think>\n\n a \n\n</think>\n\n\nHi\n", [Reasoning("\n a \n"), Content("\nHi\n")]),
    ("<think>\nnever closes </think", [Reasoning("never closes </think")]),
    ("<think>\nends with a line\n", [Reasoning("ends with a line\n")]),
    ("<think>\nfor</think>\n", [Reasoning("for")]),
    ("<think>", []),
    ("<think>\n", []),
    ("<think></think>", []),
    ("<think>\n\n</think>Hi", [Content("Hi")]),
    ("<thi", [Content("<thi")]),
    ("<thinking>", [Content("<thinking>")]),
    ("a <think>b</think>", [Content("a <think>b</think>")]),
    ("<think><think>a</think>b</think>c", [Reasoning("<think>a"), Content("b</think>c")]),
    ("<think>a\n</thin\n</think >\n</think>b", [Reasoning("a\n</thin\n</think >"), Content("b")]),
    ("<think>a\n\n</think>b", [Reasoning("a\n"), Content("b")]),
]

F, G = '{"name": "f", "arguments": {"x": 1}}', '{"name": "g", "arguments": {}}'
CALL_F, CALL_G = ("f", '{"x": 1}'), ("g", "{}")


def bad(text):
    return Content(text, malformed=True)


# Tool calls alone: text, events, a call as its name and arguments.
CALLING = [
    ("", []),
    ("Hi <tool", [Content("Hi <tool")]),
    ("a < b\n\n", [Content("a < b\n\n")]),
    (f"<tool_calls>\n{F}\n{G}\n</tool_calls>", [CALL_F, CALL_G]),
    (f"<tool_calls>{F}{G}</tool_calls>", [CALL_F, CALL_G]),
    (f"<tool_calls>\r\n {F} \r\n\r\n{G}", [CALL_F, CALL_G]),
    (f"<tool_calls>\n{F}\n</tool_cal", [CALL_F, bad("\n</tool_cal")]),
    (f"Let me.\n\n<tool_calls>\n{F}\n</tool_calls>\n", [Content("Let me."), CALL_F]),
    (
        f"Before\n<tool_calls>\n{F}\n</tool_calls>\n after <tool_calls>{G}</tool_calls> x ",
        [Content("Before"), CALL_F, Content("\n after"), CALL_G, Content(" x ")],
    ),
    # A closing tag, braces and escapes within strings.
    (
        '<tool_calls>\n{"name": "f", "arguments": {"x": "</tool_calls>}\\"{\\\\"}}\n</tool_calls>',
        [("f", '{"x": "</tool_calls>}\\"{\\\\"}')],
    ),
    # Pretty-printed; arguments as a string, missing, null; other keys.
    ('<tool_calls>{\n  "name": "f",\n  "arguments": {\n    "x": 1\n  }\n}</tool_calls>', [CALL_F]),
    (
        '<tool_calls>\n{"id": 5, "arguments": "{\\"x\\": 1}", "name": "f"}\n{"name": "g"}\n'
        '{"name": "g", "arguments": null}\n</tool_calls>',
        [CALL_F, CALL_G, CALL_G],
    ),
    (
        '<tool_calls>{"name": "é\\u00e9", "arguments": {"n": 1e5, "big": 12345678901234567890}}</tool_calls>',
        [("éé", '{"n": 100000.0, "big": 12345678901234567890}')],
    ),
    # None at all: the text stays as it is.
    ("<tool_calls></tool_calls>", [bad("<tool_calls></tool_calls>")]),
    ("a <tool_calls>\n", [Content("a"), bad(" <tool_calls>\n")]),
    ("<tool_calls>\nf(1)\n</tool_calls> b", [bad("<tool_calls>\nf(1)\n</tool_calls>"), Content(" b")]),
    (
        '<tool_calls>\n{"name": "f", "arguments": {"x": 1}\n</tool_calls>',
        [bad('<tool_calls>\n{"name": "f", "arguments": {"x": 1}\n</tool_calls>')],
    ),
    (
        '<tool_calls>\n{"name": "f", "arguments": {"x": 1',
        [bad('<tool_calls>\n{"name": "f", "arguments": {"x": 1')],
    ),
    (
        '<tool_calls>\n{"name": "f", "arguments": {"x": "1\n</tool_calls>\nb',
        [bad('<tool_calls>\n{"name": "f", "arguments": {"x": "1\n</tool_calls>'), Content("\nb")],
    ),
    (
        '<tool_calls>{"name": "f, "arguments": {}}</tool_calls>b',
        [bad('<tool_calls>{"name": "f, "arguments": {}}</tool_calls>'), Content("b")],
    ),
    # None among calls: the calls are calls, the rest stays.
    (f"<tool_calls>\n{F}\noops\n{G}\n</tool_calls>", [CALL_F, bad("\noops"), CALL_G]),
    (f"<tool_calls>\noops\n{F}\n</tool_calls>", [bad("<tool_calls>\noops"), CALL_F, bad("\n</tool_calls>")]),
    (
        f'<tool_calls>\n{{"name": "f" "x"}}\n{F}\n</tool_calls>',
        [bad('<tool_calls>\n{"name": "f" "x"}'), CALL_F, bad("\n</tool_calls>")],
    ),
    (f"<tool_calls>\n{F} and\n{G}</tool_calls>", [CALL_F, bad(" and"), CALL_G]),
    *(
        (
            f"<tool_calls>\n{line}\n{F}\n</tool_calls>",
            [bad(f"<tool_calls>\n{line}"), CALL_F, bad("\n</tool_calls>")],
        )
        for line in (
            "[1]",
            "{}",
            '{"name": 5}',
            '{"name": ""}',
            '{"name": "f", "arguments": [1]}',
            '{"name": "f", "arguments": "x"}',
            '{"name": "f", "arguments": {"x": NaN}}',
            "}",
            '"',
            "</tool",
            '{"name": "f", "arguments": ' + '{"a":' * 3000 + "1" + "}" * 3001,
        )
    ),
]

TOGETHER = [
    (
        f"<think>\nI call <tool_calls>\n{F}\n</tool_calls>.\n</think>\n<tool_calls>\n{F}\n{G}\n</tool_calls>",
        [Reasoning(f"I call <tool_calls>\n{F}\n</tool_calls>."), CALL_F, CALL_G],
    ),
    (
        f"<think>\nHm\n</think>\n\nSo:\n<tool_calls>\n{G}\n</tool_calls>",
        [Reasoning("Hm"), Content("So:"), CALL_G],
    ),
    (f"<think>\nHm <tool_calls>\n{G}", [Reasoning(f"Hm <tool_calls>\n{G}")]),
    (f"<tool_calls>\n{G}\n</tool_calls>", [CALL_G]),
]


def run(parser, pieces):
    """The events of a response that comes in these pieces, calls as (name, arguments)."""
    events = []
    for piece in pieces:
        events += parser.push(piece)
    events += parser.finish()
    assert all(not isinstance(event, (Content, Reasoning)) or event.text for event in events)
    calls = [event for event in events if isinstance(event, Call)]
    assert [(call.index, call.id) for call in calls] == [(i, f"id{i}") for i in range(len(calls))]
    return [
        (event.name, event.arguments) if isinstance(event, Call) else event
        for event in m1c.text.merge_events(events)
    ]


def identify(index):
    return f"id{index}"


def check(cases, make, rng):
    """Whole, in single characters, cut in two at every place, and cut at random."""
    for text, expected in cases:
        splits = [[text], list(text), *(random_cuts(rng, text) for _ in range(20))]
        if len(text) < 300:
            splits += [[text[:i], "", text[i:]] for i in range(len(text))]
        for pieces in splits:
            assert run(make(), pieces) == expected, (pieces, run(make(), pieces))


def check_random(make, rng, count):
    """Any text gives the same events however it is cut, and loses nothing but tags, white space and calls."""
    pieces = [
        "<think>",
        "</think>",
        "<tool_calls>",
        "</tool_calls>",
        F,
        G,
        "\n",
        " ",
        '"',
        "\\",
        "{",
        "}",
        "a",
        "<",
        ">",
        '{"name": "',
        "tool",
        "</",
        "\n\n",
        "é",
    ]
    for _ in range(count):
        text = "".join(rng.choice(pieces) for _ in range(rng.randrange(14)))
        whole = run(make(), [text])
        for cuts in (list(text), random_cuts(rng, text)):
            assert run(make(), cuts) == whole, (text, cuts)
        left = "".join(event.text for event in whole if not isinstance(event, tuple))
        at = 0
        for character in left:
            at = text.index(character, at) + 1


def check_none():
    text = f"<think>a</think> <tool_calls>{F}</tool_calls> "
    assert run(m1c.text.OutputParser("none", "none"), list(text)) == [Content(text)]
    assert run(m1c.text.OutputParser("m1", "none"), list(text)) == [Reasoning("a"), Content(text[16:])]
    opened = m1c.text.ReasoningParser(opened=True)
    assert run(opened, ["\nHm", "\n</think", ">\n\nHi"]) == [Reasoning("\nHm"), Content("Hi")]
    rejects(lambda: m1c.text.ReasoningParser("deep"), "'deep'", "m1, none")
    rejects(lambda: m1c.text.ToolCallParser("xml"), "'xml'", "m1, none")


def check_promptness():
    """What is certain appears at once; a call, when its object is complete."""
    parser = m1c.text.OutputParser(make_id=identify)
    assert parser.push("<think>\nHm") == [Reasoning("Hm")]
    assert parser.push(".\n") == [Reasoning(".")] and parser.push("x") == [Reasoning("\nx")]
    assert parser.push("</think>\n\nHi ") == [Content("Hi")] and parser.push("you") == [Content(" you")]
    assert parser.push(f"\n<tool_calls>\n{F[:-1]}") == [] and parser.calls == 0
    delta = parser.push(F[-1])[0]
    assert delta.as_openai() == {
        "index": 0,
        "id": "id0",
        "type": "function",
        "function": {"name": "f", "arguments": '{"x": 1}'},
    }
    assert parser.calls == 1 and parser.finish() == []
    first, second = m1c.text.ToolCallParser().push(f"<tool_calls>{F}{G}")
    assert first.id != second.id and first.id.startswith("call_") and uuid.UUID(first.id[5:].ljust(32, "0"))


def check_long():
    """Long arguments, and braces without end, in small pieces: time grows with the text."""
    start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    arguments = json.dumps({"x": "ab\\ {" * 40000})
    text = f'<tool_calls>{{"name": "f", "arguments": {arguments}}}'
    assert run(
        m1c.text.ToolCallParser(make_id=identify), [text[i : i + 4] for i in range(0, len(text), 4)]
    ) == [("f", arguments)]
    text = "<tool_calls>" + "{\n" * 50000
    assert run(m1c.text.ToolCallParser(), [text[i : i + 4] for i in range(0, len(text), 4)]) == [bad(text)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - start < 60


def check_round_trip():
    """A response that is parsed, sent back and rendered is the text that the model wrote: caches of prefixes
    hit."""
    tokenizer, _ = small()
    template = m1c.text.ChatTemplate(None, tokenizer)
    user = {"role": "user", "content": "Hi"}
    for response in (
        "Hello",
        "<think>\nHm.\n</think>\n\nHello\n",
        f"<tool_calls>\n{F}\n{G}\n</tool_calls>",
        f"<think>\nHm.\n</think>\n<tool_calls>\n{F}\n</tool_calls>",
        f"<think>\n a\n\nb \n</think>\n\nSo.\n<tool_calls>\n{G}\n</tool_calls>",
    ):
        message = {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": []}
        parser = m1c.text.OutputParser(make_id=identify)
        for event in parser.push(response) + parser.finish():
            if isinstance(event, Call):
                message["tool_calls"].append(event.as_openai())
            else:
                message["content" if isinstance(event, Content) else "reasoning_content"] += event.text
        prompt = template.render_text([user])
        again = template.render_text([user, message], add_generation_prompt=False)
        assert again == f"{prompt}{response}<end_of_sentence>\n", (response, again)


def check_budget():
    """The ids that close the thinking, and those that show that it is closed."""
    tokenizer, _ = small()
    budget = m1c.text.thinking_budget(tokenizer, 100)
    assert budget.after_tokens == 100 and tokenizer.decode(budget.tokens) == "</think>\n\n"
    assert budget.tokens[: len(budget.closing)] == budget.closing
    assert (
        "</think>".startswith(tokenizer.decode(budget.closing)) and len(tokenizer.decode(budget.closing)) >= 6
    )
    other = m1c.text.thinking_budget(tokenizer, 0, "\nEnough.\n</think>\n\n")
    assert tokenizer.decode(other.tokens) == "\nEnough.\n</think>\n\n" and other.closing == budget.closing
    assert other == (0, other.tokens, other.closing)
    description = json.loads((SMALL / "tokenizer.json").read_text())
    description["added_tokens"].append(
        dict(description["added_tokens"][0], id=512, content="</think>", special=False)
    )
    assert m1c.text.thinking_budget(m1c.text.Tokenizer(description), 1).closing == [512]
    # A budget without room for the tag that the response itself begins with.
    tag = len(tokenizer.encode("<think>"))
    for tokens in (0, tag - 1):
        empty = m1c.text.thinking_budget(tokenizer, tokens, opened=False)
        assert empty.after_tokens == 0 and tokenizer.decode(empty.tokens) == "<think></think>\n\n"
    assert m1c.text.thinking_budget(tokenizer, tag, opened=False) == (tag, budget.tokens, budget.closing)
    opened = tokenizer.encode("x" * 100 + "<think>\n")
    assert m1c.text.thinking_is_open(tokenizer, opened) and not m1c.text.thinking_is_open(
        tokenizer, opened + [0]
    )
    rejects(lambda: m1c.text.thinking_budget(tokenizer, -1), "-1")
    rejects(lambda: m1c.text.thinking_budget(tokenizer, 1, "stop"), "'</think>'", "'stop'")


def main():
    rng = generator(1)
    check(THINKING, m1c.text.ReasoningParser, rng)
    check(CALLING, lambda: m1c.text.ToolCallParser(make_id=identify), rng)
    check(TOGETHER, lambda: m1c.text.OutputParser(make_id=identify), rng)
    check_random(lambda: m1c.text.OutputParser(make_id=identify), rng, 1500)
    check_random(lambda: m1c.text.ToolCallParser(make_id=identify), rng, 1500)
    check_none()
    check_promptness()
    check_long()
    check_round_trip()
    check_budget()
    print("ok")


if __name__ == "__main__":
    main()
