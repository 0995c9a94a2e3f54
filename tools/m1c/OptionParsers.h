//===- OptionParsers.h - parsers of m1c's option values ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's parsers only report that a value is wrong. These also list the values
// that are right, in one line.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1C_OPTIONPARSERS_H
#define M1C_TOOLS_M1C_OPTIONPARSERS_H

#include "runtime/support/Printable.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/WithColor.h"
#include <limits>
#include <string>
#include <vector>

namespace m1 {

/// "found 'FOUND', expected A, B or C", and the nearest of them if one is near.
inline std::string expectedOneOf(llvm::StringRef Found,
                                 llvm::ArrayRef<std::string> Choices) {
  std::string Text = ("found '" + Found + "', expected ").str();
  const std::string *Nearest = nullptr;
  unsigned Least = std::max<size_t>(1, Found.size() / 3) + 1;
  for (auto [I, Choice] : llvm::enumerate(Choices)) {
    Text += (I == 0 ? "" : I + 1 == Choices.size() ? " or " : ", ") + Choice;
    if (unsigned Distance = Found.edit_distance(Choice); Distance < Least) {
      Nearest = &Choice;
      Least = Distance;
    }
  }
  return Nearest ? Text + "; the nearest is '" + *Nearest + "'" : Text;
}

/// Prints what is wrong with an option's value. Returns true, as a parser that
/// fails does.
inline bool refuseOption(const llvm::cl::Option &Option,
                         const llvm::Twine &Message) {
  llvm::WithColor::error(llvm::errs(), "m1c")
      << "--" << Option.ArgStr << ": " << printable(Message.str()) << '\n';
  return true;
}

/// Parses one of an option's cl::values.
template <typename T> struct ChoiceParser : llvm::cl::parser<T> {
  using llvm::cl::parser<T>::parser;

  bool parse(llvm::cl::Option &Option, llvm::StringRef, llvm::StringRef Found,
             T &Value) {
    std::vector<std::string> Choices;
    for (const auto &Known : this->Values) {
      if (Known.Name == Found) {
        Value = Known.V.getValue();
        return false;
      }
      Choices.push_back(Known.Name.str());
    }
    return refuseOption(Option, expectedOneOf(Found, Choices));
  }
};

/// The value of an option: an integer from 1 to `Most`.
template <int64_t Most> struct UpTo {
  UpTo(int64_t Number = 1) : Number(Number) {}
  operator int64_t() const { return Number; }

  int64_t Number;
};
using Count = UpTo<std::numeric_limits<int32_t>::max()>;
using ByteCount = UpTo<std::numeric_limits<int64_t>::max()>;

} // namespace m1

template <int64_t Most>
class llvm::cl::parser<m1::UpTo<Most>> final
    : public llvm::cl::basic_parser<m1::UpTo<Most>> {
public:
  using llvm::cl::basic_parser<m1::UpTo<Most>>::basic_parser;

  bool parse(Option &O, StringRef, StringRef Found, m1::UpTo<Most> &Value) {
    if (!Found.getAsInteger(10, Value.Number) && Value >= 1 && Value <= Most)
      return false;
    return m1::refuseOption(O, "expected 1 to " + Twine(Most) + ", found '" +
                                   Found + "'");
  }
  StringRef getValueName() const override { return "n"; }
  void printOptionDiff(const Option &O, const m1::UpTo<Most> &Value,
                       typename parser::OptVal, size_t GlobalWidth) const {
    this->printOptionName(O, GlobalWidth);
    outs() << "= " << Value.Number << '\n';
  }
};

#endif // M1C_TOOLS_M1C_OPTIONPARSERS_H
