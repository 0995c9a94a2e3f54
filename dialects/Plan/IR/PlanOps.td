//===- PlanOps.td - the schedule dialect -------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contents of a plan file (runtime/schema/plan.fbs) as IR: programs that launch kernels on buffers.
//
//===----------------------------------------------------------------------===//

#ifndef PLAN_OPS
#define PLAN_OPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let summary = "The schedule: programs, buffers, launches";
  let description = [{
    Sizes that vary from call to call are named symbols (`T`, `B`). The module's attribute `plan.symbols` gives an upper
    bound for each; every buffer is large enough for it. Only axis 0 of a memref may be dynamic.

    A module with the attribute `plan.mesh` is the program of every rank of the mesh.
  }];
  let cppNamespace = "::m1::plan";
  let useDefaultAttributePrinterParser = 1;
}

def Plan_ExprAttr : AttrDef<Plan_Dialect, "Expr"> {
  let mnemonic = "expr";
  let summary = "A size: ceil((symbol * multiply + add) / divide)";
  let description = [{
    Written as an affine expression: `8`, `T`, `T * 2 + 3`, `T ceildiv 64`, `(T * 2 - 1) ceildiv 64`; as an attribute
    `#plan.expr<T ceildiv 64>`. A symbol that is no identifier is quoted. A constant has an empty symbol and the factor
    0.
  }];
  let parameters = (ins "::mlir::StringAttr":$symbol, "int64_t":$multiply, "int64_t":$add, "int64_t":$divide);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    AttrBuilderWithInferredContext<(ins "::mlir::StringAttr":$symbol, CArg<"int64_t", "1">:$multiply,
        CArg<"int64_t", "0">:$add, CArg<"int64_t", "1">:$divide), [{
      return Base::get(symbol.getContext(), symbol, multiply, add, divide);
    }]>
  ];
  let extraClassDeclaration = [{
    /// A size that depends on no symbol.
    static ExprAttr constant(::mlir::MLIRContext *Context, int64_t Value);
    /// The size if the symbol's value is `Symbol`.
    int64_t evaluate(int64_t Symbol) const;
    /// This plus `Number`, times `Factor`, or divided by `Divisor` and rounded up. Not on an expression with a divisor.
    ExprAttr plus(int64_t Number) const;
    ExprAttr times(int64_t Factor) const;
    ExprAttr ceilDiv(int64_t Divisor) const;
  }];
}
def Plan_ExprArray : TypedArrayAttrBase<Plan_ExprAttr, "sizes">;

// Properties of the elements of an i32 input on which a program relies. The caller's data are checked before it runs.
def Plan_BelowAttr : AttrDef<Plan_Dialect, "Below"> {
  let mnemonic = "below";
  let summary = "Each element is at least 0 and less than the limit";
  let parameters = (ins "int64_t":$limit);
  let assemblyFormat = "`<` $limit `>`";
}
def Plan_RowOrNoneAttr : AttrDef<Plan_Dialect, "RowOrNone"> {
  let mnemonic = "row_or_none";
  let summary = "Each element is -1, or at least 0 and less than the number of rows";
  let parameters = (ins "::m1::plan::ExprAttr":$rows);
  let assemblyFormat = "`<` custom<Expr>($rows) `>`";
}
def Plan_UniqueAttr : AttrDef<Plan_Dialect, "Unique"> {
  let mnemonic = "unique";
  let summary = "No number occurs twice in a row; a vector is one row";
}
def Plan_OffsetsAttr : AttrDef<Plan_Dialect, "Offsets"> {
  let mnemonic = "offsets";
  let summary = "The first element is 0, elements do not decrease, the last is the total";
  let parameters = (ins "::m1::plan::ExprAttr":$total);
  let assemblyFormat = "`<` custom<Expr>($total) `>`";
}
def Plan_ConsecutiveAttr : AttrDef<Plan_Dialect, "Consecutive"> {
  let mnemonic = "consecutive";
  let summary = "Between two offsets of another input, each element is its predecessor plus 1";
  let description = "`offsets` is the index of that input, which has `#plan.offsets` up to this input's rows.";
  let parameters = (ins "unsigned":$offsets);
  let assemblyFormat = "`<` $offsets `>`";
}

