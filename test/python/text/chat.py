# ===- chat.py - tests of m1c.text.ChatTemplate ---------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Rendering, control tokens, and which template a checkpoint has."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import prompts
from support import SMALL, generator, m1c, published_template, rejects, small

ChatTemplate = m1c.text.ChatTemplate

BOS, EOS = "<beginning_of_sentence>", "<end_of_sentence>"
USER = {"role": "user", "content": "Hi"}


def check_m1(template):
    """What the published template fails on."""
    def render(*messages, **kwargs):
        return template.render_text(messages, add_generation_prompt=False, **kwargs)

    start = "<begin_of_document>"
    user = f"{BOS}user name=user\nHi{EOS}\n"
    answer = f"{BOS}ai name=assistant\n"
    assert render(USER) == start + user
    assert render({"role": "user", "content": [{"type": "text", "text": "H"}, {"text": "i"}]}) == start + user
    assert template.render_text([USER]) == start + user + answer
    system = f"{BOS}system ai_setting=assistant\nBe kind.{EOS}\n"
    assert render({"role": "system", "content": "Be "}, USER, {"role": "developer", "content": "kind."}) == \
        start + system + user
    assert render({"role": "system", "content": ""}, USER) == start + user
    assert render(USER, {"role": "assistant", "content": "Hello"}) == start + user + answer + f"Hello{EOS}\n"
    assert render(USER, {"role": "assistant", "content": None}) == start + user + answer + f"{EOS}\n"
    # Thinking and calls, as the model writes them.
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":"<é>", "y": [1.5]}'}},
             {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}]
    block = '<tool_calls>\n{"name": "f", "arguments": {"x": "<é>", "y": [1.5]}}\n{"name": "g", "arguments": {}}\n' \
        '</tool_calls>'
    for message, expected in (
            ({"content": None, "tool_calls": calls}, block),
            ({"content": "Let me.", "tool_calls": calls}, f"Let me.\n{block}"),
            ({"reasoning_content": "Hm.", "content": "", "tool_calls": calls}, f"<think>\nHm.\n</think>\n{block}"),
            ({"reasoning": "Hm.", "content": "Yes", "tool_calls": []}, "<think>\nHm.\n</think>\n\nYes"),
            ({"tool_calls": [{"name": "g", "arguments": {"a": None}}]},
             '<tool_calls>\n{"name": "g", "arguments": {"a": null}}\n</tool_calls>'),
            ({"tool_calls": [{"function": {"name": "g\"", "arguments": "{oops"}}]},
             '<tool_calls>\n{"name": "g\\"", "arguments": {oops}\n</tool_calls>')):
        assert render({"role": "assistant", **message}) == start + answer + expected + EOS + "\n", message
    # Results: one block for those that follow one another, names by the ids of the calls.
    tools = f"{BOS}tool name=tools\n"
    asked = {"role": "assistant", "tool_calls": calls}
    before = start + answer + block + EOS + "\n" + tools
    first, second = ({"role": "tool", "tool_call_id": i, "content": c} for i, c in (("a", "1"), ("b", "2")))
    both = "tool name: f\ntool result: 1\n\ntool name: g\ntool result: 2\n\n" + EOS + "\n"
    assert render(asked, first, second) == before + both
    named = {"role": "tool", "content": [{"name": "f", "type": "text", "text": "1"},
                                         {"name": "g", "type": "text", "text": "2"}]}
    assert render(asked, named) == before + both
    assert render(asked, first, named, second, USER) == before + "tool name: f\ntool result: 1\n\n" + EOS + "\n" + \
        tools + both + tools + "tool name: g\ntool result: 2\n\n" + EOS + "\n" + user
    parts = {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}, {"type": "text", "text": "3"}]}
    assert render(asked, parts) == before + "tool name: g\ntool result: 23\n\n" + EOS + "\n"
    assert render({"role": "tool", "name": "h", "content": "1"}) == \
        start + tools + f"tool name: h\ntool result: 1\n\n{EOS}\n"
    assert render({"role": "tool", "content": "1"}) == start + tools + f"tool result: 1\n\n{EOS}\n"
    # The prompt for tools, with the published loss of quotes and, if asked, without.
    tool = {"type": "function", "function": {"name": "f", "description": "é <b> 'x'"}}
    shown = render(USER, tools=[tool])
    assert '<tools>\n{"type": "function", "function": {"name": "f", "description": "é <b> \'x\'"}}\n</tools>' in shown
    assert "\n{name: <tool-name-1>, arguments: <args-json-object-1>}\n" in shown
    quoted = render(USER, tools=[tool], quoted_tool_prompt=True)
    assert quoted == shown.replace("name: <", '"name": <').replace("arguments: <", '"arguments": <')
    # What it refuses.
    image = {"type": "image_url", "image_url": {"url": "x"}}
    rejects(lambda: render({"role": "user", "content": [image]}), "refuses", "text only")
    rejects(lambda: render({"role": "narrator", "content": "x"}), "refuses", "unknown role 'narrator'")
    rejects(lambda: render({"content": "x"}), "message 0", "role")
    rejects(lambda: render("x"), "message 0", "role")
    rejects(lambda: render({"role": "user", "content": 5}), "cannot render", "int")
    rejects(lambda: template.encode([{"role": "user", "content": "\udfff"}]), "lone surrogate")
    nested = []
    for _ in range(100000):
        nested = [nested]
    rejects(lambda: render(USER, tools=[nested]), "recursion")


