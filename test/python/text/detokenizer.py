# ===- detokenizer.py - tests of m1c.text.Detokenizer ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Decoding in pieces and stop strings, on the small tokenizer."""

import resource

from streams import check_stops, check_streams
from support import generator, m1c, rejects, small

Detokenizer = m1c.text.Detokenizer


def user_time():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def check_characters(tokenizer):
    """Nothing of a character before its last byte; U+FFFD as soon as a byte is certain to be wrong."""
    stream = Detokenizer(tokenizer)
    assert [stream.push([byte]) for byte in "é€🙂".encode()] == ["", "é", "", "", "€", "", "", "", "🙂"]
    assert stream.push([0xE2, 0x82]) == "" and stream.push([0x41]) == "\ufffdA"
    assert stream.push([0xFF]) == "\ufffd"
    assert stream.push([0xF0, 0x9F]) == "" and stream.finish() == "\ufffd"
    end = tokenizer.eos_token_id
    assert Detokenizer(tokenizer).push([0xC3, end, 0xA9]) == "é"
    assert Detokenizer(tokenizer, skip_special=False).push([0xC3, end]) == "\ufffd<end_of_sentence>"


def check_stop_strings(tokenizer):
    stream = Detokenizer(tokenizer, ["</s>", "STOP"])
    shown = [stream.push([byte]) for byte in b"a</x STO</sTOP</s>b"]
    assert shown == ["a", "", "", "</x", " ", "", "", "", "STO", "", "", "</sT", "O", "P", "", "", "", "", ""], shown
    assert stream.stopped == "</s>" and stream.tokens == 18
    # Two that end together: the longer one. One within another: the one that is complete first.
    for stops, result in ((["b", "ab"], ("", "ab")), (["abc", "b"], ("a", "b")), (["bc", "abcd"], ("a", "bc"))):
        stream = Detokenizer(tokenizer, stops)
        assert (stream.push(list(b"abcd")), stream.stopped) == result
    # The whole of a piece is looked at, and what follows the stop string is not.
    stream = Detokenizer(tokenizer, ["\n\n"], include_stop_str_in_output=True)
    assert stream.push(list("é\n\nb".encode())) == "é\n\n" and stream.tokens == 4 and stream.finish() == ""
    # A stop string that is not complete is text.
    stream = Detokenizer(tokenizer, ["abc"])
    assert (stream.push(list(b"xab")), stream.finish(), stream.stopped) == ("x", "ab", None)
    # With include_stop_str_in_output nothing need be held back.
    assert Detokenizer(tokenizer, ["abc"], include_stop_str_in_output=True).push(list(b"xab")) == "xab"
    # min_tokens: one that is complete before does not count, one that only begins before does.
    stream = Detokenizer(tokenizer, ["ab"], min_tokens=2)
    assert (stream.push(list(b"abab")), stream.stopped, stream.tokens) == ("ab", "ab", 4)
    stream = Detokenizer(tokenizer, ["ab"], min_tokens=3)
    assert (stream.push(list(b"bbbab")), stream.tokens) == ("bbb", 5)
    stream = Detokenizer(tokenizer, ["ab"], min_tokens=3)
    assert (stream.push(list(b"bbab")), stream.tokens) == ("bb", 4)
    # In the bytes of an unfinished character at the end.
    stream = Detokenizer(tokenizer, ["\ufffd"])
    assert (stream.push([97, 0xC3]), stream.finish(), stream.stopped) == ("a", "", "\ufffd")
    rejects(lambda: Detokenizer(tokenizer, ["a", ""]), "must not be empty")
    rejects(lambda: Detokenizer(tokenizer, [b"a"]), "must be a string")
    assert Detokenizer(tokenizer, ["]", "^", "-", "\\"]).push(list(b"a-")) == "a"


def check_many(tokenizer):
    """10,000 stop strings, long ones and ones that overlap in all their characters: states grow with the text."""
    rng = generator(3)
    many = ["".join(rng.choice("ab") for _ in range(200)) for _ in range(10000)]
    stops = m1c.text.StopStrings(many)
    stream = Detokenizer(tokenizer, stops)
    text = "".join(rng.choice("ab") for _ in range(5000)) + many[77]
    start = user_time()
    assert stream.push(list(text.encode())) == text[:-200] and stream.stopped == many[77]
    states, todo = 0, [stops.root]
    while todo:
        state = todo.pop()
        states += 1
        todo += [child for child in state.children.values() if child is not None]
    assert states < 3 * len(text), states
    ladder = ["a" * n + "b" for n in range(2, 3000)]
    stream = Detokenizer(tokenizer, ladder)
    assert stream.push([97] * 20000) == "a" * (20000 - 2999)
    assert (stream.push([98]), stream.stopped) == ("", ladder[-1])
    assert user_time() - start < 60  # seconds; a search that is quadratic takes hours


def main():
    tokenizer, direct = small()
    check_characters(tokenizer)
    check_streams(tokenizer, direct, generator(1), 4000)
    check_stop_strings(tokenizer)
    check_stops(tokenizer, generator(2), 3000)
    check_many(tokenizer)
    print("ok")


if __name__ == "__main__":
    main()
