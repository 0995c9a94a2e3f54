//===- Kernel.cpp - declarations of kernels, and their cache --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernel.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Launches against declarations
//===----------------------------------------------------------------------===//

namespace {

/// Binds the operands of one launch to the arguments of a declaration.
class Signature {
public:
  Signature(const KernelDeclaration &Declaration,
            ArrayRef<Named<Type>> Operands,
            ArrayRef<Named<Attribute>> Constants, MLIRContext *Context)
      : Declaration(Declaration), Context(Context) {
    bindOperands(Operands);
    bindConstants(Constants);
  }

  SmallVector<Attribute> Names; // of the arguments that the launch provides
  SmallVector<Type> Types;
  DictionaryAttr Constants;
  llvm::StringMap<int64_t> Extents; // by axis name
  SmallVector<int64_t> Shape;       // static extents by first appearance

  /// Everything that the body depends on.
  Attribute key() const {
    Builder B(Context);
    return B.getArrayAttr({B.getStringAttr(Declaration.Name),
                           B.getArrayAttr(Names), B.getTypeArrayAttr(Types),
                           Constants});
  }
  /// A readable name for traces and dumps: the shape, the element types of
  /// floats and some constants. Different kernels may have the same label.
  std::string label() const;

private:
  [[noreturn]] void fail(const Twine &Problem) const {
    llvm::report_fatal_error("launch of kernel '" + Twine(Declaration.Name) +
                             "': " + Problem);
  }
  void bindOperands(ArrayRef<Named<Type>> Operands);
  void bindConstants(ArrayRef<Named<Attribute>> Given);
  void add(StringRef Name, StringRef Expected, Type Found);
  void checkMemory(StringRef Name, StringRef Expected, MemRefType Found);

  const KernelDeclaration &Declaration;
  MLIRContext *Context;
};

} // namespace

void Signature::bindOperands(ArrayRef<Named<Type>> Operands) {
  auto Find = [&](StringRef Name) {
    return llvm::find_if(Operands,
                         [&](const auto &O) { return O.Name == Name; });
  };
  for (const KernelArgument &Argument : Declaration.Arguments) {
    StringRef Name = Argument.Name;
    if (Name.consume_back("*")) {
      for (unsigned Number = 0;; ++Number) {
        const auto *Operand = Find((Name + Twine(Number)).str());
        if (Operand == Operands.end())
          break;
        add(Operand->Name, Argument.Type, Operand->Value);
      }
      continue;
    }
    const bool Optional = Name.consume_back("?");
    const auto *Operand = Find(Name);
    if (Operand != Operands.end())
      add(Name, Argument.Type, Operand->Value);
    else if (!Optional)
      fail("expected an operand '" + Name + "', found none");
  }
  if (Names.size() == Operands.size())
    return;
  for (const auto &Operand : Operands)
    if (!llvm::is_contained(Names, StringAttr::get(Context, Operand.Name)))
      fail("found an operand '" + Operand.Name + "', which is not declared");
  fail("found an operand twice");
}

void Signature::add(StringRef Name, StringRef Expected, Type Found) {
  auto Memory = dyn_cast<MemRefType>(Found);
  if (Expected == "index" ? !Found.isIndex() : !Memory)
    fail("expected '" + Name + "' to be " + Expected + ", found " +
         llvm::formatv("{0}", Found).str());
  if (Expected.starts_with("["))
    checkMemory(Name, Expected, Memory);
  Names.push_back(StringAttr::get(Context, Name));
  Types.push_back(Found);
}

void Signature::checkMemory(StringRef Name, StringRef Expected,
                            MemRefType Found) {
  auto Mismatch = [&] {
    fail("expected '" + Name + "' to be " + Expected + ", found " +
         llvm::formatv("{0}", Found).str());
  };
  auto [Axes, Element] = Expected.drop_front().split(']');
  Element = Element.trim();
  std::string FoundElement;
  llvm::raw_string_ostream(FoundElement) << Found.getElementType();
  if (!Element.empty() && Element != FoundElement)
    Mismatch();
  SmallVector<StringRef> AxisNames;
  Axes.split(AxisNames, ',');
  if (static_cast<int64_t>(AxisNames.size()) != Found.getRank())
    Mismatch();
  for (auto [Axis, Extent] : llvm::zip(AxisNames, Found.getShape())) {
    Axis = Axis.trim();
    int64_t Number;
    if (!Axis.getAsInteger(10, Number)) {
      if (Number != Extent)
        Mismatch();
      continue;
    }
    auto [Known, IsNew] = Extents.try_emplace(Axis, Extent);
    if (Known->second != Extent)
      Mismatch();
    if (IsNew && !ShapedType::isDynamic(Extent))
      Shape.push_back(Extent);
  }
}