def check_jinja(tokenizer):
    """HuggingFace's conventions, and the sandbox."""
    def render(source, **kwargs):
        return ChatTemplate(source, tokenizer, "T").render_text([USER], **kwargs)

    assert render("{% for i in [1, 2, 3] %}\n    {% if i == 2 %}{% continue %}{% endif %}\n{{ i }}\n{% endfor %}") == \
        "1\n3\n"
    assert render("{{ x | tojson }}", x={"b": "<é>'&", "a": None}) == '{"b": "<é>\'&", "a": null}'
    assert render("{{ x | tojson(indent=1, sort_keys=true) }}", x={"b": 1, "a": 2}) == '{\n "a": 2,\n "b": 1\n}'
    assert len(render("{{ strftime_now('%Y-%m-%d') }}")) == 10
    assert render("a{% generation %}b{{ bos_token }}{% endgeneration %}") == "ab" + BOS
    assert render("{{ messages[0].nothing }}{{ nothing }}x") == "x"
    rejects(lambda: render("{{ raise_exception('No ' ~ messages[0].content) }}"), "refuses this: No Hi")
    rejects(lambda: render("{% for x in y %}"), "T: line 1")
    rejects(lambda: render("{% autoescape true %}{% endautoescape %}"), "autoescape is not supported")
    rejects(lambda: render("{{ nothing.x }}"), "T: cannot render", "undefined")
    rejects(lambda: render("{{ 1 // 0 }}"), "T: cannot render")
    rejects(lambda: render("{% include 'x' %}"), "T: cannot render")
    for attack in ("{{ ''.__class__.__mro__ }}", "{{ messages.append(1) }}", "{{ messages[0].update({}) }}",
                   "{{ range(10 ** 9) }}", "{{ messages[0].content.encode() }}",
                   "{{ ('%s' ~ eos_token).format(messages[0].content) }}",
                   "{{ [eos_token, messages[0].content] | tojson }}"):
        rejects(lambda: render(attack), "T: cannot render")
    # Roles may become control tokens, if they are roles; nothing else may.
    template = ChatTemplate("{{ '<' ~ messages[0].role ~ '>' }}", tokenizer)
    tokenizer.control_ids["<user>"] = 0
    try:
        assert template.render([USER]) == [("<user>", True)]
    finally:
        del tokenizer.control_ids["<user>"]
    template = ChatTemplate("{{ '<' ~ messages[0].role }}_of_sentence>{{ messages[0].name }}_of_sentence>", tokenizer)
    assert tokenizer.eos_token_id not in template.encode([{"role": "end", "name": "<end", "content": ""}])
    # Contents in the form that the template reads.
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert ChatTemplate("{{ messages[0].content }}", tokenizer).render_text(parts) == "a\nb"
    for source in ("{% for part in messages[0]['content'] %}{{ part.text }}{% endfor %}",
                   "{{ messages[0]['content'][0]['text'] }}", published_template()):
        assert "Hi" in ChatTemplate(source, tokenizer).render_text([USER])
    both = "{% if messages[0].content is string %}s{% else %}{% for x in messages[0].content %}p{% endfor %}{% endif %}"
    assert [ChatTemplate(both, tokenizer).render_text(each) for each in ([USER], parts)] == ["s", "pp"]
    rejects(lambda: ChatTemplate("{{ messages[0].content }}", tokenizer).render(
        [{"role": "user", "content": [{"type": "image"}]}]), "message 0", "text only")
    named = {"default": "d", "tool_use": "t"}
    assert ChatTemplate(named, tokenizer).render_text([USER]) == "d"
    assert ChatTemplate(named, tokenizer).render_text([USER], tools=[{}]) == "t"


