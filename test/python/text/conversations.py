# ===- conversations.py - random conversations and templates --------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Messages, well-behaved or written to break templates, and templates that do to them what published ones do."""

import json
import re

CONTROL = ["<begin_of_document>", "<end_of_document>", "<beginning_of_sentence>", "<end_of_sentence>", "[image]",
           "<reserved_0>"]
PIECES = [*CONTROL, "<end_of_", "sentence>", "<", ">", "<<end_of_sentence>>", "<end_of_sen", "tence>", " ", "\n", "\t",
          "{{ bos_token }}", "{% raw %}", "'", '"', "\\", "|", "%s", "{}", "{0}", "\\n", "</think>", "<think>", "é", "🙂",
          "\ue000", "\ufdd0", "\u200b", "ai name=assistant\n", "user", "<end_of_sentence>\n<beginning_of_sentence>system "]
WORDS = ["a", "ok", "What is it?", "don't", "  two ", "\n", "1234567", "ü", "中文", "&lt;", "x" * 30]

# Each does something to messages that published templates do, and must be followed exactly.
TEMPLATES = {
    "plain": """{{ bos_token }}
{%- for message in messages %}
    {%- if loop.first and message['role'] != 'system' %}{{ '<beginning_of_sentence>system\nBe.<end_of_sentence>\n' }}{% endif %}
    {{- '<beginning_of_sentence>' + message['role'] + '\n' + message['content'] + '<end_of_sentence>' + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<beginning_of_sentence>assistant\n' }}{% endif %}""",
    "trim": """{% for message in messages %}
    {%- set content = '<beginning_of_sentence>' ~ message['role'] ~ '\n' ~ message['content'] | trim ~ eos_token %}
    {%- if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}
    {{- content | trim }}
{%- endfor %}""",
    "split": """{%- for message in messages %}
    {%- set content = message.content %}
    {%- if '</think>' in content %}{% set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}
    {%- if message.content.startswith('</think>') or content[:2] == 'a' %}{{ '[image]' }}{% endif %}
    {{- '<beginning_of_sentence>' + content[1:] + content[:1] + content[-3:] + content.strip() + eos_token }}
    {%- for line in content.splitlines() %}{{ loop.index }}{{ line }}{% endfor %}
{%- endfor %}""",
    "filters": """{%- for message in messages %}
    {{- '<beginning_of_sentence>' }}{{ message.content | replace('_', '') | upper | title | lower }}{{ eos_token }}
    {{- message.content | replace(' ', '') | replace('end', 'end_of') | string }}
    {{- message.content | e }}{{ message.content | truncate(12) }}{{ message.content | wordwrap(5) }}
    {{- message.content | list | join }}{{ message.content | reverse }}{{ message.content | first | default('') }}
    {{- message.content | length }}{{ message.content | urlencode }}{{ message.content | indent }}
{%- endfor %}
{{- messages | map(attribute='content') | join('\n') }}{{ messages | join('[image]', attribute='content') }}""",
    "containers": """{{ messages }}{{ tools }}{{ messages | tojson }}{{ messages[0] ~ '' }}{{ tools | tojson(indent=2) }}
{%- for key, value in messages[0].items() %}{{ key }}{{ value }}{% endfor %}{{ messages[0].values() | list }}
{%- set all = [] %}{%- set ns = namespace(text='') %}
{%- for message in messages recursive %}{% set ns.text = ns.text ~ message.content ~ '<end_of_sentence>' %}{% endfor %}
{{- ns.text }}{{ dict(a=messages[0].content) }}{{ ns }}{{ [messages[0].content, 1] | tojson }}""",
    "macros": """{%- macro turn(message, kind='user') -%}
{{ '<beginning_of_sentence>' }}{{ kind }}{{ message.content }}{% if caller %}{{ caller() }}{% endif %}{{ eos_token }}
{%- endmacro -%}
{%- for message in messages -%}
{{ turn(message, kind=message.role) }}{% call turn(message) %}{{ message.content * 2 }}{% endcall %}
{%- set block %}[image]{{ message.content }}{% endset %}{{ block }}{{ block | trim }}
{%- filter trim %} <reserved_0>{{ message.content }} {% endfilter %}
{%- endfor -%}
{%- generation %}{{ messages[0].content }}{% endgeneration %}""",
    "methods": """{%- for message in messages %}{% set c = message.content %}
{{- 'it is {} and {x}'.format(c, x=c) }}{{ '%s' % c }}{{ '%s %s' | format(c, 'a') }}{{ '-'.join([c, c]) }}{{ ('<'|safe) ~ c }}{{ c | safe }}{{ c | striptags }}{{ 'x' ~ c | forceescape ~ c }}{{ c.join(['a', c]) }}
{{- c.replace('sen', 'sen') }}{{ c.replace('<', '<', 1) }}{{ c.title().swapcase().center(30) }}{{ c.partition('_') | join }}
{{- c.rpartition('>')[0] }}{{ c.rsplit('_', 1) | join('_') }}{{ c.split() | join(' ') }}{{ c.rsplit(None, 1) | join(',') }}
{{- c.removeprefix('<') }}{{ c.removesuffix('>') }}{{ c.zfill(40) }}{{ c[::-1] }}{{ c[::2] }}{{ c.format('') if '{' not in c else '' }}
{{- 'a'.replace('a', c) }}{{ c.lower() }}{{ c.upper() }}{{ c.capitalize() }}{{ c.lstrip('< ') }}{{ c.rstrip() }}
{%- endfor %}""",
}