//===----------------------------------------------------------------------===//
// Many ranks
//===----------------------------------------------------------------------===//

def Plan_MeshAttr : AttrDef<Plan_Dialect, "Mesh"> {
  let mnemonic = "mesh";
  let summary = "The ranks that run the module's programs: the value of its attribute plan.mesh";
  let description = [{
    Axes with their extents, in order; the last axis varies fastest in a rank's number. A rank's coordinate on an axis is
    the value of the symbol `mesh.<axis>`, which `plan.symbols` bounds by the extent - 1.

    Constraints: (C1) there is at least one axis, no name occurs twice, and extents are at least 2.

    ```mlir
    #plan.mesh<data = 2, tensor = 4>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$axes, ArrayRefParameter<"int64_t">:$extents);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The number of an axis; `std::nullopt` if the mesh does not have it.
    std::optional<unsigned> find(::llvm::StringRef Axis) const;
    /// The symbol that is the rank's coordinate on an axis.
    static ::mlir::StringAttr symbolOf(::mlir::MLIRContext *Context, ::llvm::StringRef Axis);
  }];
}

def Plan_SliceAttr : AttrDef<Plan_Dialect, "Slice"> {
  let mnemonic = "slice";
  let summary = "What a rank holds of a dimension of a tensor of the checkpoint";
  let description = [{
    `#plan.slice<0 over "tensor" step 16 from 0 to 60 of 60 replicas 1>`: of the indices from 0 to 60 of dimension 0,
    which has 60 in the checkpoint, a rank has 16 from min(0 + coordinate / replicas · 16, 60) on; those from 60 on are
    zeros. Neighbouring ranks, `replicas` of them, have the same.
  }];
  let parameters = (ins "int64_t":$dimension, "::mlir::StringAttr":$axis, "int64_t":$step, "int64_t":$begin,
                        "int64_t":$end, "int64_t":$extent, "int64_t":$replicas);
  let assemblyFormat = [{
    `<` $dimension `over` $axis `step` $step `from` $begin `to` $end `of` $extent `replicas` $replicas `>`
  }];
}
def Plan_SliceArray : TypedArrayAttrBase<Plan_SliceAttr, "slices">;

def Plan_ConditionAttr : AttrDef<Plan_Dialect, "Condition"> {
  let mnemonic = "condition";
  let summary = "Whether a step is executed: its symbol is at least one number and below another";
  let description = "`#plan.condition<\"T\" from 0 to 33>`: 0 <= T < 33. All ranks execute the same steps.";
  let parameters = (ins "::mlir::StringAttr":$symbol, "int64_t":$atLeast, "int64_t":$below);
  let assemblyFormat = "`<` $symbol `from` $atLeast `to` $below `>`";
  let genVerifyDecl = 1;
}

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

def Plan_ProgramOp : Plan_Op<"program", [FunctionOpInterface, IsolatedFromAbove]> {
  let summary = "An entry point: a list of steps";
  let description = [{
    Arguments are the caller's memory, inputs first, then outputs. Argument attributes: `plan.name`, `plan.output` on
    outputs, `plan.rows` (a `#plan.expr`) if axis 0 is dynamic, `plan.checks` if the program relies on properties of an
    input's elements: a list of `#plan.below`, `#plan.row_or_none`, `#plan.unique`, `#plan.offsets` and
    `#plan.consecutive`; `plan.drawn` on outputs that hold tokens, or -1 - t if the logit of token t is NaN or +infinity.

    Constraints: (C1) every argument is a memref with static strides and at most axis 0 dynamic, which then has
    `plan.rows`; (C2) every argument has `plan.name`; (C3) no results; (C4) outputs follow inputs; (C5) `plan.checks` is
    a list of such attributes on an input of i32, of rank 1 for `#plan.offsets` and `#plan.consecutive`; (C6) the
    offsets of `#plan.consecutive` are an input that has `#plan.offsets` up to the rows of this one; (C7) `plan.drawn`
    is on an output of i32.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::mlir::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    bool isOutput(unsigned Argument) { return static_cast<bool>(getArgAttr(Argument, ::m1::plan::kOutputAttr)); }
    unsigned getNumInputs() {
      unsigned Number = 0;
      while (Number < getNumArguments() && !isOutput(Number))
        ++Number;
      return Number;
    }
    /// The properties of an input's elements on which the program relies.
    ::mlir::ArrayRef<::mlir::Attribute> getChecks(unsigned Argument) {
      auto Checks = getArgAttrOfType<::mlir::ArrayAttr>(Argument, ::m1::plan::kChecksAttr);
      return Checks ? Checks.getValue() : ::mlir::ArrayRef<::mlir::Attribute>();
    }
  }];
}

