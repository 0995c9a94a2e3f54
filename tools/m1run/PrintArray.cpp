//===- PrintArray.cpp - arrays as text ------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/PrintArray.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <functional>

using namespace m1;

namespace {

constexpr int64_t kThreshold = 1000, kEdge = 3;
constexpr size_t kLineWidth = 74; // without the closing bracket
constexpr int kPrecision = 8;

/// The shortest digits from which reading gives `Value` again, in its element
/// type; at most `kPrecision` after the point.
std::string shortest(double Value, ElementType Type, std::chars_format Format) {
  char Text[400];
  auto Print = [&](auto Number) {
    return std::to_chars(Text, std::end(Text), Number, Format).ptr;
  };
  char *End = Type == ElementType::F64 ? Print(Value)
                                       : Print(static_cast<float>(Value));
  if (Type == ElementType::F16 || Type == ElementType::BF16) {
    // The shortest of the values that round to the same 16 bits.
    auto Bits = [&](double V) {
      return Type == ElementType::F16 ? f16FromFloat(V) : bf16FromFloat(V);
    };
    for (int Digits = 0; Digits <= 12; ++Digits) {
      End = std::to_chars(Text, std::end(Text), Value, Format, Digits).ptr;
      if (Bits(std::strtod(std::string(Text, End).c_str(), nullptr)) ==
          Bits(Value))
        break;
    }
  }
  std::string Result(Text, End);
  size_t Point = Result.find('.'), Exponent = Result.find('e');
  size_t Digits = std::min(Exponent, Result.size());
  if (Point != std::string::npos && Digits - Point - 1 > kPrecision) {
    End = std::to_chars(Text, std::end(Text), Value, Format, kPrecision).ptr;
    Result.assign(Text, End);
    // Without trailing zeros.
    size_t Last = std::min(Result.find('e'), Result.size());
    size_t Keep = Result.find_last_not_of('0', Last - 1) + 1;
    Result.erase(Keep, Last - Keep);
  }
  if (Result.find('.') == std::string::npos)
    Result.insert(std::min(Result.find('e'), Result.size()), ".");
  return Result;
}

/// Formats the elements of one array alike.
class Formatter {
public:
  /// `Shown` are the elements that are printed.
  Formatter(ElementType Type, const std::vector<double> &Shown) : Type(Type) {
    double Largest = 0, Smallest = INFINITY;
    for (double V : Shown)
      if (std::isfinite(V) && V != 0) {
        Largest = std::max(Largest, std::fabs(V));
        Smallest = std::min(Smallest, std::fabs(V));
      }
    if (Largest >= (Type == ElementType::F64   ? 1e8
                    : Type == ElementType::F16 ? 1e3
                                               : 1e6) ||
        (Largest > 0 && (Smallest < 1e-4 || Largest / Smallest > 1000)))
      Format = std::chars_format::scientific;
    for (double V : Shown)
      if (std::isfinite(V)) {
        std::string Text = shortest(V, Type, Format);
        auto [Left, Right] = sides(Text);
        Before = std::max(Before, Left);
        After = std::max(After, Right);
        Exponent = std::max(Exponent, exponentDigits(Text));
      }
    for (double V : Shown)
      if (!std::isfinite(V))
        while (Before + 1 + After + (Exponent ? 2 + Exponent : 0) <
               text(V).size())
          ++Before;
  }

  /// An element, padded to the common width.
  std::string operator()(double V) const {
    std::string Text = text(V);
    if (!std::isfinite(V)) {
      size_t Width = Before + 1 + After + (Exponent ? 2 + Exponent : 0);
      Text.insert(0, Width - Text.size(), ' ');
      return Text;
    }
    if (Format == std::chars_format::scientific) {
      // All with the digits of the longest.
      char Digits[400];
      Text.assign(Digits, std::to_chars(Digits, std::end(Digits), V, Format,
                                        static_cast<int>(After))
                              .ptr);
      if (After == 0)
        Text.insert(Text.find('e'), ".");
      Text.insert(Text.find('e') + 2, Exponent - exponentDigits(Text), '0');
    }
    auto [Left, Right] = sides(Text);
    return std::string(Before - Left, ' ') + Text +
           std::string(After - Right, ' ');
  }

private:
  std::string text(double V) const {
    if (std::isnan(V))
      return "nan";
    if (std::isinf(V))
      return V < 0 ? "-inf" : "inf";
    return shortest(V, Type, Format);
  }

  /// How many characters stand before the point, and digits after it.
  static std::pair<size_t, size_t> sides(const std::string &Text) {
    size_t Point = Text.find('.');
    return {Point, std::min(Text.find('e'), Text.size()) - Point - 1};
  }