def text(rng, hostile):
    pieces = PIECES if hostile else WORDS
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 7)))


def parts(rng, hostile, most=3):
    return [{"type": "text", "text": text(rng, hostile)} for _ in range(rng.randrange(1, most + 1))]


def tool(rng, hostile):
    return {"type": "function", "function": {
        "name": text(rng, hostile), "description": text(rng, hostile),
        "parameters": {"type": "object", "properties": {text(rng, hostile): {"type": "string"}}}}}


def published_form(rng):
    """Messages as the published M1 template wants them."""
    messages = []
    for _ in range(rng.randrange(6)):
        role = rng.choice(("system", "user", "user", "assistant", "tool"))
        if role == "assistant":
            content = [part for part in parts(rng, False) if rng.random() < 0.9]
            if rng.random() < 0.1:
                content.append({"type": "image", "image": "x"})
        elif role == "tool":
            content = [{"name": text(rng, False), "type": "text", "text": text(rng, False)}
                       for _ in range(rng.randrange(4))]
        else:
            content = parts(rng, False, 1)
            if role == "system" and rng.random() < 0.1:
                content[0]["text"] = ""
        messages.append({"role": role, "content": content})
    return messages, [tool(rng, False) for _ in range(rng.randrange(3))]


def any_form(rng, hostile):
    """Messages as OpenAI's clients send them, in every form that the M1 template takes."""
    messages = []
    for i in range(rng.randrange(1, 5)):
        role = rng.choice(("system", "developer", "user", "assistant", "tool"))
        message = {"role": role}
        message["content"] = text(rng, hostile) if rng.random() < 0.6 else parts(rng, hostile)
        if role == "assistant":
            if rng.random() < 0.5:
                message["reasoning_content"] = text(rng, hostile)
            if rng.random() < 0.5:
                message["content"] = rng.choice((None, message["content"]))
                message["tool_calls"] = [{"id": f"call{i}", "type": "function", "function": {
                    "name": text(rng, hostile),
                    "arguments": rng.choice((text(rng, hostile), json.dumps({text(rng, hostile): text(rng, hostile)}),
                                             "", {text(rng, hostile): [1, text(rng, hostile)]}))}}]
        if role == "tool":
            message["tool_call_id"] = rng.choice((f"call{i - 1}", text(rng, hostile)))
        if rng.random() < 0.2:
            message["name"] = text(rng, hostile)
        messages.append(message)
    return messages, [tool(rng, hostile) for _ in range(rng.randrange(3))]


def strings_form(rng, hostile):
    """Messages whose contents are strings, which any template takes."""
    return [{"role": rng.choice(("system", "user", "assistant")), "content": text(rng, hostile)}
            for _ in range(rng.randrange(1, 4))], [tool(rng, hostile)]


def harmless(value):
    """The same messages with no control token in them, nor any part of one that something could complete."""
    if isinstance(value, str):
        return re.sub(r"<(?!/?think>)|\[", "(", value)
    if isinstance(value, dict):
        return {harmless(key): harmless(each) for key, each in value.items()}
    return [harmless(each) for each in value] if isinstance(value, list) else value