def Plan_ReturnOp : Plan_Op<"return", [Terminator, HasParent<"ProgramOp">]> {
  let summary = "Ends a program";
  let assemblyFormat = "attr-dict";
}

def Plan_DenseAttr : ElementsAttrBase<CPred<"::llvm::isa<::mlir::DenseIntOrFPElementsAttr>($_self)">,
                                      "dense numbers"> {
  let storageType = "::mlir::DenseElementsAttr";
  let returnType = storageType;
  let convertFromStorage = "$_self";
}

def Plan_GlobalOp : Plan_Op<"global", [Symbol]> {
  let summary = "Memory that outlives a call: packed weights, state or constants";
  let description = [{
    Weights are written by the program `init` and by programs that update parameters. Constants are read only: the plan file
    holds their contents, which reach the device once, when the plan is loaded. `offset`, in bytes, is set by
    `plan-assign-buffers`. A state with a `division`, "slot" or "block", has an index of axis 0 for each slot, or for each
    block of cached positions.

    Constraints: (C1) the type is a static memref; (C2) kind is "weights", "state" or "constant"; (C3) a constant has an
    identity layout and a value of its shape and element type, which takes whole bytes; other kinds have no value; (C4)
    only states have a division, and they then have an axis and an identity layout.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyMemRef>:$type, StrAttr:$kind,
                       OptionalAttr<Plan_DenseAttr>:$value, OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<StrAttr>:$division);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$Name, "::mlir::MemRefType":$Type, "::llvm::StringRef":$Kind,
                                 "::mlir::DenseElementsAttr":$Value, "::mlir::IntegerAttr":$Offset), [{
    build($_builder, $_state, Name, Type, Kind, Value, Offset, ::mlir::StringAttr());
  }]>];
  let assemblyFormat = "$kind $sym_name `:` $type (`=` $value^)? attr-dict";
  let hasVerifier = 1;
}

def Plan_TrainedOp : Plan_Op<"trained", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Where a tensor of the checkpoint is trained, or a part of it";
  let description = [{
    The elements `begin` <= i < `end` of axis `axis` of a checkpoint's tensor of type `stored`, in row-major order, are
    the elements from `offset` on of the states `master`, `first`, `second` and `gradient`. `group` is the parameter's
    number among those that are trained.

    Constraints: (C1) the symbols name states of f32, of one type; (C2) the part lies inside the tensor and inside the
    states.
  }];
  let arguments = (ins StrAttr:$tensor, TypeAttrOf<AnyMemRef>:$stored, I64Attr:$axis, I64Attr:$begin, I64Attr:$end,
                       FlatSymbolRefAttr:$master, FlatSymbolRefAttr:$first, FlatSymbolRefAttr:$second,
                       FlatSymbolRefAttr:$gradient, I64Attr:$offset, I64Attr:$group);
  let assemblyFormat = [{
    $tensor `:` $stored `axis` $axis `from` $begin `to` $end `in` $master `,` $first `,` $second `,` $gradient
    `at` $offset `group` $group attr-dict
  }];
}

