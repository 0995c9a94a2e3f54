//===- ConfigKeys.cpp - the keys that have no effect ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/ConfigReader.h"
#include "llvm/ADT/STLExtras.h"

using namespace m1::huggingface;
using nlohmann::json;

namespace {

/// Keys that do not change the log-probabilities of given tokens: names and
/// versions, training, caches, outputs, and defaults of generation, which m1run
/// takes from its options.
const char *const Harmless[] = {
    // What the file is.
    "_commit_hash", "_name_or_path", "auto_map", "finetuning_task",
    "model_type", "name_or_path", "task_specific_params", "tokenizer_class",
    "transformers_version",
    // Training.
    "attention_dropout", "initializer_range", "output_router_logits",
    "router_aux_loss_coef", "router_jitter_noise",
    // How another implementation computes the same.
    "_attn_implementation", "_attn_implementation_autoset",
    "attn_implementation", "block_size", "chunk_size_feed_forward", "debug",
    "do_eval", "eval_and_not_generate", "experts_implementation",
    "pretraining_tp", "torchscript", "use_bfloat16", "use_cache", "use_triton",
    // Outputs, and heads for other tasks.
    "id2label", "is_decoder", "label2id", "num_labels", "output_attentions",
    "output_hidden_states", "problem_type", "return_dict",
    "tie_last_hidden_states",
    // Special tokens and generation.
    "bad_words_ids", "begin_suppress_tokens", "bos_token_id", "cls_token_id",
    "decoder_start_token_id", "diversity_penalty", "do_sample",
    "early_stopping", "encoder_no_repeat_ngram_size", "eos_token_id",
    "exponential_decay_length_penalty", "forced_bos_token_id",
    "forced_eos_token_id", "length_penalty", "max_length", "max_new_tokens",
    "min_length", "no_repeat_ngram_size", "num_beam_groups", "num_beams",
    "num_return_sequences", "output_scores", "pad_token_id", "prefix",
    "remove_invalid_values", "repetition_penalty", "return_dict_in_generate",
    "sep_token_id", "suppress_tokens", "temperature", "top_k", "top_p",
    "typical_p"};

/// Keys in a warning before "and N more".
constexpr size_t MaxListed = 4;

/// Whether the value switches something off. The exception is the key of other
/// architectures whose meaning here is always true.
bool isNeutral(const std::string &Key, const json &Value) {
  return Value.is_null() || (Value.is_structured() && Value.empty()) ||
         (Value == false && Key != "norm_topk_prob") ||
         (Value == true && Key == "norm_topk_prob");
}

} // namespace

void m1::huggingface::warnUnused(ConfigReader &R, const Config &C) {
  std::string List;
  size_t Count = 0;
  for (const auto &[Key, Value] : R.unusedKeys()) {
    if (llvm::is_contained(Harmless, Key) || isNeutral(Key, *Value))
      continue;
    if (++Count <= MaxListed)
      List += (Count > 1 ? ", " : "") + Key + " (" +
              ConfigReader::shorten(*Value) + ")";
  }
  if (Count > MaxListed)
    List += " and " + std::to_string(Count - MaxListed) + " more";
  if (Count > 0)
    R.warn("ignored, since " + C.ArchitectureName +
           " has no such setting: " + List);
}
