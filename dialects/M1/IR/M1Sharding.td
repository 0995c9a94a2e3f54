//===- M1Sharding.td - meshes and shards -------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attributes that say how a model is spread over ranks (docs/sharding.md). M1ShardingOps.td has the ops. M1Ops.td
// includes both.
//
//===----------------------------------------------------------------------===//

#ifndef M1_SHARDING
#define M1_SHARDING

def M1_MeshAttr : AttrDef<M1_Dialect, "Mesh"> {
  let mnemonic = "mesh";
  let summary = "The ranks that a module runs on: the value of its attribute m1.mesh";
  let description = [{
    Axes with their extents, in order. The number of ranks is the product of the extents. A rank has a coordinate on each
    axis; the last axis varies fastest in a rank's number. The axes are called `data`, `tensor` or `expert`; none occurs
    twice.

    ```mlir
    #m1.mesh<data = 2, tensor = 4>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$axes, ArrayRefParameter<"int64_t">:$extents);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The number of ranks.
    int64_t getRanks() const;
    /// The number of an axis; `std::nullopt` if the mesh does not have it.
    std::optional<unsigned> find(::llvm::StringRef Axis) const;
    /// The extent of an axis; 1 if the mesh does not have it.
    int64_t getExtent(::llvm::StringRef Axis) const;
    /// A rank's coordinate on an axis; 0 if the mesh does not have it.
    int64_t getCoordinate(int64_t Rank, ::llvm::StringRef Axis) const;
    /// The rank with coordinate `Coordinate` on `Axis`, which the mesh has, and
    /// those of `Rank` on the others.
    int64_t getNeighbour(int64_t Rank, ::llvm::StringRef Axis, int64_t Coordinate) const;
  }];
}

def M1_ShardAttr : AttrDef<M1_Dialect, "Shard"> {
  let mnemonic = "shard";
  let summary = "Which elements of an axis a rank has, in an op that depends on it";
  let description = [{
    `#m1.shard<"tensor", 64 of 256>`: of 256 elements, a rank has 64 from coordinate · 64 on, where coordinate is its
    coordinate on the mesh's axis `tensor`. Elements from 256 on do not exist.
  }];
  let parameters = (ins "::mlir::StringAttr":$axis, "int64_t":$step, "int64_t":$extent);
  let assemblyFormat = "`<` $axis `,` $step `of` $extent `>`";
  let genVerifyDecl = 1;
}

def M1_ShardingAttr : AttrDef<M1_Dialect, "Sharding"> {
  let mnemonic = "sharding";
  let summary = "How a dimension of a parameter can be spread over an axis of a mesh";
  let description = [{
    `#m1.sharding<0 over "tensor" unit 64>`: dimension 0, over the axis `tensor`, in units of 64 elements that one rank
    has whole. The number of units is a multiple of the number of ranks, unless

    - `replicable`: if there are P ranks and U < P units, P/U neighbouring ranks have the same unit;
    - `short`: the last unit may be incomplete, each rank has ceil(U/P) units, and the last ranks may have fewer, or
      none.
  }];
  let parameters = (ins "int64_t":$dimension, "::mlir::StringAttr":$axis, "int64_t":$unit,
                        DefaultValuedParameter<"bool", "false">:$replicable,
                        DefaultValuedParameter<"bool", "false">:$isShort);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def M1_SliceAttr : AttrDef<M1_Dialect, "Slice"> {
  let mnemonic = "slice";
  let summary = "The part of a parameter's dimension that a rank has";
  let description = [{
    `#m1.slice<0 over "tensor" step 64 of 256>`: of the 256 indices of dimension 0, a rank has 64 from
    min(coordinate · 64, 256) on; those from 256 on are zeros. With `replicas 2`, they begin at
    min(coordinate / 2 · 64, 256), so that two neighbours have the same.
  }];
  let parameters = (ins "int64_t":$dimension, "::mlir::StringAttr":$axis, "int64_t":$step, "int64_t":$extent,
                        DefaultValuedParameter<"int64_t", "1">:$replicas);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The first index of the rank with this coordinate.
    int64_t getBegin(int64_t Coordinate) const {
      return std::min(Coordinate / getReplicas() * getStep(), getExtent());
    }
  }];
}

#endif // M1_SHARDING
