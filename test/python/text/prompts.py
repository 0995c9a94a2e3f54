# ===- prompts.py - properties of chat templates --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Checks on random conversations; tests run them on few, test/bench on many."""

import json

import conversations
from support import m1c, plain_jinja, published_template


def check_published(template, rng, count):
    """The package's M1 template equals the published one, rendered by jinja2, wherever that one works."""
    source, shown = published_template(), 0
    for _ in range(count):
        messages, tools = conversations.published_form(rng)
        prompt = rng.random() < 0.5
        expected = plain_jinja(source, messages=messages, tools=tools, add_generation_prompt=prompt)
        assert template.render_text(messages, tools, prompt) == expected, (messages, tools)
        shown += len(expected)
    assert shown > 100 * count


def with_objects(messages):
    """The messages with arguments as objects, where they are any."""
    messages = json.loads(json.dumps(messages))
    for message in messages:
        for call in message.get("tool_calls", ()):
            function = call["function"]
            if isinstance(function["arguments"], str):
                try:
                    value = json.loads(function["arguments"] or "{}")
                except ValueError:
                    continue
                if isinstance(value, dict):
                    function["arguments"] = value
    return messages


def check_prompt(tokenizer, template, source, messages, tools, variables=None):
    """Rendering equals jinja2's, and the control tokens of its ids are those of harmless messages."""
    segments = template.render(messages, tools)
    text = "".join(segment.text for segment in segments)
    expected = plain_jinja(source, messages=with_objects(messages), tools=tools, add_generation_prompt=True,
                           **tokenizer.special_tokens)
    assert text == expected, (messages, tools, text, expected)
    ids = template.encode(messages, tools)
    assert tokenizer.decode(ids, skip_special=False) == text
    control = set(tokenizer.control_ids.values())
    found = [index for index in ids if index in control]
    wanted = [index for index in template.encode(conversations.harmless(messages), conversations.harmless(tools))
              if index in control]
    assert found == wanted, (messages, tools, text)
    return any(token in segment.text for segment in segments for token in tokenizer.control_ids
               if not segment.trusted)


def check_m1_control(tokenizer, template, rng, count):
    """No control token comes from a message, with the M1 template. Returns how many messages had one."""
    source = m1c.text.chat.M1_TEMPLATE.read_text()
    return sum(check_prompt(tokenizer, template, source, *conversations.any_form(rng, True)) for _ in range(count))


def check_other_control(tokenizer, rng, count):
    """The same with templates that put messages through filters, methods, macros and operators."""
    attacks = 0
    for name, source in conversations.TEMPLATES.items():
        template = m1c.text.ChatTemplate(source, tokenizer, name)
        plain = source.replace("{%- generation %}", "{%- if true %}").replace("{% endgeneration %}", "{% endif %}")
        for _ in range(count):
            attacks += check_prompt(tokenizer, template, plain, *conversations.strings_form(rng, True))
    return attacks
