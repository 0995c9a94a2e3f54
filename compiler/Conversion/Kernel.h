//===- Kernel.h - declarations of kernels, and their cache ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel is declared once: its name, its arguments by name and shape, its
// constants, and the function that writes its body. A launch passes operands
// and constants by name; the kernel for these types and constants is created on
// first use.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNEL_H
#define M1C_COMPILER_CONVERSION_KERNEL_H

#include "compiler/Conversion/KernelBody.h"
#include "llvm/ADT/StringSet.h"
#include <string>
#include <vector>

namespace m1 {

/// An argument of a kernel.
struct KernelArgument {
  /// "x". With a question mark ("image?") launches may leave it out. With a
  /// star ("input*") they may pass any number of them: "input0", "input1", ...
  llvm::StringLiteral Name;
  /// What the operand must be:
  /// - "index": a size;
  /// - "[T, H, D]": memory of that rank. An axis is a number or a name. Axes
  ///   of the same name have the same extent, which the body reads by
  ///   KernelBody::extent(), or are all dynamic, such as T;
  /// - "[T, K] i32": of that element type;
  /// - anything else is a description of memory and is not checked.
  llvm::StringLiteral Type;
};

/// How a kernel is declared.
struct KernelDeclaration {
  llvm::StringLiteral Name;
  /// In the order in which the machine code takes them.
  std::vector<KernelArgument> Arguments;
  /// Attributes that the body depends on besides the arguments' types.
  std::vector<llvm::StringLiteral> Constants;
  /// Writes the body. A plain function that depends on nothing but the
  /// KernelBody: kernels of equal names, types and constants are equal.
  void (*Build)(KernelBody &);
};

/// A value with the name of the argument or constant that it is for.
template <typename T> struct Named {
  llvm::StringRef Name;
  T Value;
};

/// Creates each kernel once, however many launches use it.
class KernelCache {
public:
  KernelCache(mlir::ModuleOp Module, Blocking Blocks);

  const Blocking Blocks;

  /// The kernel for operands of these types, in any order, and these constants.
  /// A launch that does not match the declaration is a programming error and
  /// aborts with a message of what was found and expected.
  tile::KernelOp get(const KernelDeclaration &Declaration,
                     llvm::ArrayRef<Named<mlir::Type>> Operands,
                     llvm::ArrayRef<Named<mlir::Attribute>> Constants);

  /// `Name`, made unique among the module's symbols and the names that this
  /// function has returned.
  std::string freeName(llvm::StringRef Name);

private:
  mlir::ModuleOp Module;
  llvm::StringSet<> Taken;
  /// By declaration, argument names and types, and constants.
  llvm::DenseMap<mlir::Attribute, tile::KernelOp> Kernels;
};

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNEL_H
