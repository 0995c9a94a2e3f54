//===- TrafficJson.h - what ranks send, as JSON -----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1RUN_TRAFFICJSON_H
#define M1C_TOOLS_M1RUN_TRAFFICJSON_H

#include "runtime/plan/Traffic.h"
#include "tools/m1run/Json.h"

namespace m1::run {

/// A list with an object for each kind and axis.
inline json describe(const plan::Plan &Plan, const TrafficByKind &Sent) {
  json List = json::array();
  for (const auto &[Key, Each] : Sent)
    List.push_back(
        {{"kind", nameOf(Key.first)},
         {"axis", std::string(view(Plan.mesh()->Get(Key.second)->name()))},
         {"exchanges", Each.Exchanges},
         {"messages", Each.Messages},
         {"bytes", Each.Bytes}});
  return List;
}

} // namespace m1::run

#endif // M1C_TOOLS_M1RUN_TRAFFICJSON_H
