//===- ConfigRotary.cpp - the rotary embedding of a configuration ---------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files of older versions of transformers have rope_theta and
// partial_rotary_factor at the top level and scaling in rope_scaling; newer
// ones have all in rope_parameters. transformers reads rope_scaling where both
// objects are present, and keys inside the object before those at the top
// level. Here settings that contradict each other are errors: another
// implementation may read the other one.
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/ConfigReader.h"
#include "llvm/ADT/STLExtras.h"

using namespace m1::huggingface;
using llvm::StringRef;
using llvm::Twine;
using nlohmann::json;

namespace {

/// A value and the key that it comes from.
struct Setting {
  std::string Key;
  const json *Value = nullptr;
  explicit operator bool() const { return Value; }
};

/// The object with the settings of the rotary embedding, if there is one.
Setting findObject(ConfigReader &R) {
  Setting Chosen;
  for (StringRef Key : {"rope_scaling", "rope_parameters"}) {
    const json *Object = R.find(Key);
    if (!Object || (Object->is_object() && Object->empty()))
      continue;
    if (!Object->is_object()) {
      R.fail(Key, ConfigReader::shorten(*Object), "an object");
      return {};
    }
    if (Chosen && *Chosen.Value != *Object)
      R.fail(Chosen.Key, ConfigReader::shorten(*Chosen.Value),
             "null, or the same as " + Key);
    Chosen = {Key.str(), Object};
  }
  return Chosen;
}

/// Rejects all but an unscaled rotary embedding that is the same in all layers.
void checkObject(ConfigReader &R, const Setting &Object) {
  for (const char *Key : {"rope_type", "type"}) {
    auto Type = Object.Value->find(Key);
    if (Type != Object.Value->end() && !Type->is_null() && *Type != "default")
      R.fail(Object.Key + "." + Key, ConfigReader::shorten(*Type),
             "\"default\": scaled rotary embeddings are not supported");
  }
  for (const auto &[Key, Value] : Object.Value->items()) {
    if (Value.is_null())
      continue;
    std::string Name = Object.Key + "." + Key;
    if (Value.is_object())
      R.fail(Name, ConfigReader::shorten(Value),
             "the settings of all layers in " + Twine(Object.Key));
    // original_max_position_embeddings has no effect without scaling.
    else if (!llvm::is_contained({"rope_type", "type", "rope_theta",
                                  "partial_rotary_factor",
                                  "original_max_position_embeddings"},
                                 Key))
      R.fail(Name, ConfigReader::shorten(Value),
             "no such key: it has no effect on the rope_type \"default\"");
  }
}

/// The setting `Key` in `Object` or, if it is not there, at the top level.
Setting findSetting(ConfigReader &R, const Setting &Object, const char *Key) {
  Setting Outer{Key, R.find(Key)};
  if (!Object || !Object.Value->contains(Key) ||
      Object.Value->find(Key)->is_null())
    return Outer;
  Setting Inner{Object.Key + "." + Key, &*Object.Value->find(Key)};
  if (Outer && *Outer.Value != *Inner.Value)
    R.fail(Key, ConfigReader::shorten(*Outer.Value),
           ConfigReader::shorten(*Inner.Value) + " as in " + Inner.Key +
               ", or no such key");
  return Inner;
}

/// The number of components of a head that `Factor` makes rotate.
int64_t readFactor(ConfigReader &R, const Config &C, const Setting &Factor) {
  double Share = R.number(Factor.Key, *Factor.Value);
  if (Share > 0 && Share <= 1)
    return int64_t(C.HeadDim * Share);
  R.fail(Factor.Key, ConfigReader::shorten(*Factor.Value),
         "a number above 0 and at most 1");
  return C.HeadDim;
}

/// Says what other implementations compute if not all of a head rotates.
void warnOfPartial(ConfigReader &R, const Config &C, const Setting &Found,
                   bool IsFactor) {
  std::string What = Found.Key + " is " + ConfigReader::shorten(*Found.Value) +
                     ": m1c rotates " + std::to_string(C.RotaryDim) +
                     " of the " + std::to_string(C.HeadDim) +
                     " components of a head, ";
  if (C.hasPublishedNames() && IsFactor)
    R.warn(What + "the published code of " + C.ArchitectureName +
           " all of them: it reads rotary_dim only");
  else if (!C.hasPublishedNames())
    R.warn(What + "transformers 5.24 all of them" +
           (IsFactor ? ", vLLM too: it reads rotary_dim only"
                     : ", vLLM the same as m1c"));
}

/// The number of components of a head that rotate: rotary_dim, or a fraction of
/// the head, or all.
void readRotaryDim(ConfigReader &R, Config &C, const Setting &Object) {
  Setting Factor = findSetting(R, Object, "partial_rotary_factor");
  Setting Found{"rotary_dim", R.find("rotary_dim")};
  std::string Unit;
  C.RotaryDim = C.HeadDim;
  if (Factor)
    C.RotaryDim = readFactor(R, C, Factor);
  if (Found) {
    int64_t OfFactor = C.RotaryDim;
    C.RotaryDim = R.integer(Found.Key, 1, MaxCount);
    if (Factor && C.RotaryDim != OfFactor)
      R.fail(Factor.Key, ConfigReader::shorten(*Factor.Value),
             "the same number of components as rotary_dim (" +
                 Twine(C.RotaryDim) + ")");
  } else if (Factor) {
    Found = Factor;
    Unit = " of head_dim " + std::to_string(C.HeadDim);
  } else {
    Found.Key = "head_dim";
  }
  // Lightning layers have no rotary embedding.
  if (R.failed() || !llvm::is_contained(C.Lightning, false))
    return;
  std::string Number = Unit.empty()
                           ? std::to_string(C.RotaryDim)
                           : ConfigReader::shorten(*Found.Value) + Unit + " (" +
                                 std::to_string(C.RotaryDim) + " components)";
  if (C.RotaryDim > C.HeadDim)
    R.fail(Found.Key, Number, "at most head_dim (" + Twine(C.HeadDim) + ")");
  if (C.RotaryDim % 2 || C.RotaryDim == 0)
    R.fail(Found.Key, Number, "an even number of components to rotate");
  if (C.RotaryDim < C.HeadDim)
    warnOfPartial(R, C, Found, /*IsFactor=*/!Unit.empty());
}

} // namespace

void m1::huggingface::readRotary(ConfigReader &R, Config &C) {
  Setting Object = findObject(R);
  if (Object)
    checkObject(R, Object);
  // Both published configuration classes have this default.
  C.RotaryTheta = 1e6;
  if (Setting Theta = findSetting(R, Object, "rope_theta"))
    C.RotaryTheta = R.positive(Theta.Key, *Theta.Value);
  readRotaryDim(R, C, Object);
}