  /// How many digits an exponent has.
  static size_t exponentDigits(const std::string &Text) {
    size_t E = Text.find('e');
    return E == std::string::npos ? 0 : Text.size() - E - 2;
  }

  ElementType Type;
  std::chars_format Format = std::chars_format::fixed;
  // The widest parts of all elements: characters before the point, digits after
  // it, digits of the exponent.
  size_t Before = 0, After = 0, Exponent = 0;
};

/// Prints nested brackets around elements that are text.
class Brackets {
public:
  Brackets(const NpyArray &Array, bool Summarised,
           std::function<std::string(int64_t)> Element)
      : Shape(Array.Shape), Summarised(Summarised),
        Element(std::move(Element)) {}

  /// The part of the array below `Index`, a row-major number of extents before
  /// `Axis`.
  std::string print(size_t Axis, int64_t Index) const {
    const bool Last = Axis + 1 == Shape.size();
    const std::string Indent(Axis + 1, ' ');
    const std::string NewLines(Shape.size() - Axis - 1, '\n');
    std::string Text, Line;
    auto Add = [&](const std::string &Word) {
      if (!Last) {
        Text += (Text.empty() ? "" : NewLines + Indent) + Word;
        return;
      }
      if (!Line.empty() &&
          Indent.size() + Line.size() + 1 + Word.size() > kLineWidth - Axis) {
        Line.erase(Line.find_last_not_of(' ') + 1);
        Text += Line + "\n" + Indent;
        Line.clear();
      }
      Line += (Line.empty() ? "" : " ") + Word;
    };
    const int64_t Extent = Shape[Axis];
    for (int64_t I = 0; I < Extent; ++I) {
      if (Summarised && Extent > 2 * kEdge && I == kEdge) {
        Add("...");
        I = Extent - kEdge;
      }
      int64_t Next = Index * Extent + I;
      Add(Last ? Element(Next) : print(Axis + 1, Next));
    }
    return "[" + Text + Line + "]";
  }

private:
  const std::vector<int64_t> &Shape;
  bool Summarised;
  std::function<std::string(int64_t)> Element;
};

double elementOf(const NpyArray &Array, int64_t I) {
  switch (Array.Type) {
  case ElementType::F64:
    return Array.as<double>()[I];
  case ElementType::F32:
    return Array.as<float>()[I];
  case ElementType::BF16:
    return floatFromBF16(Array.as<uint16_t>()[I]);
  default:
    return floatFromF16(Array.as<uint16_t>()[I]);
  }
}

int64_t integerOf(const NpyArray &Array, int64_t I) {
  switch (Array.Type) {
  case ElementType::I32:
    return Array.as<int32_t>()[I];
  case ElementType::I64:
    return Array.as<int64_t>()[I];
  default:
    return Array.as<uint8_t>()[I];
  }
}

/// The numbers of the elements that a summary shows.
void collect(const std::vector<int64_t> &Shape, bool Summarised, size_t Axis,
             int64_t Index, std::vector<int64_t> &Numbers) {
  if (Axis == Shape.size()) {
    Numbers.push_back(Index);
    return;
  }
  for (int64_t I = 0; I < Shape[Axis]; ++I) {
    if (Summarised && Shape[Axis] > 2 * kEdge && I == kEdge)
      I = Shape[Axis] - kEdge;
    collect(Shape, Summarised, Axis + 1, Index * Shape[Axis] + I, Numbers);
  }
}

} // namespace

std::string run::formatArray(const NpyArray &Array) {
  const int64_t Count = Array.count();
  if (Count == 0)
    return "[]";
  const bool Summarised = Count > kThreshold;
  std::vector<int64_t> Shown;
  collect(Array.Shape, Summarised, 0, 0, Shown);
  std::function<std::string(int64_t)> Element;
  switch (Array.Type) {
  case ElementType::F64:
  case ElementType::F32:
  case ElementType::BF16:
  case ElementType::F16: {
    std::vector<double> Values;
    for (int64_t I : Shown)
      Values.push_back(elementOf(Array, I));
    Element = [&Array, Format = Formatter(Array.Type, Values)](int64_t I) {
      return Format(elementOf(Array, I));
    };
    break;
  }
  default: {
    size_t Width = 0;
    for (int64_t I : Shown)
      Width = std::max(Width, std::to_string(integerOf(Array, I)).size());
    Element = [&Array, Width](int64_t I) {
      std::string Text = std::to_string(integerOf(Array, I));
      return std::string(Width - Text.size(), ' ') + Text;
    };
  }
  }
  if (Array.Shape.empty())
    return Element(0);
  return Brackets(Array, Summarised, Element).print(0, 0);
}
