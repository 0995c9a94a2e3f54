# ===- tokenizer.py - between text and token ids ---------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Byte-level BPE from a checkpoint's tokenizer.json.

The file alone says how text is split: classes that `tokenizer_class` names are never used. Merges are the
work of the `tokenizers` package; added tokens ("control tokens") are found here, so that text from users can
be encoded without them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tokenizers

from .errors import TextError
from .files import read_object, read_optional_object


def _byte_characters() -> dict[str, int]:
    """The character that stands for each byte in tokenizer.json: GPT-2's table."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if chr(byte) not in table)
    table.update({chr(256 + i): byte for i, byte in enumerate(others)})
    return table


BYTE_CHARACTERS = _byte_characters()
_TO_LATIN_1 = {ord(character): byte for character, byte in BYTE_CHARACTERS.items()}
_BYTE_STRING = re.compile(f"[{re.escape(''.join(BYTE_CHARACTERS))}]*")

#: Names of special tokens in tokenizer_config.json and special_tokens_map.json.
_SPECIAL_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class TokenText(NamedTuple):
    """A token as API results show it: bytes that are not UTF-8 appear as U+FFFD in `text`."""

    text: str
    bytes: bytes


class Segment(NamedTuple):
    """A piece of a rendered prompt. Control tokens are recognised in trusted pieces only."""

    text: str
    trusted: bool


def _decoder_is_byte_level(decoder: Any) -> bool:
    if not isinstance(decoder, dict):
        return False
    if decoder.get("type") == "Sequence":
        return [_decoder_is_byte_level(each) for each in decoder.get("decoders") or []] == [True]
    return decoder.get("type") == "ByteLevel"


def _control_pattern(added: Sequence[dict[str, Any]]) -> re.Pattern[str] | None:
    """Finds control tokens: leftmost, then longest, as `tokenizers` does."""
    alternatives = []
    for token in sorted(added, key=lambda token: -len(token["content"])):
        pattern = re.escape(token["content"])
        if token.get("single_word"):
            pattern = rf"(?<!\w){pattern}(?!\w)"
        alternatives.append(
            (r"\s*" if token.get("lstrip") else "") + pattern + (r"\s*" if token.get("rstrip") else "")
        )
    return re.compile("|".join(alternatives)) if alternatives else None


class Tokenizer:
    """Encodes and decodes text. Safe to use from several threads.

    `control_ids` maps the text of each added token to its id; `special_ids` are those that decoding leaves
    out by default; `stop_token_ids` end a response. Text that is no Unicode (a lone surrogate) is a
    TextError.
    """

    def __init__(
        self,
        description: dict[str, Any],
        name: str = "tokenizer.json",
        special_tokens: dict[str, str] | None = None,
        stop_token_ids: Iterable[int] = (),
    ):
        """`description` is the object of a tokenizer.json; `name` says in messages where it came from.

        `special_tokens` maps names such as "eos_token" to the text of a token; those that are not in the
        vocabulary are ignored, except for eos_token, which must be there.
        """
        self._name = name
        model = description.get("model")
        if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict):
            raise TextError(f"{name}: has no model with a vocabulary")
        if model.get("type", "BPE") != "BPE":
            raise TextError(f"{name}: the model is {model['type']!r}; only 'BPE' is supported")
        if not _decoder_is_byte_level(description.get("decoder")):
            raise TextError(f"{name}: the decoder is not 'ByteLevel'; only byte-level BPE is supported")
        for key in ("continuing_subword_prefix", "end_of_word_suffix"):
            if model.get(key):
                raise TextError(f"{name}: {key} is {model[key]!r}; byte-level BPE has none")
        vocabulary: dict[str, int] = model["vocab"]
        if not all(type(index) is int and index >= 0 for index in vocabulary.values()):
            raise TextError(f"{name}: the vocabulary has an id that is no integer from 0")
        missing = [byte for character, byte in BYTE_CHARACTERS.items() if character not in vocabulary]
        if missing:
            raise TextError(
                f"{name}: has no token for {len(missing)} of the 256 bytes, such as {min(missing)}"
            )

        added = self._added_tokens(description, vocabulary, special_tokens or {})
        self._control = _control_pattern(added)
        self.control_ids: dict[str, int] = {token["content"]: token["id"] for token in added}
        self.special_ids = frozenset(token["id"] for token in added if token.get("special"))
        self._control_set = frozenset(self.control_ids.values())
        self.special_tokens = {
            key: text for key, text in (special_tokens or {}).items() if text in self.control_ids
        }
        self.bos_token_id = self.control_ids.get(self.special_tokens.get("bos_token", ""))
        self.eos_token_id = self.control_ids.get(self.special_tokens.get("eos_token", ""))

        # Options of the file that would change or cut a text have no place here, nor have added tokens.
        plain = dict(
            description,
            added_tokens=[],
            truncation=None,
            padding=None,
            post_processor=None,
            model=dict(model, dropout=None),
        )
        try:
            self._bpe = tokenizers.Tokenizer.from_str(json.dumps(plain))
        except Exception as error:  # `tokenizers` raises Exception itself
            raise TextError(f"{name}: {error}") from None

        self._id_of_byte = {byte: vocabulary[character] for character, byte in BYTE_CHARACTERS.items()}
        #: The least number that exceeds every id.
        self.vocab_size = 1 + max([*vocabulary.values(), *self.control_ids.values()])
        self.id_to_bytes = self._bytes_of_ids(vocabulary)
        self._shown = [
            b"" if index in self.special_ids else each for index, each in enumerate(self.id_to_bytes)
        ]
        stops = set(stop_token_ids) | ({self.eos_token_id} if self.eos_token_id is not None else set())
        outside = [index for index in stops if not 0 <= index < self.vocab_size]
        if outside:
            raise TextError(
                f"{name}: the stop token {outside[0]} is outside the vocabulary of {self.vocab_size}"
            )
        self.stop_token_ids = sorted(stops)

    @classmethod
    def from_directory(cls, directory: str | Path) -> Tokenizer:
        """The tokenizer of a checkpoint: tokenizer.json, with the names of special tokens from
        tokenizer_config.json, else special_tokens_map.json.

        The stop tokens are the eos_token there and the eos_token_id of generation_config.json, else
        config.json.
        """
        directory = Path(directory)
        path = directory / "tokenizer.json"
        if not path.exists():
            raise TextError(f"{path}: not found; text needs it (token ids work without)")
        special: dict[str, str] = {}
        for source in ("special_tokens_map.json", "tokenizer_config.json"):
            values = read_optional_object(directory / source)
            for key in _SPECIAL_NAMES:
                value = values.get(key)
                text = value.get("content") if isinstance(value, dict) else value
                if text is not None and not isinstance(text, str):
                    raise TextError(
                        f"{directory / source}: {key}: expected a string, found {json.dumps(text)}"
                    )
                if text:
                    special[key] = text
        stops: list[int] = []
        for source in ("generation_config.json", "config.json"):
            value = read_optional_object(directory / source).get("eos_token_id")
            if value is None:
                continue
            stops = value if isinstance(value, list) else [value]
            if not all(type(each) is int for each in stops):
                raise TextError(
                    f"{directory / source}: eos_token_id: expected a token id or a list of them, "
                    f"found {json.dumps(value)}"
                )
            break
        return cls(read_object(path), str(path), special, stops)

    @staticmethod
    def _added_tokens(
        description: dict[str, Any], vocabulary: dict[str, int], special_tokens: dict[str, str]
    ) -> list[dict[str, Any]]:
        """The file's added tokens, and the named special tokens that are in its vocabulary only."""
        added: dict[str, dict[str, Any]] = {}
        for token in description.get("added_tokens") or []:
            if (
                not isinstance(token, dict)
                or type(token.get("id")) is not int
                or token["id"] < 0
                or not isinstance(token.get("content"), str)
            ):
                raise TextError(f"an added token of tokenizer.json has no id or content: {json.dumps(token)}")
            if token["content"]:
                added[token["content"]] = dict(token)
        for key, text in special_tokens.items():
            if text in added:
                added[text]["special"] = True
            elif text in vocabulary:
                added[text] = {"id": vocabulary[text], "content": text, "special": True}
            elif key == "eos_token":
                raise TextError(f"the eos_token {text!r} is not a token of tokenizer.json")
        return list(added.values())

    def _bytes_of_ids(self, vocabulary: dict[str, int]) -> list[bytes]:
        table = [b""] * self.vocab_size
        for text, index in vocabulary.items():
            in_bytes = _BYTE_STRING.fullmatch(text) is not None
            table[index] = text.translate(_TO_LATIN_1).encode("latin-1") if in_bytes else text.encode("utf-8")
        for text, index in self.control_ids.items():
            table[index] = text.encode("utf-8")
        return table

    # ---- Encoding

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """The ids of a text. Control tokens in it are text, unless `allow_special`."""
        if allow_special:
            return self.encode_segments([Segment(text, True)])
        try:
            ids = self._bpe.encode(text, add_special_tokens=False).ids
        except TypeError:
            surrogate = re.search("[\ud800-\udfff]", text) if isinstance(text, str) else None
            if surrogate is None:
                raise
            raise TextError(
                f"the text has a lone surrogate, U+{ord(surrogate[0]):04X}, at character {surrogate.start()}"
            ) from None
        if self._control_set.isdisjoint(ids):
            return ids
        # A control token that the vocabulary holds as well, and that merges can make: take it apart.
        parts = ((self._byte_ids(index) if index in self._control_set else [index]) for index in ids)
        return [index for part in parts for index in part]

    def _byte_ids(self, index: int) -> list[int]:
        """The ids of the single bytes of a token."""
        return [self._id_of_byte[byte] for byte in self.id_to_bytes[index]]

    def encode_segments(self, segments: Iterable[Segment | tuple[str, bool]]) -> list[int]:
        """The ids of the segments' texts, one after the other.

        A control token is recognised where all its characters are in trusted segments. The text between two
        control tokens is encoded in one piece, whatever segments it comes from: as if users' text had been
        typed where the template puts it, which is how models are trained.
        """
        ids: list[int] = []
        plain: list[str] = []

        def flush() -> None:
            if plain:
                ids.extend(self.encode("".join(plain)))
                plain.clear()

        for text, trusted in merge_segments(segments):
            start = 0
            if trusted and self._control is not None:
                for match in self._control.finditer(text):
                    plain.append(text[start : match.start()])
                    flush()
                    found = self.control_ids.get(match[0])
                    # Some tokens take the spaces around them along.
                    ids.append(self.control_ids[match[0].strip()] if found is None else found)
                    start = match.end()
            plain.append(text[start:])
        flush()
        return ids

    # ---- Decoding

    def decode(self, ids: Iterable[int], skip_special: bool = True) -> str:
        """The text of ids. Bytes that are not UTF-8 become U+FFFD; ids that no token has, nothing."""
        table = self.byte_table(skip_special)
        return b"".join([self.lookup(table, index) for index in ids]).decode("utf-8", "replace")

    def byte_table(self, skip_special: bool) -> list[bytes]:
        """The bytes of every id, those of special tokens empty if `skip_special`."""
        return self._shown if skip_special else self.id_to_bytes

    @staticmethod
    def lookup(table: list[bytes], index: int) -> bytes:
        """An entry of byte_table; empty past its end, for the rows that pad a model's vocabulary."""
        if 0 <= index < len(table):
            return table[index]
        if index < 0:
            raise TextError(f"{index} is no token id")
        return b""

    def token_text(self, index: int) -> TokenText:
        """How results name one token: its text and its bytes, also for special tokens."""
        data = self.lookup(self.id_to_bytes, index)
        return TokenText(data.decode("utf-8", "replace"), data)


def merge_segments(segments: Iterable[Segment | tuple[str, bool]]) -> list[Segment]:
    """The same text with neighbours of one kind joined and empty segments left out."""
    merged: list[tuple[list[str], bool]] = []
    for text, trusted in segments:
        if not text:
            continue
        if merged and merged[-1][1] == trusted:
            merged[-1][0].append(text)
        else:
            merged.append(([text], trusted))
    return [Segment("".join(texts), trusted) for texts, trusted in merged]
