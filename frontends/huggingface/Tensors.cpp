//===- Tensors.cpp - finds a model's parameters in a checkpoint -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Tensors.h"

#include "runtime/support/Error.h"
#include "runtime/weights/Checkpoint.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <optional>

using namespace m1::huggingface;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using m1::ElementType;

namespace {

/// A stored tensor; without files, only its name and file are known.
struct Stored {
  std::string File;
  std::optional<ElementType> Type; ///< std::nullopt if unknown
  llvm::SmallVector<int64_t, 3> Shape;
};
using StoredTensors = llvm::StringMap<Stored>;

Error error(const llvm::Twine &Message) {
  return llvm::createStringError(m1::printable(Message.str()));
}

/// Names, types and shapes from the headers of the checkpoint's files; only
/// names, from the index, if the files are missing.
Expected<StoredTensors> readTensors(const m1::CheckpointFiles &Files) {
  StoredTensors Tensors;
  if (!Files.Names.empty() && Files.Missing == Files.Names) {
    for (const auto &Entry : Files.WeightMap)
      Tensors[Entry.first].File = Files.IndexPath;
    return Tensors;
  }
  auto Checkpoint = m1::Checkpoint::open(Files);
  if (!Checkpoint.ok())
    return error(std::string(Checkpoint.status().message()));
  for (const auto &[Name, Info] : (*Checkpoint)->tensors())
    Tensors[Name] = {(*Checkpoint)->fileOf(Info),
                     Info.Type,
                     {Info.Shape.begin(), Info.Shape.end()}};
  return Tensors;
}

bool isWeightType(ElementType Type) {
  return Type == ElementType::F32 || Type == ElementType::BF16 ||
         Type == ElementType::F16;
}

/// Checks one source of a parameter against the stored tensor, and sets its
/// element type to that of the tensor.
Error checkSource(const StoredTensors &Tensors, const Parameter &P, Source &S) {
  auto It = Tensors.find(S.Tensor);
  const Stored &Tensor = It->second;
  if (!Tensor.Type)
    return Error::success();
  auto Where = Tensor.File + ": " + S.Tensor;
  auto Shape = P.tensorShape(S);
  if (Tensor.Shape != Shape)
    return error(Where + " has shape " + m1::formatShape(Tensor.Shape) +
                 ", expected " + m1::formatShape(Shape) + " from config.json");
  std::string Found = " is stored as " + std::string(name(*Tensor.Type));
  if (!isWeightType(*Tensor.Type))
    return error(Where + Found + ", expected F32, BF16 or F16");
  S.Type = *Tensor.Type;
  return Error::success();
}

/// Sets the types of parameters to those of the published checkpoints.
void assumePublishedTypes(const Config &C, std::vector<Parameter> &Parameters) {
  for (Parameter &P : Parameters) {
    P.Type = P.IsRouter && C.hasPublishedNames() ? ElementType::F32 : C.Weights;
    for (Source &S : P.Sources)
      S.Type = P.Type;
  }
}

/// An error about missing or surplus tensors: the first by name, and the number
/// of others.
Error listed(StringRef Where, StringRef What, std::vector<std::string> Names,
             StringRef Why) {
  llvm::sort(Names);
  std::string More;
  if (Names.size() > 1)
    More = " and " + std::to_string(Names.size() - 1) + " more";
  return error(Where + ": " + What + " " + Names.front() + More + ", " + Why);
}

Error checkNames(StringRef Where, const Config &C,
                 const std::vector<Parameter> &Parameters,
                 const StoredTensors &Tensors) {
  llvm::StringSet<> Used;
  std::vector<std::string> Missing, Surplus;
  for (const Parameter &P : Parameters)
    for (const Source &S : P.Sources)
      if (Used.insert(S.Tensor).second && !Tensors.contains(S.Tensor))
        Missing.push_back(S.Tensor);
  if (!Missing.empty())
    return listed(Where, "missing tensor", std::move(Missing),
                  "expected from config.json (" + C.ArchitectureName + ")");
  for (const auto &Entry : Tensors)
    if (!Used.contains(Entry.getKey()) && !isDerived(C, Entry.getKey()))
      Surplus.push_back(Entry.getKey().str());
  if (!Surplus.empty())
    return listed(Where, "surplus tensor", std::move(Surplus),
                  "config.json (" + C.ArchitectureName + ") has no use for it");
  return Error::success();
}

/// Sets the types of parameters from those of their sources. w1, w3 and w2 of a
/// layer are operands of one op and have one type: f32 if their sources differ,
/// which represents the values of all.
void chooseTypes(std::vector<Parameter> &Parameters) {
  llvm::StringMap<ElementType> OfExperts;
  auto BlockOf = [](const Parameter &P) {
    StringRef Block = StringRef(P.Symbol).rsplit('.').first;
    return Block.ends_with(".experts") ? Block : StringRef();
  };
  for (Parameter &P : Parameters) {
    P.Type = P.Sources.front().Type;
    if (StringRef Block = BlockOf(P); !Block.empty()) {
      ElementType &Common = OfExperts.try_emplace(Block, P.Type).first->second;
      for (const Source &S : P.Sources)
        if (S.Type != Common)
          Common = ElementType::F32;
    }
  }
  for (Parameter &P : Parameters)
    if (StringRef Block = BlockOf(P); !Block.empty())
      P.Type = OfExperts.lookup(Block);
}

} // namespace

Expected<std::vector<Parameter>>
m1::huggingface::resolveParameters(StringRef Directory, Config &C,
                                   std::string &Note) {
  auto Files = m1::findCheckpointFiles(Directory.str());
  if (!Files.ok())
    return error(std::string(Files.status().message()));
  if (Files->Names.empty() && Files->IndexPath.empty()) {
    auto Parameters = describeParameters(C, ExpertNaming());
    assumePublishedTypes(C, Parameters);
    return Parameters;
  }
  auto Tensors = readTensors(*Files);
  if (!Tensors)
    return Tensors.takeError();
  Note = Files->Note;
  bool NamesOnly = Files->Missing == Files->Names;
  StringRef Where = NamesOnly ? StringRef(Files->IndexPath) : Directory;

  // The width of the shared expert; see Tensors.h.
  if (C.SharedWidth > 0) {
    auto Gate = Tensors->find(layerName(0) + ".shared_mlp.gate_proj.weight");
    if (Gate != Tensors->end() && !Gate->second.Shape.empty() &&
        Gate->second.Shape[0] == C.ExpertWidth)
      C.SharedWidth = C.ExpertWidth;
  }
  ExpertNaming Naming = detectExpertNaming(
      C, [&](StringRef Name) { return Tensors->contains(Name); });
  auto Parameters = describeParameters(C, Naming);
  assumePublishedTypes(C, Parameters);
  if (Error E = checkNames(Where, C, Parameters, *Tensors))
    return E;
  for (Parameter &P : Parameters)
    for (Source &S : P.Sources)
      if (Error E = checkSource(*Tensors, P, S))
        return E;
  chooseTypes(Parameters);
  return Parameters;
}
