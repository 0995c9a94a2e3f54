# ===- tokenizer.py - tests of m1c.text.Tokenizer -------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Encoding, decoding and the errors of files, on the small tokenizer."""

import copy
import json
import shutil
import sys
import tempfile
from pathlib import Path

from support import ROOT, SMALL, generator, m1c, make_tokenizer, rejects, small

TEXT_FOLDERS = ("docs", "tools")  # test/bench reads all of them
TEXT_SUFFIXES = {".cpp", ".h", ".md", ".py", ".td", ".test", ".mlir", ".jinja", ".txt", ".sh", ".fbs"}


def code_points():
    return [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def files(folders=TEXT_FOLDERS):
    """The texts of the repository."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in TEXT_SUFFIXES and "Output" not in path.parts and path.is_file():
                yield path, path.read_text(encoding="utf-8")


def check_agreement(tokenizer, direct, texts):
    """Ours and `tokenizers` give the same ids, which keep every byte; returns the number of characters."""
    count = 0
    control_ids = set(tokenizer.control_ids.values())
    for name, text in texts:
        has_control = any(token in text for token in tokenizer.control_ids)
        ids = tokenizer.encode(text)
        assert b"".join([tokenizer.id_to_bytes[index] for index in ids]) == text.encode(), name
        assert control_ids.isdisjoint(ids), name
        by_direct = direct.encode(text, add_special_tokens=False).ids
        if has_control:
            assert ids != by_direct and tokenizer.encode(text, allow_special=True) == by_direct, name
        else:
            assert ids == by_direct, name
        count += len(text)
    return count


def check_code_points(tokenizer, direct, size):
    """Every code point, beside its neighbours in texts of `size`."""
    points = code_points()
    texts = ["".join(points[i : i + size]) for i in range(0, len(points), size)]
    check_agreement(tokenizer, direct, ((ascii(text[0]), text) for text in texts))
    return len(points)


def check_control(tokenizer, direct):
    """Control tokens in users' text are text, and only there."""
    control = set(tokenizer.control_ids.values())
    for token, index in tokenizer.control_ids.items():
        for text in (token, f"a{token}b", token * 3, token[:-1] + token, f" {token}\n"):
            ids = tokenizer.encode(text)
            assert not control & set(ids) and direct.decode(ids) == text
            assert tokenizer.encode(text, allow_special=True) == direct.encode(text).ids
        assert tokenizer.encode(token, allow_special=True) == [index] == [direct.token_to_id(token)]
        # A tag that only template and content together spell is none; one in the template is.
        assert not control & set(tokenizer.encode_segments([(token[:3], True), (token[3:], False)]))
        assert not control & set(tokenizer.encode_segments([(token[:3], False), (token[3:], True)]))
        assert tokenizer.encode_segments([(token[:3], True), ("", False), (token[3:], True)]) == [index]
    # Merges go across the seams of segments.
    whole = tokenizer.encode("the licence\n\n")
    assert (
        tokenizer.encode_segments([("th", True), ("e lic", False), ("ence\n", True), ("\n", False)]) == whole
    )


def check_tables(tokenizer, direct):
    assert len(tokenizer.id_to_bytes) == tokenizer.vocab_size
    for index in range(tokenizer.vocab_size):
        text, data = tokenizer.token_text(index)
        assert text == direct.decode([index], skip_special_tokens=False) == data.decode("utf-8", "replace")
        stream = m1c.text.Detokenizer(tokenizer)
        shown = stream.push([index]) + stream.finish()
        assert shown == direct.decode([index]) == tokenizer.decode([index])
        assert (shown == "") == (index in tokenizer.special_ids)


def check_splitting():
    """The file's splitting rule holds, whatever tokenizer_class says: GPT-2's keeps long numbers whole."""
    tokenizer, _ = small()
    assert json.loads((SMALL / "tokenizer_config.json").read_text())["tokenizer_class"] == "GPT2Tokenizer"
    description = json.loads((SMALL / "tokenizer.json").read_text())
    characters = make_tokenizer.byte_tokenizer.byte_characters()
    merges = description["model"]["merges"]
    for pair in ("12", "34"), ("1234", "56"):
        for text in (*pair, "".join(pair)):
            if text not in description["model"]["vocab"]:
                left, right = (text[:1], text[1:]) if len(text) == 2 else pair
                description["model"]["vocab"][text] = 600 + len(merges)
                merges.append([left, right])
    assert characters[0x20] == "Ġ"
    by_file = m1c.text.Tokenizer(description)
    assert [by_file.token_text(i).text for i in by_file.encode("123456")] == ["12", "3", "4", "56"]
    description["pre_tokenizer"] = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    by_gpt2 = m1c.text.Tokenizer(description)
    assert [by_gpt2.token_text(i).text for i in by_gpt2.encode("123456")] == ["123456"]
    assert [tokenizer.token_text(i).text for i in tokenizer.encode("1234567")] == list("1234567")


def check_limits_of_file():
    """Options of the file that cut or extend a text do not apply."""
    tokenizer, _ = small()
    description = json.loads((SMALL / "tokenizer.json").read_text())
    description["truncation"] = {
        "max_length": 4,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Right",
    }
    description["padding"] = {
        "strategy": {"Fixed": 64},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "!",
    }
    description["model"]["dropout"] = 0.5
    assert m1c.text.Tokenizer(description).encode("the licence of the work") == tokenizer.encode(
        "the licence of the work"
    )


def check_control_in_vocabulary():
    """A control token that is in the vocabulary, and that merges make, is still text in users' text."""
    description = json.loads((SMALL / "tokenizer.json").read_text())
    description["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = ".+"
    description["model"]["vocab"].update({"<s": 512, "<s>": 513})
    description["model"]["merges"] += [["<", "s"], ["<s", ">"]]
    tokenizer = m1c.text.Tokenizer(description, special_tokens={"bos_token": "<s>"})
    assert tokenizer.bos_token_id == 513 and 513 in tokenizer.special_ids
    assert tokenizer.encode("<s>", allow_special=True) == [513]
    assert tokenizer.encode("a<s>") == [97, 60, 115, 62]


def check_special_tokens(work):
    tokenizer, _ = small()
    assert tokenizer.eos_token_id == 499 and tokenizer.stop_token_ids == [499]
    assert tokenizer.special_tokens == {
        "bos_token": "<beginning_of_sentence>",
        "eos_token": "<end_of_sentence>",
        "unk_token": "<end_of_document>",
    }
    assert tokenizer.control_ids["[image]"] not in tokenizer.special_ids

    def load(**changes):
        directory = Path(tempfile.mkdtemp(dir=work))
        shutil.copy(SMALL / "tokenizer.json", directory)
        for name, value in changes.items():
            text = value if isinstance(value, str) else json.dumps(value)
            (directory / f"{name}.json").write_text(text)
        return m1c.text.Tokenizer.from_directory(directory)

    assert load().stop_token_ids == [] and load().eos_token_id is None
    assert load(config={"eos_token_id": 7}).stop_token_ids == [7]
    assert load(config={"eos_token_id": 7}, generation_config={"eos_token_id": [9, 8]}).stop_token_ids == [
        8,
        9,
    ]
    assert load(config={"eos_token_id": 7}, generation_config={"eos_token_id": None}).stop_token_ids == [7]
    named = load(
        tokenizer_config={"eos_token": {"content": "[image]", "lstrip": False}},
        special_tokens_map={"eos_token": "<reserved_0>", "pad_token": "<reserved_1>"},
    )
    assert named.eos_token_id == 500 and 500 in named.special_ids
    assert named.special_tokens["pad_token"] == "<reserved_1>"
    rejects(lambda: load(tokenizer_config={"eos_token": "<none>"}), "eos_token", "'<none>'")
    rejects(lambda: load(tokenizer_config={"eos_token": 5}), "tokenizer_config.json", "eos_token", "found 5")
    rejects(lambda: load(tokenizer_config="{"), "tokenizer_config.json", "not valid JSON")
    rejects(lambda: load(tokenizer_config=[]), "tokenizer_config.json", "expected a JSON object")
    rejects(lambda: load(generation_config={"eos_token_id": "x"}), "generation_config.json", 'found "x"')
    rejects(lambda: load(generation_config={"eos_token_id": [True]}), "eos_token_id", "true")
    rejects(lambda: load(generation_config={"eos_token_id": 512}), "512", "outside the vocabulary of 512")
    rejects(lambda: m1c.text.Tokenizer.from_directory(work + "/none"), "tokenizer.json", "not found")
    for content, part in (
        ("", "not valid JSON"),
        ("[1]", "expected a JSON object"),
        ("{}", "no model"),
        ("[" * 100000, "not valid JSON"),
    ):
        rejects(lambda: load(tokenizer=content), "tokenizer.json", part)
    directory = Path(tempfile.mkdtemp(dir=work))
    (directory / "tokenizer.json").write_bytes(b'{"a": "\xff"}')
    rejects(lambda: m1c.text.Tokenizer.from_directory(directory), "not UTF-8 at byte 7")


def check_descriptions():
    """A description that is none of byte-level BPE is refused."""
    description = json.loads((SMALL / "tokenizer.json").read_text())

    def change(path, value):
        changed = copy.deepcopy(description)
        at = changed
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        return lambda: m1c.text.Tokenizer(changed, "T")

    rejects(change(["model", "type"], "Unigram"), "T: ", "'Unigram'")
    rejects(change(["decoder"], {"type": "Metaspace"}), "decoder", "ByteLevel")
    rejects(change(["decoder"], None), "decoder")
    rejects(change(["model", "end_of_word_suffix"], "</w>"), "'</w>'")
    rejects(change(["model", "vocab", "!"], -1), "no integer from 0")
    rejects(change(["model", "merges"], [["a", "zzz"]]), "T: ")
    rejects(change(["pre_tokenizer"], {"type": "None"}), "T: ")
    rejects(change(["added_tokens"], [{"content": "<x>"}]), "no id or content")
    del description["model"]["vocab"]["!"]
    rejects(change(["version"], "1.0"), "no token for 1 of the 256 bytes, such as 33")


def main(work):
    Path(work).mkdir(parents=True, exist_ok=True)
    tokenizer, direct = small()
    assert make_tokenizer.small() == json.loads((SMALL / "tokenizer.json").read_text()), (
        "make_tokenizer.py small"
    )
    print(check_code_points(tokenizer, direct, 32), "code points")
    count = check_agreement(tokenizer, direct, files())
    assert count > 500000, count
    print(count, "characters of files")
    rng = generator(1)
    points = code_points()
    random_texts = ["".join(rng.choice(points) for _ in range(20)) for _ in range(500)]
    check_agreement(tokenizer, direct, enumerate([*random_texts, "", "\0", "\ufeff", "\r\n \t "]))
    check_control(tokenizer, direct)
    check_tables(tokenizer, direct)
    check_splitting()
    check_limits_of_file()
    check_control_in_vocabulary()
    check_special_tokens(work)
    check_descriptions()
    rejects(lambda: tokenizer.encode("ab\ud800"), "lone surrogate, U+D800", "character 2")
    rejects(lambda: tokenizer.decode([5, -1]), "-1 is no token id")
    assert tokenizer.decode([104, 105, 512, 10**9]) == "hi"  # ids of rows that only pad the vocabulary
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
