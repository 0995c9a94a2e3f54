# ===- streams.py - properties of decoding in pieces ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Checks that hold for any tokenizer; tests run them on few random sequences, test/bench on many."""

from support import m1c, random_cuts, random_ids


def check_streams(tokenizer, direct, rng, count):
    """Decoding `count` random sequences in random pieces equals `tokenizers`' decoding at once."""
    for _ in range(count):
        ids = random_ids(rng, tokenizer.vocab_size, 24)
        skip = rng.random() < 0.5
        whole = direct.decode(ids, skip_special_tokens=skip)
        assert tokenizer.decode(ids, skip) == whole, ids
        stream = m1c.text.Detokenizer(tokenizer, skip_special=skip)
        text = ""
        for piece in random_cuts(rng, ids):
            text += stream.push(piece)
            # What is shown is final: all but an unfinished character at the end.
            assert whole.startswith(text), (ids, text)
        assert text + stream.finish() == whole, ids
        assert stream.tokens == len(ids) and stream.stopped is None


def expected_stop(tokenizer, ids, stops, skip, min_tokens):
    """By trying everything: the text before the first stop string, that string, and the ids it took."""
    text, ends = "", []
    decode = m1c.text.Detokenizer(tokenizer, skip_special=skip)
    for index in ids:
        text += decode.push([index])
        ends.append(len(text))
    text += decode.finish()
    for end in range(1, len(text) + 1):
        token = next((i + 1 for i, each in enumerate(ends) if each >= end), len(ids))
        found = max((stop for stop in stops if text[:end].endswith(stop)), key=len, default=None)
        if found is not None and token > min_tokens:
            return text[:end - len(found)], found, token
    return text, None, len(ids)


def check_stops(tokenizer, rng, count):
    """Stop strings taken from the text itself, whole, cut and overlapping."""
    stopped = 0
    for _ in range(count):
        ids = random_ids(rng, tokenizer.vocab_size, 12) if rng.random() < 0.5 else \
            [rng.choice((97, 98, 195, 169)) for _ in range(rng.randrange(20))]
        skip = rng.random() < 0.5
        min_tokens = rng.choice((0, 0, 0, 1, 4))
        text = tokenizer.decode(ids, skip) + "ab"
        stops = []
        for _ in range(rng.randrange(1, 5)):
            start = rng.randrange(len(text))
            stop = text[start:start + rng.randrange(1, 6)]
            stops.append(stop + rng.choice(("", "", "a", "\ufffd")))
        shown, found, used = expected_stop(tokenizer, ids, stops, skip, min_tokens)
        stopped += found is not None
        for include in (False, True):
            stream = m1c.text.Detokenizer(tokenizer, stops, skip, include, min_tokens)
            result = shown + (found or "") if include else shown
            text = ""
            for piece in random_cuts(rng, ids):
                text += stream.push(piece)
                assert result.startswith(text), (ids, stops, text, result)
            text += stream.finish()
            assert (text, stream.stopped, stream.tokens) == (result, found, used), (ids, stops, include, min_tokens)
            assert not found or stream.push([97]) == ""
    assert count // 4 < stopped < count
