//===- Json.cpp - JSON from files that are not trusted --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Json.h"

#include "runtime/support/File.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <vector>

using namespace m1;
using nlohmann::json;

namespace {
/// Iterates over text, and tells how far nlohmann's lexer has read.
class CountingIterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;

  CountingIterator(const char *At, const char **Reached)
      : At(At), Reached(Reached) {}
  const char &operator*() const { return *At; }
  CountingIterator &operator++() {
    *Reached = ++At;
    return *this;
  }
  bool operator==(const CountingIterator &Other) const {
    return At == Other.At;
  }
  bool operator!=(const CountingIterator &Other) const {
    return At != Other.At;
  }

private:
  const char *At;
  const char **Reached;
};

/// Numbers that JSON does not have but Python's json writes, by the offset of
/// their end.
using Literals = std::map<size_t, double>;

/// Whether a literal beside this character would be part of a longer word.
bool isWordPart(char C) {
  return std::isalnum(static_cast<unsigned char>(C)) || C == '.';
}

/// Replaces Infinity, -Infinity and NaN outside strings by numbers of the same
/// length.
Literals replaceLiterals(std::string &Text) {
  constexpr double Infinity = std::numeric_limits<double>::infinity();
  Literals Result;
  auto Replace = [&](size_t Begin, std::string_view Literal, double Value) {
    const size_t End = Begin + Literal.size();
    // Part of a longer word, as in NaN5, it must not become part of a number.
    if (Text.compare(Begin, Literal.size(), Literal) != 0 ||
        (Begin > 0 && isWordPart(Text[Begin - 1])) ||
        (End < Text.size() && isWordPart(Text[End])))
      return;
    // NaN becomes 0.0, Infinity 0.000000.
    Text.replace(Begin, Literal.size(), Literal.size(), '0');
    Text[Begin + 1] = '.';
    Result.emplace(End, Value);
  };
  bool InString = false;
  for (size_t I = 0; I < Text.size(); ++I) {
    char C = Text[I];
    if (InString && C == '\\') {
      ++I;
    } else if (C == '"') {
      InString = !InString;
    } else if (!InString && C == 'N') {
      Replace(I, "NaN", std::numeric_limits<double>::quiet_NaN());
    } else if (!InString && C == 'I') {
      bool Negative = I > 0 && Text[I - 1] == '-';
      Replace(I, "Infinity", Negative ? -Infinity : Infinity);
    }
  }
  return Result;
}

/// Builds the value. nlohmann's own handler keeps the last of duplicate keys
/// and has no bound on the depth.
class Builder : public nlohmann::json_sax<json> {
public:
  Builder(std::string_view Text, const Literals &Numbers)
      : Numbers(Numbers), Reached(Text.data()), Text(Text) {}

  const Literals &Numbers;
  /// The end of the current event's token; of a number, one byte after it
  /// unless the text ends there.
  const char *Reached;
  json Root;
  std::string Failure;
  size_t FailedAt = 0;

  bool null() override { return add(nullptr); }
  bool boolean(bool Value) override { return add(Value); }
  bool number_integer(number_integer_t Value) override { return add(Value); }
  bool number_unsigned(number_unsigned_t Value) override { return add(Value); }
  bool number_float(number_float_t Value, const string_t &) override {
    // See Reached.
    for (size_t End : {offset() - 1, offset()})
      if (auto It = Numbers.find(End); It != Numbers.end())
        return add(It->second);
    return add(Value);
  }
  bool string(string_t &Value) override { return add(std::move(Value)); }
  bool binary(binary_t &) override { return fail("binary data"); }

