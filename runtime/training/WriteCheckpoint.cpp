//===- WriteCheckpoint.cpp - writes a training checkpoint -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/WriteCheckpoint.h"

#include "runtime/support/OutputFile.h"
#include "runtime/training/PolicyDigests.h"
#include "runtime/weights/SafetensorsWriter.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace m1;
using nlohmann::json;

namespace {
/// Elements that are rounded at a time.
constexpr size_t PieceElements = 1 << 18;

/// Rounds to a type of weights; `To` has the bytes of as many elements.
void round(ElementType Type, std::span<const float> From, std::byte *To) {
  auto Store = [&](auto Convert) {
    for (float Value : From) {
      const auto Rounded = Convert(Value);
      std::memcpy(To, &Rounded, sizeof Rounded);
      To += sizeof Rounded;
    }
  };
  if (Type == ElementType::BF16)
    Store(bf16FromFloat);
  else if (Type == ElementType::F16)
    Store(f16FromFloat);
  else if (Type == ElementType::F64)
    Store([](float Value) { return static_cast<double>(Value); });
  else
    Store([](float Value) { return Value; });
}

class CheckpointWriter {
public:
  CheckpointWriter(const std::string &Directory, Policy &Model,
                   CheckpointSource *Source, TrainerState &State)
      : Directory(Directory), Model(Model), Source(Source), State(State) {}

  absl::Status writeWeights(uint64_t MaxShardBytes);
  absl::Status writeOptimizer();
  absl::Status writeSmallFiles();

private:
  /// A tensor of the weights: a trained one, by number, or one of the source.
  struct Weight {
    TensorSpec Spec;
    size_t Trained = 0;
    const TensorInfo *Other = nullptr;
    uint64_t Bytes = 0;
  };
  std::string path(std::string_view Name) const {
    return concat(Directory, "/", Name);
  }
  absl::Status collectWeights();
  absl::Status writeShard(std::span<const Weight> Shard,
                          const std::string &Name);
  absl::Status writeWeight(const Weight &W, SafetensorsWriter &Writer);
  absl::Status addFile(std::string_view Name, const std::string &Content);
  absl::Status writeIndex();
  /// Gives the files that are complete their names.
  absl::Status commitFiles();

  const std::string &Directory;
  Policy &Model;
  CheckpointSource *Source;
  TrainerState &State;
  std::vector<Weight> Weights; ///< by name
  std::map<std::string, std::string> WeightMap;
  uint64_t TotalBytes = 0;
  std::vector<float> Buffer;
  std::vector<std::byte> Piece;
  OutputFiles Files;
};

absl::Status CheckpointWriter::collectWeights() {
  for (size_t I = 0; I < Model.tensors().size(); ++I) {
    const TrainedTensor &Tensor = Model.tensors()[I];
    if (Tensor.Type != ElementType::F32 && Tensor.Type != ElementType::BF16 &&
        Tensor.Type != ElementType::F16 && Tensor.Type != ElementType::F64)
      return makeError("tensor '", Tensor.Name, "' is ", name(Tensor.Type),
                       ", expected F32, BF16, F16 or F64");
    M1_ASSIGN_OR_RETURN(const int64_t Count, elementsOf(Tensor));
    Weights.push_back({{Tensor.Name, Tensor.Type, Tensor.Shape},
                       I,
                       nullptr,
                       static_cast<uint64_t>(Count * byteSize(Tensor.Type))});
  }
  if (Source)
    for (const TensorInfo *Other : Source->others())
      Weights.push_back(
          {{Other->Name, Other->Type, Other->Shape}, 0, Other, Other->Bytes});
  std::sort(Weights.begin(), Weights.end(),
            [](const Weight &A, const Weight &B) {
              return A.Spec.Name < B.Spec.Name;
            });
  return absl::OkStatus();
}

absl::Status CheckpointWriter::writeWeights(uint64_t MaxShardBytes) {
  M1_RETURN_IF_ERROR(collectWeights());
  std::vector<size_t> Ends; // of the shards, in Weights
  uint64_t Bytes = 0;
  for (size_t I = 0; I < Weights.size(); ++I) {
    if (Bytes > 0 && Bytes + Weights[I].Bytes > MaxShardBytes) {
      Ends.push_back(I);
      Bytes = 0;
    }
    Bytes += Weights[I].Bytes;
    TotalBytes += Weights[I].Bytes;
  }
  Ends.push_back(Weights.size());
  size_t Begin = 0;
  for (size_t I = 0; I < Ends.size(); ++I) {
    char Name[64] = "model.safetensors";
    if (Ends.size() > 1)
      std::snprintf(Name, sizeof Name, "model-%05zu-of-%05zu.safetensors",
                    I + 1, Ends.size());
    M1_RETURN_IF_ERROR(
        writeShard(std::span(Weights).subspan(Begin, Ends[I] - Begin), Name));
    Begin = Ends[I];
  }
  return writeIndex();
}

absl::Status CheckpointWriter::writeShard(std::span<const Weight> Shard,
                                          const std::string &Name) {
  std::vector<TensorSpec> Specs;
  std::map<std::string_view, const Weight *> ByName;
  for (const Weight &W : Shard) {
    Specs.push_back(W.Spec);
    ByName[W.Spec.Name] = &W;
    WeightMap[W.Spec.Name] = Name;
  }
  M1_ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsWriter> Writer,
                      SafetensorsWriter::create(path(Name), std::move(Specs)));
  for (const TensorSpec &Spec : Writer->tensors())
    M1_RETURN_IF_ERROR(writeWeight(*ByName[Spec.Name], *Writer));
  M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File, Writer->finish());
  Files.push_back(std::move(File));
  for (size_t I = 0; I < Shard.size(); ++I)
    State.Weights[Writer->tensors()[I].Name] = Writer->digests()[I];
  return absl::OkStatus();
}

