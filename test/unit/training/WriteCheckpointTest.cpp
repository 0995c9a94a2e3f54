//===- WriteCheckpointTest.cpp - training checkpoints ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/WriteCheckpoint.h"

#include "runtime/support/OutputFile.h"
#include "runtime/training/PolicyDigests.h"
#include "runtime/training/ReadCheckpoint.h"
#include "runtime/weights/VerifyWeights.h"
#include "test/unit/TestSupport.h"
#include "test/unit/training/MemoryPolicy.h"

#include <limits>
#include <set>

using namespace m1;
using namespace m1::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {
template <typename T>
std::vector<T> elements(Checkpoint &Weights, const std::string &Name) {
  const TensorInfo *Tensor = Weights.find(Name);
  if (!Tensor)
    return {};
  const std::span<const std::byte> Bytes = value(Weights.data(*Tensor));
  std::vector<T> Result(Bytes.size() / sizeof(T));
  std::memcpy(Result.data(), Bytes.data(), Bytes.size());
  return Result;
}

std::set<std::string> namesIn(const std::string &Directory) {
  std::set<std::string> Names;
  for (const fs::directory_entry &Entry : fs::directory_iterator(Directory))
    Names.insert(Entry.path().filename().string());
  return Names;
}

/// A source, and a directory "c" for a checkpoint.
class WriteCheckpointTest : public testing::Test {
protected:
  WriteCheckpointTest() : Model(smallTensors()) {
    fs::create_directory(Source());
    fs::create_directory(path());
    writeSource(Source(), Model.tensors());
    writeFile(Source() + "/config.json", "{}");
    Model.fill(3);
  }
  std::string Source() const { return Directory.path("source"); }
  std::string path(const std::string &Name = "") const {
    return Directory.path("c" + (Name.empty() ? "" : "/" + Name));
  }
  absl::Status write(uint64_t MaxShardBytes = DefaultShardBytes) {
    auto Opened = value(CheckpointSource::open(Source(), Model.tensors()));
    return writeCheckpoint(path(), Model, Opened.get(),
                           {3, {{"r", 1}}, {{"s", 2}}, {}, {}}, MaxShardBytes);
  }
  /// The error of loading the checkpoint into `Into`.
  std::string loadError(Policy &Into) {
    auto State = readTrainerState(path());
    const absl::Status Status =
        State.ok() ? loadCheckpoint(path(), *State, Into) : State.status();
    const std::string Error = message(Status);
    return Error.starts_with(path()) ? Error.substr(path().size()) : Error;
  }
  std::string loadError(std::vector<TrainedTensor> Tensors) {
    MemoryPolicy Other(std::move(Tensors));
    return loadError(Other);
  }
  /// Changes one byte of a file, `Back` bytes before its end.
  void damage(const std::string &Name, size_t Back) {
    std::string Bytes = readFile(path(Name));
    Bytes[Bytes.size() - Back] ^= 1;
    writeFile(path(Name), Bytes);
  }

  TemporaryDirectory Directory;
  MemoryPolicy Model;
};

TEST_F(WriteCheckpointTest, RoundsToNearestEven) {
  constexpr float Infinity = std::numeric_limits<float>::infinity();
  std::vector<float> &BF16 = Model.values(OptimizerTensor::Master, 1);
  BF16 = {
      0x1.01p0F, // halfway between 1 and 1 + 2^-7: to even, down
      0x1.03p0F, // halfway: up
      std::nextafter(0x1.01p0F, 2.0F),
      std::nextafter(0x1.03p0F, 0.0F),
      -0x1.03p0F,
      -0.0F,
      std::numeric_limits<float>::max(), // to infinity
      -Infinity,
      0x1p-133F,   // the smallest bf16
      0x1p-134F,   // halfway to it: 0
      0x1.8p-133F, // halfway between the first two: up
  };
  BF16.resize(21);
  std::vector<float> &F16 = Model.values(OptimizerTensor::Master, 2);
  F16 = {0x1.002p0F, 0x1.006p0F, 65519.0F, 65520.0F,
         0x1p-25F,   0x1.8p-24F, -0.0F,    -0x1.006p0F};
  Model.values(OptimizerTensor::Master, 3) = {0.1F, -0.0F, Infinity, 1};
  ASSERT_EQ(write(), absl::OkStatus());
  auto Written = value(Checkpoint::open(path()));
  std::vector<uint16_t> Expected = {0x3f80, 0x3f82, 0x3f81, 0x3f81,
                                    0xbf82, 0x8000, 0x7f80, 0xff80,
                                    0x0001, 0x0000, 0x0002};
  Expected.resize(21);
  EXPECT_EQ(elements<uint16_t>(*Written, "model.embed_tokens.weight"),
            Expected);
  EXPECT_EQ(elements<uint16_t>(*Written, "model.a.weight"),
            (std::vector<uint16_t>{0x3c00, 0x3c02, 0x7bff, 0x7c00, 0x0000,
                                   0x0002, 0x8000, 0xbc02}));
  const std::vector<double> F64 = elements<double>(*Written, "model.b.weight");
  EXPECT_EQ(F64, (std::vector<double>{0.1F, 0, Infinity, 1}));
  EXPECT_TRUE(std::signbit(F64[1]));
  EXPECT_EQ(elements<float>(*Written, "model.norm.weight"),
            Model.values(OptimizerTensor::Master, 0));
  EXPECT_EQ(elements<uint32_t>(*Written, "model.rotary.inv_freq"),
            std::vector<uint32_t>(4, 0x07070707));
}

TEST_F(WriteCheckpointTest, TakesOverSmallFiles) {
  for (const char *Name :
       {"tokenizer.json", "merges.txt", "modeling.py", ".hidden",
        "pytorch_model.bin", "model.safetensors.index.json",
        "model.safetensors.digests.json", "trainer_state.json",
        "optimizer.safetensors", "extra.gguf"})
    writeFile(Source() + "/" + Name, concat("content of ", Name));
  fs::create_directory(Source() + "/figures");
  fs::create_symlink("merges.txt", Source() + "/link.txt");
  fs::create_symlink("nowhere", Source() + "/dangling.txt");
  ASSERT_EQ(write(), absl::OkStatus());
  EXPECT_EQ(namesIn(path()),
            (std::set<std::string>{
                "config.json", "link.txt", "merges.txt", "modeling.py",
                "model.safetensors", "model.safetensors.digests.json",
                "model.safetensors.index.json", "optimizer.safetensors",
                "tokenizer.json", "trainer_state.json"}));
  EXPECT_EQ(readFile(path("tokenizer.json")), "content of tokenizer.json");
  EXPECT_FALSE(fs::is_symlink(path("link.txt")));
  // The next run starts from the checkpoint: the same files again.
  auto Again = value(CheckpointSource::open(path(), Model.tensors()));
  EXPECT_EQ(Again->files().size(), 5u);
  EXPECT_EQ(Again->others().size(), 1u);
  auto Written = value(Checkpoint::open(path()));
  EXPECT_EQ(Written->note(), "");
  EXPECT_TRUE(verifyWeights(*Written, "", {}).ok());
  damage("model.safetensors", 1);
  EXPECT_FALSE(verifyWeights(*Written, "", {}).ok());
}

TEST_F(WriteCheckpointTest, ASourceOfAnotherModelIsRefused) {
  std::vector<TrainedTensor> Tensors = smallTensors();
  auto error = [&] {
    return message(CheckpointSource::open(Source(), Tensors).status());
  };
  Tensors[0].Shape = {6};
  EXPECT_EQ(error(), Source() + "/model.safetensors: tensor "
                                "'model.norm.weight' is F32 [5], expected F32 "
                                "[6] from the model that is trained");
  Tensors[0].Name = "model.other";
  EXPECT_EQ(error(), Source() + ": no tensor 'model.other', which is trained");
}

TEST_F(WriteCheckpointTest, Shards) {
  // By name: a 16 bytes, b 32, embed 42, empty 0, norm 20, inv_freq 16,
  // scale 2.
  ASSERT_EQ(write(/*MaxShardBytes=*/48), absl::OkStatus());
  const json Index =
      json::parse(readFile(path("model.safetensors.index.json")));
  EXPECT_EQ(Index["metadata"]["total_size"], 128);
  EXPECT_EQ(
      Index["weight_map"],
      json({{"model.a.weight", "model-00001-of-00003.safetensors"},
            {"model.b.weight", "model-00001-of-00003.safetensors"},
            {"model.embed_tokens.weight", "model-00002-of-00003.safetensors"},
            {"model.empty.weight", "model-00002-of-00003.safetensors"},
            {"model.norm.weight", "model-00003-of-00003.safetensors"},
            {"model.rotary.inv_freq", "model-00003-of-00003.safetensors"},
            {"model.scale", "model-00003-of-00003.safetensors"}}));
  MemoryPolicy Other(smallTensors());
  EXPECT_EQ(loadError(Other), "");
  EXPECT_EQ(value(digestsOf(Other)), value(digestsOf(Model)));
}

TEST_F(WriteCheckpointTest, LoadsTheSameBits) {
  const uint32_t Patterns[] = {0x80000000, 0x00000001, 0x7f7fffff, 0x3f800001,
                               0xc2345678};
  for (OptimizerTensor Kind : SavedKinds)
    std::memcpy(Model.values(Kind, 0).data(), Patterns, sizeof Patterns);
  ASSERT_EQ(write(), absl::OkStatus());
  MemoryPolicy Other(smallTensors());
  EXPECT_NE(value(digestsOf(Other)), value(digestsOf(Model)));
  EXPECT_EQ(loadError(Other), "");
  EXPECT_EQ(Other.Published, 1);
  for (OptimizerTensor Kind : SavedKinds)
    for (size_t I = 0; I < Model.tensors().size(); ++I)
      EXPECT_EQ(std::memcmp(Other.values(Kind, I).data(),
                            Model.values(Kind, I).data(),
                            4 * Model.values(Kind, I).size()),
                0);
  EXPECT_EQ(value(digestsOf(Other)), value(digestsOf(Model)));
  // Gradients are no part of it.
  EXPECT_NE(Other.values(OptimizerTensor::Gradient, 0),
            Model.values(OptimizerTensor::Gradient, 0));
}

TEST_F(WriteCheckpointTest, DigestsTellBitsApart) {
  const PolicyDigests Before = value(digestsOf(Model));
  float &Weight = Model.values(OptimizerTensor::Master, 5)[0];
  Weight = std::nextafter(Weight, 2.0F);
  const PolicyDigests Changed = value(digestsOf(Model));
  EXPECT_NE(Changed.Weights, Before.Weights);
  EXPECT_EQ(Changed.Optimizer, Before.Optimizer);
  float &Moment = Model.values(OptimizerTensor::Second, 0)[4];
  Moment = -Moment;
  EXPECT_NE(value(digestsOf(Model)).Optimizer, Before.Optimizer);
  EXPECT_EQ(value(digestsOf(Model)).Weights, Changed.Weights);
  // The same bytes under other names.
  std::vector<TrainedTensor> Renamed = smallTensors();
  Renamed[4].Name = "model.nothing.weight";
  MemoryPolicy Other(Renamed);
  Other.fill(3);
  EXPECT_NE(value(digestsOf(Other)).Weights, Before.Weights);
}

TEST_F(WriteCheckpointTest, AnotherModelIsRefused) {
  ASSERT_EQ(write(), absl::OkStatus());
  std::vector<TrainedTensor> Tensors = smallTensors();
  Tensors[0].Name = "model.new.weight";
  EXPECT_EQ(loadError(Tensors),
            ": of another model: it has no trained tensor 'model.new.weight'");
  // In the checkpoint, but not trained.
  Tensors[0] = {"model.rotary.inv_freq", ElementType::F32, {4}};
  EXPECT_EQ(loadError(Tensors), ": of another model: it has no trained tensor "
                                "'model.rotary.inv_freq'");
  Tensors = smallTensors();
  Tensors[1].Shape = {3, 7};
  EXPECT_EQ(loadError(Tensors),
            ": of another model: tensor 'model.embed_tokens.weight' is BF16 "
            "[7, 3], expected BF16 [3, 7]");
  Tensors = smallTensors();
  Tensors[1].Type = ElementType::F16;
  EXPECT_EQ(loadError(Tensors),
            ": of another model: tensor 'model.embed_tokens.weight' is BF16 "
            "[7, 3], expected F16 [7, 3]");
  Tensors = smallTensors();
  Tensors.pop_back();
  EXPECT_EQ(loadError(Tensors), ": of another model: its tensor 'model.scale' "
                                "is not trained, or not there");
}

TEST_F(WriteCheckpointTest, DamageIsFound) {
  ASSERT_EQ(write(), absl::OkStatus());
  EXPECT_EQ(loadError(Model), "");
  damage("model.safetensors", 1); // in the last tensor, the widest F16
  EXPECT_EQ(
      loadError(Model),
      "/model.safetensors: tensor 'model.a.weight': the bytes differ from "
      "the digest in trainer_state.json: the file is damaged");
  damage("model.safetensors", 1);
  damage("optimizer.safetensors", 1);
  EXPECT_EQ(loadError(Model),
            "/optimizer.safetensors: tensor 'second_moment.model.scale': the "
            "bytes differ from the digest in trainer_state.json: the file is "
            "damaged");
  damage("optimizer.safetensors", 1);
  const std::string State = readFile(path("trainer_state.json"));
  writeFile(path("trainer_state.json"),
            std::string(State).replace(State.find("\"s\": 2"), 6, "\"s\": 3"));
  EXPECT_EQ(loadError(Model),
            "/trainer_state.json: the content differs from its digest: the "
            "file is damaged, or was edited");
  writeFile(path("trainer_state.json"), State.substr(0, State.size() / 2));
  EXPECT_TRUE(loadError(Model).starts_with("/trainer_state.json: line "));
  writeFile(path("trainer_state.json"), "{}");
  EXPECT_EQ(loadError(Model),
            "/trainer_state.json: not the trainer's state of a checkpoint");
  fs::remove(path("trainer_state.json"));
  EXPECT_EQ(loadError(Model), "cannot open " + path("trainer_state.json") +
                                  ": No such file or directory");
  writeFile(path("trainer_state.json"), State);
  EXPECT_EQ(loadError(Model), "");
  for (const char *Name : {"optimizer.safetensors", "model.safetensors"}) {
    const std::string Bytes = readFile(path(Name));
    writeFile(path(Name), Bytes.substr(0, Bytes.size() - 1));
    EXPECT_TRUE(loadError(Model).starts_with(concat("/", Name, ": tensor '")))
        << loadError(Model);
    fs::remove(path(Name));
    EXPECT_NE(loadError(Model).find(Name), std::string::npos);
    writeFile(path(Name), Bytes);
  }
  EXPECT_EQ(loadError(Model), "");
}

TEST(TrainerState, NumbersKeepTheirBits) {
  TemporaryDirectory Directory;
  const json State = {{"half", 0.5},
                      {"integral", 1.0},
                      {"integer", 1},
                      {"tenth", 0.1},
                      {"third", 1.0 / 3},
                      {"negative_zero", -0.0},
                      {"least", std::numeric_limits<double>::denorm_min()},
                      {"largest", std::numeric_limits<double>::max()},
                      {"seed", UINT64_MAX},
                      {"lowest", INT64_MIN},
                      {"hex", "0x1.8p-3"}};
  const std::string Text =
      value(writeTrainerState({7, {{"a", 0.1F}}, State, {{"x", {1, 2}}}, {}}));
  writeFile(Directory.path("trainer_state.json"), Text);
  const TrainerState Read = value(readTrainerState(Directory.root()));
  EXPECT_EQ(Read.Step, 7);
  EXPECT_EQ(Read.Recipe["a"].get<double>(), 0.1F);
  EXPECT_EQ(Read.Weights, (DigestMap{{"x", {1, 2}}}));
  ASSERT_EQ(Read.State.size(), State.size());
  for (const auto &[Key, Expected] : State.items()) {
    EXPECT_EQ(Read.State[Key].is_number_float(), Expected.is_number_float())
        << Key;
    EXPECT_EQ(Read.State[Key], Expected) << Key;
  }
  EXPECT_TRUE(std::signbit(Read.State["negative_zero"].get<double>()));
  EXPECT_EQ(
      message(writeTrainerState({7, {}, {{"a", {1, std::nan("")}}}, {}, {}})
                  .status()),
      "the trainer's state has a number that is not finite at 'state.a.1'");
}
} // namespace