  bool start_object(size_t) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t &Key) override {
    Level &Top = Open.back();
    auto [It, Inserted] = Top.Value->emplace(Key, nullptr);
    Top.Key = Key;
    if (!Inserted)
      return fail(concat("duplicate key '", path(), "'"));
    Top.Member = &*It;
    return true;
  }

  bool parse_error(size_t, const std::string &,
                   const nlohmann::detail::exception &E) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ...",
    // or "[json.exception.out_of_range.406] ..." without a position.
    std::string_view Reason = E.what();
    if (size_t Bracket = Reason.find("] "); Bracket != Reason.npos)
      Reason.remove_prefix(Bracket + 2);
    if (size_t Column = Reason.find("column "); Column != Reason.npos)
      if (size_t Colon = Reason.find(": ", Column); Colon != Reason.npos)
        Reason.remove_prefix(Colon + 2);
    if (size_t Read = Reason.find("; last read: "); Read != Reason.npos)
      Reason = Reason.substr(0, Read);
    return fail(concat("not valid JSON: ", Reason.substr(0, 120)));
  }

private:
  /// An array or object that is not complete yet.
  struct Level {
    json *Value;
    std::string Key; ///< of the current member
    json *Member = nullptr;
  };

  size_t offset() const { return Reached - Text.data(); }

  bool fail(std::string Message) {
    Failure = std::move(Message);
    FailedAt = offset() > 0 ? offset() - 1 : 0;
    return false;
  }

  /// Puts a value into the current array or object; its address.
  json *place(json Value) {
    if (Open.empty()) {
      Root = std::move(Value);
      return &Root;
    }
    Level &Top = Open.back();
    if (Top.Value->is_array()) {
      Top.Value->push_back(std::move(Value));
      return &Top.Value->back();
    }
    *Top.Member = std::move(Value);
    return Top.Member;
  }
  bool add(json Value) {
    place(std::move(Value));
    return true;
  }
  bool open(json Value) {
    if (Open.size() == MaxJsonDepth)
      return fail(concat("arrays and objects are nested deeper than ",
                         MaxJsonDepth, " levels"));
    Open.push_back({place(std::move(Value)), "", nullptr});
    return true;
  }
  bool close() {
    Open.pop_back();
    return true;
  }

  /// "a.b[3].c"
  std::string path() const {
    std::string Result;
    for (const Level &L : Open) {
      if (L.Value->is_array()) {
        // The element that is open is the last.
        Result += concat("[", L.Value->size() - 1, "]");
        continue;
      }
      if (!Result.empty())
        Result += '.';
      Result += L.Key;
    }
    return Result;
  }

  std::string_view Text;
  std::vector<Level> Open;
};
} // namespace

std::string m1::formatPosition(std::string_view Text, size_t Offset) {
  Text = Text.substr(0, Offset);
  size_t LineBegin = Text.rfind('\n') + 1; // 0 if there is none
  return concat("line ", std::count(Text.begin(), Text.end(), '\n') + 1,
                ", column ", Text.size() - LineBegin + 1);
}

absl::StatusOr<json> m1::parseJson(std::string_view Text,
                                   const std::string &Path) {
  try {
    // nlohmann's lexer takes a null byte for the end of the text.
    if (size_t Null = Text.find('\0'); Null != Text.npos)
      return makeError(Path, ": ", formatPosition(Text, Null),
                       ": not valid JSON: a null byte");
    std::string Copy(Text);
    Literals Numbers = replaceLiterals(Copy);
    Builder Handler(Copy, Numbers);
    const char *Begin = Copy.data(), *End = Begin + Copy.size();
    if (json::sax_parse(CountingIterator(Begin, &Handler.Reached),
                        CountingIterator(End, &Handler.Reached), &Handler))
      return std::move(Handler.Root);
    return makeError(Path, ": ", formatPosition(Text, Handler.FailedAt), ": ",
                     Handler.Failure);
  } catch (const std::bad_alloc &) {
    return makeError(Path, ": not enough memory to read ", Text.size(),
                     " bytes of JSON");
  }
}

absl::StatusOr<json> m1::readJson(const std::string &Path, uint64_t MaxBytes) {
  M1_ASSIGN_OR_RETURN(std::string Text, readWholeFile(Path, MaxBytes));
  return parseJson(Text, Path);
}