absl::Status CheckpointWriter::writeWeight(const Weight &W,
                                           SafetensorsWriter &Writer) {
  if (W.Other) {
    M1_ASSIGN_OR_RETURN(std::span<const std::byte> Bytes,
                        Source->weights().data(*W.Other));
    absl::Status Status = Writer.write(Bytes);
    Source->weights().release(*W.Other);
    return Status;
  }
  M1_ASSIGN_OR_RETURN(
      std::span<const float> Values,
      valuesOf(Model, W.Trained, OptimizerTensor::Master, Buffer));
  const int64_t ElementBytes = byteSize(W.Spec.Type);
  for (size_t Begin = 0; Begin < Values.size(); Begin += PieceElements) {
    const size_t Count = std::min(PieceElements, Values.size() - Begin);
    Piece.resize(Count * ElementBytes);
    round(W.Spec.Type, Values.subspan(Begin, Count), Piece.data());
    M1_RETURN_IF_ERROR(Writer.write(Piece));
  }
  return absl::OkStatus();
}

absl::Status CheckpointWriter::writeOptimizer() {
  std::vector<TensorSpec> Specs;
  std::map<std::string, std::pair<size_t, OptimizerTensor>> ByName;
  for (size_t I = 0; I < Model.tensors().size(); ++I)
    for (OptimizerTensor Kind : SavedKinds) {
      const TrainedTensor &Tensor = Model.tensors()[I];
      const std::string Name = optimizerName(Kind, Tensor.Name);
      Specs.push_back({Name, ElementType::F32, Tensor.Shape});
      ByName[Name] = {I, Kind};
    }
  M1_ASSIGN_OR_RETURN(
      std::unique_ptr<SafetensorsWriter> Writer,
      SafetensorsWriter::create(path(OptimizerFileName), std::move(Specs)));
  for (const TensorSpec &Spec : Writer->tensors()) {
    const auto [Tensor, Kind] = ByName[Spec.Name];
    M1_ASSIGN_OR_RETURN(std::span<const float> Values,
                        valuesOf(Model, Tensor, Kind, Buffer));
    M1_RETURN_IF_ERROR(Writer->write(std::as_bytes(Values)));
  }
  M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File, Writer->finish());
  Files.push_back(std::move(File));
  for (size_t I = 0; I < Writer->tensors().size(); ++I)
    State.Optimizer[Writer->tensors()[I].Name] = Writer->digests()[I];
  return absl::OkStatus();
}

absl::Status CheckpointWriter::addFile(std::string_view Name,
                                       const std::string &Content) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> File,
                      OutputFile::create(path(Name)));
  M1_RETURN_IF_ERROR(File->write(Content.data(), Content.size()));
  M1_RETURN_IF_ERROR(File->close());
  Files.push_back(std::move(File));
  return absl::OkStatus();
}

absl::Status CheckpointWriter::writeIndex() {
  const json Index = {{"metadata", {{"total_size", TotalBytes}}},
                      {"weight_map", WeightMap}};
  return addFile("model.safetensors.index.json", Index.dump(2) + "\n");
}

absl::Status CheckpointWriter::commitFiles() {
  absl::Status Status = commit(Files);
  Files.clear();
  return Status;
}

absl::Status CheckpointWriter::writeSmallFiles() {
  M1_RETURN_IF_ERROR(commitFiles());
  // From the files as they are read later.
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> Written,
                      Checkpoint::open(Directory));
  std::vector<TensorDigest> Digests;
  for (const auto &[Name, Tensor] : Written->tensors())
    Digests.push_back(State.Weights[Name]);
  M1_RETURN_IF_ERROR(addFile("model.safetensors.digests.json",
                             DigestFile::write(*Written, Digests)));
  if (Source)
    for (const CheckpointSource::File &File : Source->files())
      M1_RETURN_IF_ERROR(addFile(File.Name, File.Content));
  M1_ASSIGN_OR_RETURN(std::string Text, writeTrainerState(State));
  M1_RETURN_IF_ERROR(addFile(TrainerStateName, Text));
  return commitFiles();
}
} // namespace

std::string m1::optimizerName(OptimizerTensor Kind, std::string_view Tensor) {
  constexpr std::string_view Prefixes[] = {"master.", "first_moment.",
                                           "second_moment.", "gradient."};
  return concat(Prefixes[static_cast<int>(Kind)], Tensor);
}

absl::Status m1::writeCheckpoint(const std::string &Directory, Policy &Model,
                                 CheckpointSource *Source, TrainerState State,
                                 uint64_t MaxShardBytes) {
  State.Weights.clear();
  State.Optimizer.clear();
  CheckpointWriter Writer(Directory, Model, Source, State);
  M1_RETURN_IF_ERROR(Writer.writeWeights(MaxShardBytes));
  M1_RETURN_IF_ERROR(Writer.writeOptimizer());
  return Writer.writeSmallFiles();
}