def Plan_GlobalRefOp : Plan_Op<"global_ref", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A global's memory";
  let description = "Constraints: (C1) the symbol names a `plan.global` of the result's type.";
  let arguments = (ins FlatSymbolRefAttr:$global);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$global `:` type($result) attr-dict";
}

def Plan_ParameterOp : Plan_Op<"parameter", [Pure]> {
  let summary = "A tensor of the checkpoint, as it is stored, or the rank's part of it";
  let description = [{
    With `slices`, the rank has parts of dimensions of the tensor; the result's type is that of the part. With `names`,
    each coordinate on `names_axis` has a tensor of its own, and `tensor` is the first of them.

    Constraints: (C1) slices are of ascending dimensions of the result, over axes of the module's mesh that do not occur
    twice; the result's extent there is the step; (C2) a slice's replicas divide the extent of its axis, and slices
    cover what they are of; (C3) there are as many names as coordinates on `names_axis`, an axis that no slice is over,
    and the first is `tensor`.

    ```mlir
    %0 = plan.parameter "w" slices [#plan.slice<0 over "tensor" step 16 from 0 to 60 of 60 replicas 1>] : memref<16x64xf32>
    %1 = plan.parameter "experts.0" names "expert" ["experts.0", "experts.4"] : memref<64x64xf32>
    ```
  }];
  let arguments = (ins StrAttr:$tensor, OptionalAttr<Plan_SliceArray>:$slices, OptionalAttr<StrAttr>:$names_axis,
                       OptionalAttr<StrArrayAttr>:$names);
  let results = (outs AnyMemRef:$result);
  let builders = [OpBuilder<(ins "::mlir::MemRefType":$Type, "::mlir::StringAttr":$Tensor), [{
    build($_builder, $_state, Type, Tensor, ::mlir::ArrayAttr(), ::mlir::StringAttr(), ::mlir::ArrayAttr());
  }]>];
  let assemblyFormat = [{
    $tensor (`slices` $slices^)? (`names` $names_axis^ $names)? `:` type($result) attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The shape of the whole tensor.
    ::llvm::SmallVector<int64_t> getStoredShape();
  }];
}

def Plan_BufferOp : Plan_Op<"buffer", [MemoryEffects<[MemAlloc]>]> {
  let summary = "Memory of one call";
  let description = [{
    `rows` is the extent of a dynamic axis 0. `offset`, in bytes, is set by `plan-assign-buffers`; buffers whose live
    ranges do not overlap may share memory.

    Constraints: (C1) rows is given if and only if axis 0 is dynamic; no other axis is.
  }];
  let arguments = (ins OptionalAttr<Plan_ExprAttr>:$rows, OptionalAttr<I64Attr>:$offset);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "(`rows` custom<Expr>($rows)^)? `:` type($result) attr-dict";
  let hasVerifier = 1;
}