void Signature::bindConstants(ArrayRef<Named<Attribute>> Given) {
  NamedAttrList List;
  for (const auto &Constant : Given) {
    if (!llvm::is_contained(Declaration.Constants, Constant.Name))
      fail("found a constant '" + Constant.Name + "', which is not declared");
    List.set(Constant.Name, Constant.Value);
  }
  for (StringRef Name : Declaration.Constants)
    if (!List.get(Name))
      fail("expected a constant '" + Name + "', found none");
  Constants = List.getDictionary(Context);
}

/// A constant as part of a symbol: a number, the names of elementwise ops
/// (ElementwiseStep), or the numbers in another dictionary; empty for others.
static void printConstant(NamedAttribute Constant, llvm::raw_ostream &Stream) {
  if (auto Integer = dyn_cast<IntegerAttr>(Constant.getValue()))
    Stream << '_' << Constant.getName().getValue() << Integer.getInt();
  else if (auto Float = dyn_cast<FloatAttr>(Constant.getValue()))
    Stream << '_' << Constant.getName().getValue()
           << llvm::format("%.6g", Float.getValueAsDouble());
  else if (auto List = dyn_cast<ArrayAttr>(Constant.getValue()))
    for (Attribute Each : List)
      printConstant({Constant.getName(), Each}, Stream);
  else if (auto Fields = dyn_cast<DictionaryAttr>(Constant.getValue())) {
    if (auto Op = Fields.getAs<StringAttr>("op")) {
      Stream << '_' << Op.getValue().rsplit('.').second;
      return;
    }
    for (NamedAttribute Each : Fields)
      printConstant(Each, Stream);
  }
}

std::string Signature::label() const {
  std::string Label;
  llvm::raw_string_ostream Stream(Label);
  Stream << Declaration.Name;
  if (!Shape.empty()) {
    Stream << '_';
    llvm::interleave(Shape, Stream, "x");
  }
  llvm::SmallSetVector<Type, 4> Elements;
  for (Type T : Types)
    if (auto Memory = dyn_cast<MemRefType>(T);
        Memory && isa<FloatType>(Memory.getElementType()))
      Elements.insert(Memory.getElementType());
  for (Type Element : Elements)
    Stream << '_' << Element;
  for (NamedAttribute Constant : Constants)
    printConstant(Constant, Stream);
  // Keep to characters that symbols of machine code may contain.
  for (char &C : Label)
    C = C == '.' ? 'p' : C == '-' ? 'm' : llvm::isAlnum(C) ? C : '_';
  return Label;
}

//===----------------------------------------------------------------------===//
// KernelCache
//===----------------------------------------------------------------------===//

KernelCache::KernelCache(ModuleOp Module, Blocking Blocks)
    : Blocks(Blocks), Module(Module) {
  for (auto Symbol : Module.getOps<SymbolOpInterface>())
    Taken.insert(Symbol.getName());
}

std::string KernelCache::freeName(StringRef Name) {
  std::string Free = Name.str();
  for (unsigned Number = 2; !Taken.insert(Free).second; ++Number)
    Free = (Name + "_" + Twine(Number)).str();
  return Free;
}

tile::KernelOp KernelCache::get(const KernelDeclaration &Declaration,
                                ArrayRef<Named<Type>> Operands,
                                ArrayRef<Named<Attribute>> Constants) {
  MLIRContext *Context = Module.getContext();
  Signature Bound(Declaration, Operands, Constants, Context);
  tile::KernelOp &Kernel = Kernels[Bound.key()];
  if (Kernel)
    return Kernel;

  OpBuilder B = OpBuilder::atBlockEnd(Module.getBody());
  std::string Name = freeName(Bound.label());
  Location Loc = NameLoc::get(B.getStringAttr(Name));
  SmallVector<Type> Types(tile::KernelOp::kGridRank, B.getIndexType());
  llvm::append_range(Types, Bound.Types);
  Kernel = B.create<tile::KernelOp>(
      Loc, B.getStringAttr(Name), TypeAttr::get(B.getFunctionType(Types, {})),
      B.getArrayAttr(Bound.Names), ArrayAttr(), ArrayAttr());
  Block &Entry = Kernel.getBody().emplaceBlock();
  for (Type T : Types)
    Entry.addArgument(T, Loc);
  KernelBody Body(Kernel, Blocks, Bound.Extents, Bound.Constants);
  Declaration.Build(Body);
  Body.create<tile::ReturnOp>();
  return Kernel;
}
