//===- M1Ops.td - the model dialect ------------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One op for each step of the model (docs/model.md). Functions of this dialect compute on a ragged batch: T tokens of
// B concatenated sequences. Axis 0 of every activation is the token axis and is dynamic.
//
//===----------------------------------------------------------------------===//

#ifndef M1_OPS
#define M1_OPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/M1/IR/M1Interfaces.td"

def M1_Dialect : Dialect {
  let name = "m1";
  let summary = "A hybrid-attention mixture-of-experts model over a ragged batch";
  let description = [{
    A ragged batch of B sequences with T tokens in all is described by three tensors that several ops take:

    - `positions : tensor<?xi32>` [T]: each token's position in its own sequence, counted from 0;
    - `cu_seqlens : tensor<?xi32>` [B+1]: sequence b owns the tokens cu_seqlens[b] <= t < cu_seqlens[b+1]; the first
      entry is 0, the last T, and entries do not decrease (an empty sequence is allowed);
    - `slots : tensor<?xi32>` [B]: which slot of each state sequence b owns; no two sequences share one.

    The tokens of one sequence have consecutive positions. A token at position 0 starts a new sequence: the previous
    contents of its slot are ignored.

    Element types are part of the meaning: an op computes as if exactly and rounds once to the element type of its
    result; the description of a product says how it is summed.

    An axis has an extent of at most 2^31 - 1. A tensor has at most 2^40 elements, or elements per row if axis 0 is
    dynamic.

    Arguments and results of functions can have two attributes. `m1.dim` is the extent of axis 0, a symbol or a symbol
    plus a number ("T", "B+1"): in one call of the function a symbol has one value. `m1.name` is the name that callers
    use; no two arguments share one, nor do two results. A module can have the attributes `m1.model`, a `#m1.model`, and
    `m1.mesh`, a `#m1.mesh`. Other attributes whose names begin with `m1.` are errors.
  }];
  let cppNamespace = "::m1";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  // m1.model, m1.dim and m1.name: Attributes.h.
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

class M1_Type<string name, string typeMnemonic> : TypeDef<M1_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def M1_LightningStateType : M1_Type<"LightningState", "lightning_state"> {
  let summary = "The state of a lightning attention layer";
  let description = [{
    For each slot and head: the state S [d, d] in f32 at the last chunk boundary, and the k and v rows of the open chunk
    (at most `chunk` rows) in `elementType`. Written `!m1.lightning_state<12 x 64, chunk = 64, bf16>`.
  }];
  let parameters = (ins "int64_t":$heads, "int64_t":$headDim, "int64_t":$chunk, "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $heads `x` $headDim `,` `chunk` `=` $chunk `,` $elementType `>`";
  let genVerifyDecl = 1;
}

def M1_KVCacheType : M1_Type<"KVCache", "kv_cache"> {
  let summary = "The key/value cache of a softmax attention layer";
  let description = [{
    For each slot: the k and v rows [length, G, d] of a sequence's earlier tokens. Written `!m1.kv_cache<4 x 64, bf16>`;
    the maximum length is set when a plan is compiled.

    `!m1.kv_cache<4 x 64, bf16, block = 64>` has blocks of 64 rows instead, which belong to no slot: ops that use it are
    given the blocks of each sequence. The number of blocks is set when a plan is compiled.
  }];
  let parameters = (ins "int64_t":$heads, "int64_t":$headDim, "::mlir::Type":$elementType,
                        DefaultValuedParameter<"int64_t", "0">:$block);
  let assemblyFormat = "`<` $heads `x` $headDim `,` $elementType (`,` `block` `=` $block^)? `>`";
  let genVerifyDecl = 1;
}

def M1_SourceAttr : AttrDef<M1_Dialect, "Source"> {
  let mnemonic = "source";
  let summary = "A tensor of the checkpoint, or a slice of one along one axis";
  let description = [{
    `#m1.source<"name">` is a whole tensor. `#m1.source<"name"[axis 1, 0 to 64 of 128]>` is the slice with
    indices 0 <= i < 64 along axis 1, whose full extent in the checkpoint is 128. `#m1.source<"name" as bf16>` is stored
    in a narrower element type than the parameter's and is widened to it.
  }];
  let parameters = (ins "::mlir::StringAttr":$tensor, DefaultValuedParameter<"int64_t", "-1">:$axis,
                        DefaultValuedParameter<"int64_t", "0">:$begin, DefaultValuedParameter<"int64_t", "0">:$end,
                        DefaultValuedParameter<"int64_t", "0">:$extent, OptionalParameter<"::mlir::Type">:$stored);
  let builders = [AttrBuilderWithInferredContext<(ins "::mlir::StringAttr":$tensor), [{
    return $_get(tensor.getContext(), tensor, -1, 0, 0, 0, ::mlir::Type());
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def M1_ModelAttr : AttrDef<M1_Dialect, "Model"> {
  let mnemonic = "model";
  let summary = "The model that a module computes: the value of its attribute m1.model";
  let description = [{
    The checkpoint's architecture, the number of layers, the maximum number of positions and the size of the vocabulary,
    all positive. The checkpoint may hold tensors that are no parameter's source only if their names end with one of
    `derived`: those follow from the configuration.

    ```mlir
    #m1.model<architecture = "MiniMaxM1ForCausalLM", layers = 80, max_position = 10240000, vocabulary = 200064,
              derived = [".rotary_emb.inv_freq"]>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$architecture, "int64_t":$layers, "int64_t":$max_position,
                        "int64_t":$vocabulary, "::mlir::ArrayAttr":$derived);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def M1_TensorStateType : M1_Type<"TensorState", "tensor_state"> {
  let summary = "A tensor that persists between calls";
  let description = [{
    A gradient, a moment of the optimiser, or a parameter in full precision: one tensor, whatever the slots. It is zero
    until it is written. It has at least one axis, and no axis is empty. Written `!m1.tensor_state<64x32xf32>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

include "dialects/M1/IR/M1Sharding.td"

// Operands and results keep the limits of Sizes.h.
def M1_BoundedTensors : NativeOpTrait<"BoundedTensors"> {
  let cppNamespace = "::m1";
}

def M1_StateType : AnyTypeOf<[M1_LightningStateType, M1_KVCacheType, M1_TensorStateType]>;
def M1_Float : AnyTypeOf<[F32, BF16, F16, F64], "f32, bf16, f16 or f64">;
def M1_Rows : RankedTensorOf<[M1_Float]>;      // [T, N]; rank, shape and element types are checked by each verifier
def M1_Heads : RankedTensorOf<[M1_Float]>;     // [T, H, d]
def M1_Product : RankedTensorOf<[F32]>;        // [T, K, F]
def M1_Weight : RankedTensorOf<[M1_Float]>;    // static
def M1_Index : RankedTensorOf<[I32]>;          // [T], [B] or [B+1]

class M1_Op<string mnemonic, list<Trait> traits = []>
    : Op<M1_Dialect, mnemonic, !listconcat([M1_BoundedTensors], traits)> {
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Parameters and states
//===----------------------------------------------------------------------===//

def M1_ParameterOp : M1_Op<"parameter", [Symbol]> {
  let summary = "Declares a named parameter and its sources in the checkpoint";
  let description = [{
    With one source, the parameter is that tensor or slice. With n > 1 sources, or with one that is `stacked`, they are
    stacked along a new leading axis of extent n.

    Constraints: (C1) the type is a ranked static tensor of floats; (C2) there is at least one source; (C3) if stacked,
    axis 0 of the type has extent n; (C4) a slice's length is the extent of that axis in the type (without the stacking
    axis); (C5) a source stored in another element type has a narrower one, which compiled code supports for weights of
    products; (C6) `sharding` has at most one entry for each dimension and for each axis; units are parts of the extent,
    unless it is `short`; (C7) `slices` too, and the module has a mesh with these axes; the type's extent is the step.

    `sharding` says how the parameter can be spread over a mesh; `m1-shard` replaces it with `slices`, the part that a
    rank has. The type is that of the part; (C3) and (C4) then hold for the whole parameter.

    ```mlir
    m1.parameter @layers.0.experts.w1 : tensor<2x64x32xbf16>
        from [#m1.source<"model.layers.0.block_sparse_moe.experts.0.w1.weight">,
              #m1.source<"model.layers.0.block_sparse_moe.experts.1.w1.weight">]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, TypedArrayAttrBase<M1_SourceAttr, "sources">:$sources,
                       UnitAttr:$stacked,
                       OptionalAttr<TypedArrayAttrBase<M1_ShardingAttr, "shardings of dimensions">>:$sharding,
                       OptionalAttr<TypedArrayAttrBase<M1_SliceAttr, "slices">>:$slices);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$Name, "::mlir::RankedTensorType":$Type,
                                 "::mlir::ArrayAttr":$Sources, CArg<"bool", "false">:$Stacked,
                                 CArg<"::mlir::ArrayAttr", "{}">:$Sharding)>];
  let assemblyFormat = [{
    $sym_name `:` $type `from` (`stacked` $stacked^)? $sources (`sharding` $sharding^)? (`slices` $slices^)? attr-dict
  }];
  let extraClassDeclaration = [{
    /// The type of the whole parameter, of which `slices` are a part.
    ::mlir::RankedTensorType getWholeType();
    /// The slice of a dimension; null if a rank has it whole.
    ::m1::SliceAttr getSlice(int64_t Dimension);
    /// Returns true if the sources are stacked along axis 0. Otherwise there is one, of the parameter's shape.
    bool isStacked() { return getSources().size() > 1 || getStacked(); }
  }];
}

def M1_LoadParameterOp : M1_Op<"load_parameter", [Pure, M1_F64OpInterface,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a parameter";
  let description = "Constraints: (C1) the symbol names an `m1.parameter`; (C2) its type is the result's type.";
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$parameter `:` type($result) attr-dict";
  let hasVerifier = 0;
}

def M1_StateOp : M1_Op<"state", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Declares state that persists between calls, with a value for each slot";
  let description = [{
    A state is zero at first, or, with `from`, the parameter's value in the checkpoint, widened to f32.

    Constraints: (C1) `from` names an `m1.parameter`; (C2) the state is then a tensor of its shape.

    ```mlir
    m1.state @layers.0.state : !m1.lightning_state<12 x 64, chunk = 64, bf16>
    m1.state @head.master : !m1.tensor_state<512x128xf32> from @head
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<M1_StateType>:$type,
                       OptionalAttr<FlatSymbolRefAttr>:$parameter);
  let assemblyFormat = "$sym_name `:` $type (`from` $parameter^)? attr-dict";
  let hasVerifier = 0;
}

def M1_ReadStateOp : M1_Op<"read_state", [MemoryEffects<[MemRead]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The current value of a state";
  let description = [{
    State values are linear: each is used exactly once, by an op that updates it (`StateUpdateOpInterface`) or by
    `m1.write_state`, so that updates happen in place.

    Constraints: (C1) the symbol names an `m1.state`; (C2) its type is the result's type; (C3) the result has at most one
    use.
  }];
  let arguments = (ins FlatSymbolRefAttr:$state);
  let results = (outs M1_StateType:$result);
  let assemblyFormat = "$state `:` type($result) attr-dict";
}

def M1_WriteStateOp : M1_Op<"write_state", [MemoryEffects<[MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Stores a value as the state's contents for later calls";
  let description = "Constraints: (C1) the symbol names an `m1.state`; (C2) its type is the operand's type.";
  let arguments = (ins M1_StateType:$value, FlatSymbolRefAttr:$state);
  let assemblyFormat = "$value `,` $state `:` type($value) attr-dict";
  let hasVerifier = 0;
  let hasCanonicalizeMethod = 1;
}

//===----------------------------------------------------------------------===//
// Rows: embedding, products, norms, elementwise
//===----------------------------------------------------------------------===//

def M1_EmbeddingOp : M1_Op<"embedding", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface, ["emitSharded"]>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface, ["getShareRead"]>,
    DeclareOpInterfaceMethods<M1_F64OpInterface, ["verifyF64"]>]> {
  let summary = "Rows of a table: result[t] = table[tokens[t]]";
  let description = [{
    With `shard`, row 0 of the table is row coordinate · step of the whole one. The result of a token whose row another
    rank has is -0, which changes no number that it is added to.

    Constraints: (C1) tokens is [T]; (C2) table is a static [V, D]; (C3) the result is [T, D]; (C4) with `shard`, its step
    is V, and the module has a mesh with its axis.
  }];
  let arguments = (ins M1_Index:$tokens, M1_Weight:$table, OptionalAttr<M1_ShardAttr>:$shard);
  let results = (outs M1_Rows:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$Result, "::mlir::Value":$Tokens, "::mlir::Value":$Table), [{
    build($_builder, $_state, Result, Tokens, Table, ShardAttr());
  }]>];
  let assemblyFormat = "$tokens `,` $table (`shard` $shard^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    /// The number of rows of the whole table.
    int64_t getVocabulary();
  }];
}

def M1_CastOp : M1_Op<"cast", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>,
    DeclareOpInterfaceMethods<M1_F64OpInterface, ["verifyF64"]>]> {
  let summary = "Conversion to another element type, rounding to nearest, ties to even";
  let description = "Constraints: (C1) operand and result have the same shape.";
  let arguments = (ins RankedTensorOf<[M1_Float]>:$operand);
  let results = (outs RankedTensorOf<[M1_Float]>:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `to` type($result)";
  let hasFolder = 1;
}

def M1_LinearOp : M1_Op<"linear", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface, ["emitSharded"]>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface>, DeclareOpInterfaceMethods<M1_F64OpInterface, ["verifyF64"]>]> {
  let summary = "A linear layer: result = x weightᵀ";
  let description = [{
    x is [T, K], weight [N, K], result [T, N]. The operands are multiplied unrounded and summed in f32 (f64 if both are
    f64), in one reduction order over K for every T. With an f32 x and a bf16 weight, x is not rounded to bf16.

    With S `leaves`, leaf l is the sum of the terms k with l · K/S <= k < (l + 1) · K/S, and the leaves are joined by
    the tree: neighbours 2i and 2i + 1 are added, level by level, and an odd last one moves up unchanged. A rank that
    has S of the leaves of a product writes M `partials` instead, each the tree over S/M leaves in a row:

      result[t, m · N + n] = Σ_k x[t, k] weight[n, k], over m · K/M <= k < (m + 1) · K/M, the result is [T, M · N]

    Constraints: (C1) x has rank 2 and weight is a static rank-2 tensor; (C2) their last axes are equal; (C3) the result
    is [T, M · N]; (C4) leaves is positive and divides K; (C5) partials is positive and divides leaves, and if it is
    not 1, leaves / partials is a power of two.
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight, DefaultValuedAttr<I64Attr, "1">:$leaves,
                       DefaultValuedAttr<I64Attr, "1">:$partials);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight (`leaves` $leaves^)? (`partials` $partials^)? attr-dict `:` functional-type(operands, results)
  }];
}

def M1_RMSNormOp : M1_Op<"rms_norm", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface, ["emitSharded"]>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "RMS norm of each row: weight * x / sqrt(mean(x²) + eps)";
  let description = [{
    With G `groups`, the squares of columns g · N/G <= n < (g + 1) · N/G are summed for each group g, and these sums are
    joined by the tree of `m1.linear`. `m1.squares` and `m1.normalize` are the two halves.

    Constraints: (C1) x and result are [T, N]; (C2) weight is a static [N]; (C3) eps is positive; (C4) groups is positive
    and divides N.
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight, F64Attr:$eps, DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight `eps` $eps (`groups` $groups^)? attr-dict `:` functional-type(operands, results)
  }];
}

def M1_SiluOp : M1_Op<"silu", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "x * sigmoid(x), elementwise";
  let description = "Constraints: (C1) operand and result have the same shape.";
  let arguments = (ins M1_Rows:$operand);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
}

def M1_SigmoidGateOp : M1_Op<"sigmoid_gate", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "x * sigmoid(gate), elementwise";
  let description = "Constraints: (C1) both operands and the result have the same shape.";
  let arguments = (ins M1_Rows:$x, M1_Rows:$gate);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$x `,` $gate attr-dict `:` functional-type(operands, results)";
}

def M1_SiluMulOp : M1_Op<"silu_mul", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "silu(a) * b, elementwise";
  let description = "Constraints: (C1) both operands and the result have the same shape.";
  let arguments = (ins M1_Rows:$a, M1_Rows:$b);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` functional-type(operands, results)";
}

def M1_ResidualOp : M1_Op<"residual", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "The residual mix: residual * alpha + branch * beta";
  let description = "Constraints: (C1) both operands and the result have the same shape.";
  let arguments = (ins M1_Rows:$residual, M1_Rows:$branch, F64Attr:$alpha, F64Attr:$beta);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$residual `,` $branch `alpha` $alpha `beta` $beta attr-dict `:` functional-type(operands, results)";
}

def M1_SharedMixOp : M1_Op<"shared_mix", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface, ["isPerToken"]>]> {
  let summary = "Mixes routed and shared experts: moe * (1 - c) + shared * c, c = sigmoid(coefficient)";
  let description = [{
    coefficient is [T, 1]: one number per token.

    Constraints: (C1) moe, shared and result are [T, D]; (C2) coefficient is [T, 1].
  }];
  let arguments = (ins M1_Rows:$moe, M1_Rows:$shared, M1_Rows:$coefficient);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$moe `,` $shared `,` $coefficient attr-dict `:` functional-type(operands, results)";
}

def M1_SelectLastOp : M1_Op<"select_last", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    M1_F64OpInterface]> {
  let summary = "The last row of each sequence: result[b] = x[cu_seqlens[b+1] - 1]";
  let description = [{
    The row of an empty sequence is zero.

    Constraints: (C1) x is [T, N]; (C2) cu_seqlens is [B+1]; (C3) the result is [B, N] with a dynamic axis 0 and x's
    element type.
  }];
  let arguments = (ins M1_Rows:$x, M1_Index:$cuSeqlens);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$x `,` $cuSeqlens attr-dict `:` functional-type(operands, results)";
}

def M1_FusedOp : M1_Op<"fused", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock, NoRegionArguments,
    M1_F64OpInterface]> {
  let summary = "A linear layer and the elementwise ops after it, to be computed by one kernel";
  let description = [{
    The body is an `m1.linear` and its epilogue: elementwise ops, each of which takes the result of the op before it.
    Other operands are captured from outside. The result is what the body yields; grouping the ops changes no value.
    `m1-fuse-elementwise` makes this op.

    ```mlir
    %y = m1.fused -> tensor<?x32xbf16> {
      %0 = m1.linear %x, %w : (tensor<?x16xbf16>, tensor<32x16xbf16>) -> tensor<?x32xf32>
      %1 = m1.silu_mul %gate, %0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xbf16>
      m1.yield %1 : tensor<?x32xbf16>
    }
    ```

    Constraints: (C1) the first op is an `m1.linear` with an f32 result and one partial sum; (C2) every further op but the terminator is
    elementwise (`ElementwiseOpInterface`) and takes the result of the op before it as one operand, which is not per
    token; (C3) nothing else uses that result; (C4) the terminator yields the last op's result; (C5) its type is the
    type of this op's result.
  }];
  let regions = (region SizedRegion<1>:$bodyRegion);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "`->` type($result) attr-dict-with-keyword $bodyRegion";
  let hasVerifier = 0;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The product that the body begins with.
    LinearOp getLinear();
    /// The elementwise ops after it, in order.
    ::llvm::SmallVector<ElementwiseOpInterface> getEpilogue();
    /// The operand of `Op`, one of the epilogue, that is the result of the op
    /// before it.
    static ::mlir::OpOperand &getChainedOperand(::mlir::Operation *Op);
  }];
}

def M1_YieldOp : M1_Op<"yield", [Pure, Terminator, HasParent<"FusedOp">, M1_F64OpInterface]> {
  let summary = "Ends the body of an m1.fused";
  let arguments = (ins M1_Rows:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
  let hasVerifier = 0;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

def M1_SplitQKVOp : M1_Op<"split_qkv", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    M1_F64OpInterface]> {
  let summary = "Splits each head's columns into q, k and v: [T, 3Hd] to three of [T, H, d]";
  let description = [{
    The columns are those of a lightning layer's qkv_proj: head by head; of each head's 3d columns, q, then k, then v.

    Constraints: (C1) the operand is [T, 3Hd]; (C2) all three results are [T, H, d] of the operand's element type, with
    the same H and d.
  }];
  let arguments = (ins M1_Rows:$operand);
  let results = (outs M1_Heads:$q, M1_Heads:$k, M1_Heads:$v);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
}

def M1_SplitHeadsOp : M1_Op<"split_heads", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    M1_F64OpInterface]> {
  let summary = "Reshapes [T, Hd] to [T, H, d]";
  let description = [{
    Constraints: (C1) the result is [T, H, d] with H·d the operand's last extent and the same element type.
  }];
  let arguments = (ins M1_Rows:$operand);
  let results = (outs M1_Heads:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def M1_MergeHeadsOp : M1_Op<"merge_heads", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    M1_F64OpInterface]> {
  let summary = "Reshapes [T, H, d] to [T, Hd]";
  let description = "Constraints: (C1) the result is [T, Hd] of the operand's element type.";
  let arguments = (ins M1_Heads:$operand);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def M1_RotaryOp : M1_Op<"rotary", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Rotary position embedding of the first rotary_dim components of each head";
  let description = [{
    With n = rotary_dim and the angle a = positions[t] * theta^(-2i/n) for i < n/2:
    result[i] = x[i] cos a - x[i + n/2] sin a, result[i + n/2] = x[i + n/2] cos a + x[i] sin a; components from n on are
    unchanged. With `inverse` the angle is -a: the inverse rotation, and so the gradient.

    Constraints: (C1) x and result are [T, H, d]; (C2) positions is [T]; (C3) rotary_dim is even and 0 < rotary_dim <= d;
    (C4) theta is positive.
  }];
  let arguments = (ins M1_Heads:$x, M1_Index:$positions, F64Attr:$theta, I64Attr:$rotary_dim,
                       UnitAttr:$inverse);
  let results = (outs M1_Heads:$result);
  let assemblyFormat = "$x `,` $positions `theta` $theta `dims` $rotary_dim (`inverse` $inverse^)? attr-dict `:` functional-type(operands, results)";
}

def M1_LightningAttentionOp : M1_Op<"lightning_attention", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface, ["emitSharded"]>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>, DeclareOpInterfaceMethods<M1_CostOpInterface>,
    DeclareOpInterfaceMethods<M1_StateUpdateOpInterface>]> {
  let summary = "Linear attention with a per-head exponential decay, and its state";
  let description = [{
    For each sequence and head h with decay λ = exp(-slopes[h]):  S_t = λ S_{t-1} + k_tᵀ v_t,  o_t = q_t S_t,  S_{-1} = 0
    before position 0. There is no scale and no normaliser. It is computed chunk by chunk; chunks start at multiples of
    the state type's `chunk` in each sequence's own positions. S is f32; if the state's element type is bf16, q is
    multiplied by S rounded to bf16.

    With `shard`, slopes are those of the heads of all ranks; head 0 is head coordinate · step of them.

    Constraints: (C1) q, k, v are [T, H, d] of one type; (C2) the result is [T, H, d]; (C3) the state has the same H and
    d, and q's element type; (C4) slopes has H entries, finite and none negative; (C5) positions is [T], cu_seqlens [B+1], slots
    [B]; (C6) the updated state has the state's type; (C7) with `shard`, its step is H, slopes has as many entries as its
    extent, and the module has a mesh with its axis, on which every rank has H of them.
  }];
  let arguments = (ins M1_Heads:$q, M1_Heads:$k, M1_Heads:$v, M1_LightningStateType:$state, M1_Index:$positions,
                       M1_Index:$cuSeqlens, M1_Index:$slots, DenseF64ArrayAttr:$slopes,
                       OptionalAttr<M1_ShardAttr>:$shard);
  let results = (outs M1_Heads:$result, M1_LightningStateType:$newState);
  let assemblyFormat = [{
    $q `,` $k `,` $v `,` $state `at` `(` $positions `,` $cuSeqlens `,` $slots `)` `slopes` custom<ExactNumbers>($slopes)
    (`shard` $shard^)? attr-dict `:` functional-type(operands, results)
  }];
}

def M1_SoftmaxAttentionOp : M1_Op<"softmax_attention", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface>, DeclareOpInterfaceMethods<M1_StateUpdateOpInterface>]> {
  let summary = "Causal softmax attention with grouped keys and values, and its cache";
  let description = [{
    For each sequence and query head h, over the keys and values at positions j <= i of key/value head g = h / (H/G):
    o_i = Σ_j softmax_j(scale q_i·k_j) v_j, the softmax in f32. k and v of all sequences are first appended to the cache.

    If the cache is in blocks of P positions, positions jP to jP + P - 1 of sequence b are in block blocks[b, j]. Elements
    past a sequence's last position are not used. Sequences may have blocks in common in which none of them has tokens
    of this call.

    Constraints: (C1) q and result are [T, H, d]; (C2) k and v are [T, G, d] of one type, q's element type; (C3) G
    divides H; (C4) the cache has the same G and d, and k's element type; (C5) positions is [T], cu_seqlens [B+1], slots
    [B]; (C6) the updated cache has the cache's type; (C7) scale is positive; (C8) blocks, [B, M] with a static M, is
    given if and only if the cache is in blocks.
  }];
  let arguments = (ins M1_Heads:$q, M1_Heads:$k, M1_Heads:$v, M1_KVCacheType:$cache, M1_Index:$positions,
                       M1_Index:$cuSeqlens, M1_Index:$slots, Optional<M1_Index>:$blocks, F64Attr:$scale);
  let results = (outs M1_Heads:$result, M1_KVCacheType:$newCache);
  let assemblyFormat = [{
    $q `,` $k `,` $v `,` $cache `at` `(` $positions `,` $cuSeqlens `,` $slots `)` (`blocks` $blocks^)? `scale` $scale
    attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

def M1_RouterOp : M1_Op<"router", [Pure, DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface>, DeclareOpInterfaceMethods<M1_ResultRangeOpInterface>]> {
  let summary = "Selects each token's experts and their weights";
  let description = [{
    p = softmax(x weightᵀ) over the E experts, in f32; the K largest, ties to the lower index, in descending order; their
    p divided by the sum of the K.

    Constraints: (C1) x is [T, D] and weight a static [E, D]; (C2) experts is [T, K] of i32 and weights [T, K] of f32;
    (C3) 1 <= K <= E.
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight);
  let results = (outs RankedTensorOf<[I32]>:$experts, M1_Rows:$weights);
  let assemblyFormat = "$x `,` $weight attr-dict `:` functional-type(operands, results)";
}

def M1_ExpertsOp : M1_Op<"experts", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface, ["emitSharded"]>,
    DeclareOpInterfaceMethods<M1_DifferentiableOpInterface>, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface, ["getShareRead"]>]> {
  let summary = "The weighted sum of each token's experts";
  let description = [{
    result[t] = Σ_k weights[t, k] · ((silu(x[t] w1ᵀ) * (x[t] w3ᵀ)) w2ᵀ) of expert e = experts[t, k], summed in the order
    of k. The hidden row silu(..)*(..) is rounded to x's element type before the last product, whose sums over F have
    `leaves` as in `m1.linear`. No token is dropped. The K experts of a token are distinct, as `m1.router` selects them;
    compiled code relies on it.

    With two more results, `products`, the op also returns gate[t, k] = x[t] w1ᵀ and up[t, k] = x[t] w3ᵀ of
    e = experts[t, k], for `m1.experts_gradient` to read. `m1-recompute` asks for them where the backward pass keeps them.

    Constraints: (C1) x is [T, D], experts and weights [T, K]; (C2) w1 and w3 are static [E, F, D], w2 [E, D, F], of one
    element type; (C3) the result is [T, D]; (C4) leaves is positive and divides F; (C5) products are none, or gate and
    up: [T, K, F] of f32.
  }];
  let arguments = (ins M1_Rows:$x, RankedTensorOf<[I32]>:$experts, M1_Rows:$weights, M1_Weight:$w1, M1_Weight:$w3,
                       M1_Weight:$w2, DefaultValuedAttr<I64Attr, "1">:$leaves);
  let results = (outs M1_Rows:$result, Variadic<M1_Product>:$products);
  let assemblyFormat = [{
    $x `,` $experts `,` $weights `,` $w1 `,` $w3 `,` $w2 (`leaves` $leaves^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

def M1_TokenLogProbOp : M1_Op<"token_log_prob", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "log softmax(logits[t] / temperature[t])[targets[t]] in f32";
  let description = [{
    The logits are divided by the token's temperature; by 1 where it is 0 or less, or if there is none.

    Constraints: (C1) logits is [T, V]; (C2) targets and temperature are [T]; (C3) the result is [T] of f32.
  }];
  let arguments = (ins M1_Rows:$logits, M1_Index:$targets, Optional<RankedTensorOf<[F32]>>:$temperature);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$logits `,` $targets (`temperature` $temperature^)? attr-dict `:` functional-type(operands, results)";
}

def M1_HeadLogProbOp : M1_Op<"head_log_prob", [Pure, DeclareOpInterfaceMethods<M1_ShardableOpInterface, ["emitSharded"]>,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface>]> {
  let summary = "token_log_prob(linear(x, weight), targets) without the logits";
  let description = [{
    The same values as an `m1.linear` with an f32 result followed by `m1.token_log_prob`, with no [T, V] tensor.

    Constraints: (C1) x is [T, D] and weight a static [V, D]; (C2) targets is [T]; (C3) the result is [T] of f32.
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight, M1_Index:$targets);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$x `,` $weight `,` $targets attr-dict `:` functional-type(operands, results)";
}

def M1_AdjustLogitsOp : M1_Op<"adjust_logits", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Each sequence's logits after the penalties and biases of its own rules";
  let description = [{
    With r = rows[b] and l = logits[b, v], for r from 0 on:

        result[b, v] = (l > 0 ? l / repetition[r, v] : l * repetition[r, v]) + bias[r, v]

    With r = -1 the row is that of logits, bit for bit. Entries of repetition are positive and finite, those of bias below
    +infinity; -infinity bans a token. A logit that is NaN or +infinity then stays one of both, which `m1.sample`
    reports.

    Constraints: (C1) logits is [B, V] of f32; (C2) rows is [B]; (C3) bias and repetition are [R, V] of f32; (C4) the
    result is [B, V] of f32.
  }];
  let arguments = (ins M1_Rows:$logits, M1_Index:$rows, M1_Rows:$bias, M1_Rows:$repetition);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = [{
    $logits `rows` $rows `bias` $bias `repetition` $repetition attr-dict `:` functional-type(operands, results)
  }];
}

def M1_SampleOp : M1_Op<"sample", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ResultRangeOpInterface>]> {
  let summary = "Samples each sequence's next token from its logits";
  let description = [{
    For sequence b: with temperature 0 or less, the index of the largest logit (ties to the lower index). Otherwise the
    rules in this order:

    1. p = softmax(logits / temperature).
    2. min_p: the tokens with p >= min_p · p_max, that is with (logit - largest) / temperature >= log(min_p), are kept.
       All are without the operand and where it is 0 or less; 1 or more keeps those that have the largest logit.
    3. top_k: of these, the top_k largest p are kept (0 or less: all), and what is kept is renormalised.
    4. top_p: of these, the smallest set of largest p whose sum reaches top_p (1 or more: all), renormalised again.

    In 3 and 4, ties are broken by the lower index; one token is always kept. (Exchanging 2 and 3 would change nothing.)
    The token is the first, in descending order of p (ties: lower index first), at which the cumulative sum of p exceeds
    u. u in [0, 1) is the first 32-bit word of Philox4x32-10 with counter (position low, position high, 0, 0) and key
    (seed low, seed high), times 2^-32, where seed = seeds[b] and position = positions[b].

    A token with logit -infinity is drawn only if no other is left. A logit that is NaN or +infinity is an error at run
    time.

    Constraints: (C1) logits is [B, V] of f32; (C2) temperature, top_p and min_p are [B] of f32, top_k and positions [B]
    of i32, seeds [B] of i64; (C3) the result is [B] of i32.
  }];
  let arguments = (ins M1_Rows:$logits, RankedTensorOf<[F32]>:$temperature, RankedTensorOf<[F32]>:$topP, M1_Index:$topK,
                       RankedTensorOf<[I64]>:$seeds, M1_Index:$positions, Optional<RankedTensorOf<[F32]>>:$minP);
  let results = (outs M1_Index:$result);
  let assemblyFormat = [{
    $logits `temperature` $temperature `top_p` $topP `top_k` $topK `seeds` $seeds `positions` $positions
    (`min_p` $minP^)? attr-dict `:` functional-type(operands, results)
  }];
}

include "dialects/M1/IR/M1ShardingOps.td"
include "dialects/M1/IR/M1TrainingOps.td"

#endif // M1_OPS