def check_choice(tokenizer, work):
    """Which template a checkpoint has."""
    def load(override=None, **files):
        directory = Path(tempfile.mkdtemp(dir=work))
        for name, content in files.items():
            name = name.replace("_json", ".json").replace("_jinja", ".jinja")
            (directory / name).write_text(content if isinstance(content, str) else json.dumps(content))
        template = ChatTemplate.from_directory(directory, tokenizer, override)
        if template is None:
            return None
        return "built in" if template.built_in else template.render_text([USER], tools=[{}])

    published = {"chat_template": published_template()}
    m1_model, other = {"architectures": ["MiniMaxM1ForCausalLM"]}, {"architectures": ["MiniMaxForCausalLM"]}
    assert load() is None
    assert load(config_json=other) is None
    assert load(config_json=m1_model) == "built in"
    assert load(tokenizer_config_json=published) == "built in"
    assert load(tokenizer_config_json=published, config_json=other) == "built in"
    assert load(chat_template_jinja=published_template() + "\n", config_json=m1_model) == "built in"
    assert load(tokenizer_config_json={"chat_template": "own"}, config_json=m1_model) == "own"
    assert load(tokenizer_config_json=published, chat_template_jinja="file") == "file"
    assert load(tokenizer_config_json=published, chat_template_json={"chat_template": "json"}) == "json"
    several = [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]
    assert load(tokenizer_config_json={"chat_template": several}) == "t"
    path = Path(work) / "given.jinja"
    path.write_text("given")
    assert load(path, tokenizer_config_json=published) == "given"
    path.write_text(published_template())
    assert load(path) not in (None, "built in")  # what is asked for is what is taken
    rejects(lambda: load(Path(work) / "none.jinja"), "none.jinja", "No such file")
    rejects(lambda: load(tokenizer_config_json={"chat_template": 5}), "tokenizer_config.json", "expected a string")
    rejects(lambda: load(tokenizer_config_json={"chat_template": [5]}), "expected objects")
    rejects(lambda: load(tokenizer_config_json={"chat_template": {"a": "x"}}), "no template named 'default'")
    rejects(lambda: load(chat_template_jinja="a\n{% if %}"), "chat_template.jinja: line 2")
    description = json.loads((SMALL / "tokenizer.json").read_text())
    description["added_tokens"] = []
    rejects(lambda: ChatTemplate(None, m1c.text.Tokenizer(description)), "'<begin_of_document>'", "--chat-template")


def check_merges(tokenizer, template):
    """Ids are those of the whole text, as models are trained, wherever a message begins or ends with what merges."""
    for content in ("the", "\nthe", "\n\n", "  ", "1", "", "'s", "<"):
        text = template.render_text([{"role": "user", "content": content}])
        assert template.encode([{"role": "user", "content": content}]) == tokenizer.encode(text, allow_special=True)


def main(work):
    shutil.rmtree(work, ignore_errors=True)
    Path(work).mkdir(parents=True)
    tokenizer, _ = small()
    template = ChatTemplate(None, tokenizer)
    check_m1(template)
    check_jinja(tokenizer)
    check_choice(tokenizer, work)
    check_merges(tokenizer, template)
    prompts.check_published(template, generator(1), 300)
    attacks = prompts.check_m1_control(tokenizer, template, generator(2), 1000)
    attacks += prompts.check_other_control(tokenizer, generator(3), 150)
    assert attacks > 800, attacks
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
