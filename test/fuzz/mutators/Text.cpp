//===- Text.cpp - mutations of text formats -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/mutators/Text.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>
#include <vector>

using namespace m1::fuzz;

namespace {
constexpr std::string_view Numbers[] = {"0",
                                        "1",
                                        "-1",
                                        "2",
                                        "3",
                                        "7",
                                        "16",
                                        "31",
                                        "32",
                                        "33",
                                        "63",
                                        "64",
                                        "65",
                                        "127",
                                        "128",
                                        "255",
                                        "256",
                                        "1024",
                                        "4096",
                                        "65535",
                                        "65536",
                                        "1048576",
                                        "2147483647",
                                        "2147483648",
                                        "4294967295",
                                        "4294967296",
                                        "1e400",
                                        "1.5",
                                        "-0",
                                        "1e-320",
                                        "0x7f",
                                        "70368744177664",
                                        "-2147483648",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "-9223372036854775808"};

struct Range {
  size_t Begin, End;
};

size_t below(size_t Limit, std::mt19937 &Random) { return Random() % Limit; }

/// The runs of digits.
std::vector<Range> numbersOf(std::string_view Text) {
  std::vector<Range> Found;
  auto digit = [](char C) {
    return std::isdigit(static_cast<unsigned char>(C));
  };
  for (size_t I = 0; I < Text.size();) {
    size_t End = I;
    while (End < Text.size() && digit(Text[End]))
      ++End;
    if (End > I)
      Found.push_back({I, End});
    I = std::max(End, I + 1);
  }
  return Found;
}

/// The pieces that end with a separator, which is a part of them.
std::vector<Range> piecesOf(std::string_view Text,
                            std::string_view Separators) {
  std::vector<Range> Found;
  for (size_t I = 0; I < Text.size();) {
    size_t End = Text.find_first_of(Separators, I);
    End = End == std::string_view::npos ? Text.size() : End + 1;
    Found.push_back({I, End});
    I = End;
  }
  return Found;
}

void mutateNumber(std::string &Text, std::mt19937 &Random) {
  std::vector<Range> Places = numbersOf(Text);
  if (Places.empty())
    return;
  Range Place = Places[below(Places.size(), Random)];
  std::string New(Numbers[below(std::size(Numbers), Random)]);
  if (Random() % 3 == 0) { // a number of the text
    Range From = Places[below(Places.size(), Random)];
    New = Text.substr(From.Begin, From.End - From.Begin);
  }
  Text.replace(Place.Begin, Place.End - Place.Begin, New);
}

void movePiece(std::string &Text, std::mt19937 &Random) {
  constexpr std::string_view Separators[] = {"\n",          ",", ";\n",
                                             " ,.[]{}()\n", "}", "{["};
  std::vector<Range> Pieces =
      piecesOf(Text, Separators[below(std::size(Separators), Random)]);
  if (Pieces.empty())
    return;
  Range From = Pieces[below(Pieces.size(), Random)];
  Range To = Pieces[below(Pieces.size(), Random)];
  std::string Piece = Text.substr(From.Begin, From.End - From.Begin);
  switch (Random() % 4) {
  case 0:
    Text.erase(From.Begin, Piece.size());
    break;
  case 1:
    Text.insert(To.Begin, Piece);
    break;
  case 2:
    Text.replace(To.Begin, To.End - To.Begin, Piece);
    break;
  default: // many times, as deep nesting or a long list
    std::string Many;
    for (size_t N = size_t(1) << (Random() % 10); N > 0; --N)
      Many += Piece;
    Text.insert(To.Begin, Many);
    break;
  }
}
} // namespace

std::string m1::fuzz::mutateText(std::string Text, size_t MaxSize,
                                 std::mt19937 &Random) {
  std::string Original = Text;
  for (unsigned Steps = 1 + Random() % 3; Steps > 0; --Steps) {
    switch (Random() % 4) {
    case 0:
      mutateNumber(Text, Random);
      break;
    case 1:
      movePiece(Text, Random);
      break;
    default: {
      if (Text.size() > MaxSize)
        break;
      std::vector<uint8_t> Bytes(MaxSize + 1);
      std::copy(Text.begin(), Text.end(), Bytes.begin());
      size_t Size = LLVMFuzzerMutate(Bytes.data(), Text.size(), MaxSize);
      Text.assign(Bytes.begin(), Bytes.begin() + Size);
      break;
    }
    }
  }
  return Text.size() <= MaxSize ? Text : Original;
}

size_t m1::fuzz::store(const std::string &Result, uint8_t *Data,
                       size_t MaxSize) {
  size_t Size = std::min(Result.size(), MaxSize);
  std::memcpy(Data, Result.data(), Size);
  return Size;
}