def Plan_ViewOp : Plan_Op<"view", [Pure]> {
  let summary = "The same memory with another shape";
  let description = [{
    `offset` counts elements of the operand, and so does `shift`, which is added to it: a multiple of the rank's
    coordinate on an axis of the mesh. A dynamic axis 0 keeps its extent unless `rows` says otherwise.

    Constraints: (C1) offset is not negative; (C2) element types agree; (C3) shift's symbol is an axis of the module's
    mesh, and it has no divisor.
  }];
  let arguments = (ins AnyMemRef:$source, I64Attr:$offset, OptionalAttr<Plan_ExprAttr>:$shift,
                       OptionalAttr<Plan_ExprAttr>:$rows);
  let results = (outs AnyMemRef:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$Type, "::mlir::Value":$Source, "int64_t":$Offset,
                                 CArg<"::m1::plan::ExprAttr", "{}">:$Rows, CArg<"::m1::plan::ExprAttr", "{}">:$Shift), [{
    build($_builder, $_state, Type, Source, $_builder.getI64IntegerAttr(Offset), Shift, Rows);
  }]>];
  let assemblyFormat = [{
    $source `at` $offset (`shift` custom<Expr>($shift)^)? (`rows` custom<Expr>($rows)^)? attr-dict
    `:` type($source) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Plan_LaunchOp : Plan_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a kernel over a grid";
  let description = [{
    ```mlir
    plan.launch @rms_norm_64 grid [...] (x = %0 : memref<?x64xf32>, weight = %1 : memref<64xf32>,
                                         result = %2 : memref<?x64xf32> written, rows = %3 : index)
    ```

    Operands have the names of the kernel's arguments; `written` marks those that the kernel stores to.

    Constraints: (C1) the symbol names a `tile.kernel`; (C2) the operands' types and names are those of the kernel's
    arguments after its grid position; (C3) the grid has three sizes; (C4) `written` agrees with the kernel's stores.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Plan_ExprArray:$grid, Variadic<AnyType>:$operands, StrArrayAttr:$names,
                       DenseBoolArrayAttr:$written, OptionalAttr<Plan_ConditionAttr>:$condition);
  let builders = [OpBuilder<(ins "::mlir::FlatSymbolRefAttr":$Kernel, "::mlir::ArrayAttr":$Grid,
                                 "::mlir::ValueRange":$Operands, "::mlir::ArrayAttr":$Names,
                                 "::mlir::DenseBoolArrayAttr":$Written), [{
    build($_builder, $_state, Kernel, Grid, Operands, Names, Written, ::m1::plan::ConditionAttr());
  }]>];
  let assemblyFormat = [{
    $kernel `grid` custom<Grid>($grid) custom<LaunchOperands>($operands, type($operands), $names, $written)
    (`if` $condition^)? attr-dict
  }];
}

def Plan_CopyOp : Plan_Op<"copy", [SameTypeOperands]> {
  let summary = "Copies memory";
  let description = [{
    Constraints: (C1) both sides have an identity layout; (C2) both sides have the same number of rows.
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source, Arg<AnyMemRef, "", [MemWrite]>:$destination,
                       OptionalAttr<Plan_ConditionAttr>:$condition);
  let builders = [OpBuilder<(ins "::mlir::Value":$Source, "::mlir::Value":$Destination), [{
    build($_builder, $_state, Source, Destination, ::m1::plan::ConditionAttr());
  }]>];
  let assemblyFormat = "$source `to` $destination `:` type($source) (`if` $condition^)? attr-dict";
  let hasVerifier = 1;
}

def Plan_CollectiveOp : Plan_Op<"collective"> {
  let summary = "Exchanges blocks of rows with other ranks";
  let description = [{
    The ranks whose coordinates differ on `axis` only exchange blocks of `rows` rows. `all_gather`: the source is one
    block. `all_to_all`: it has one for each rank, in the order of coordinates. The destination has one from each rank,
    in that order.

    Constraints: (C1) kind is "all_gather" or "all_to_all"; (C2) both sides have an identity layout and rows of the same
    shape and element type; (C3) the module has a mesh with this axis; (C4) rows depend on no coordinate. `plan-verify`
    checks that the blocks fit.

    ```mlir
    plan.collective "all_gather" over "tensor" rows T %x : memref<?x16xf32> to %all : memref<?x16xf32>
    ```
  }];
  let arguments = (ins StrAttr:$kind, StrAttr:$axis, Plan_ExprAttr:$rows, Arg<AnyMemRef, "", [MemRead]>:$source,
                       Arg<AnyMemRef, "", [MemWrite]>:$destination, OptionalAttr<Plan_ConditionAttr>:$condition);
  let assemblyFormat = [{
    $kind `over` $axis `rows` custom<Expr>($rows) $source `:` type($source) `to` $destination `:` type($destination)
    (`if` $condition^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    bool isAllToAll() { return getKind() == "all_to_all"; }
    /// The ranks that exchange.
    int64_t getRanks();
  }];
}

def Plan_ScalarOp : Plan_Op<"scalar", [Pure]> {
  let summary = "A size as an operand";
  let arguments = (ins Plan_ExprAttr:$value);
  let results = (outs Index:$result);
  let assemblyFormat = "custom<Expr>($value) attr-dict";
}

#endif // PLAN_OPS
